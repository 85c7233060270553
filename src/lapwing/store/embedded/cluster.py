"""The data folder: made whole with its roles and database, or checked before a server opens it.

This runs while no server has the folder open.
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from lapwing.model.errors import Unavailable
from lapwing.store.embedded.account import Account
from lapwing.store.embedded.binaries import MAJOR, Binaries
from lapwing.store.embedded.place import Place, write_private
from lapwing.store.embedded.settings import OWNER, SUPERUSER

DATABASE = "lapwing"

# Locale C needs no locale data of the machine, which containers often lack.
_NEW_CLUSTER = (
    *("--encoding=UTF8", "--locale=C"),
    *("--auth-local=peer", "--auth-host=reject", "--no-instructions"),
)
_SINGLE = (
    *("-c", "exit_on_error=on"),
    *("-c", "log_min_messages=error", "-c", "log_min_error_statement=panic"),
)


def make_data(place: Place, account: Account, binaries: Binaries) -> None:
    """Make the data folder and its roles, or check the one that is there."""
    if place.data.exists():
        _check_version(place.data)
        if not place.password.exists():
            _set_password(place, account, binaries, place.data)
        return
    draft = place.folder / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    account.make_folder(place.log)
    account.make_folder(draft)
    made = account.run([binaries.program("initdb"), "-D", draft, "-U", SUPERUSER, *_NEW_CLUSTER])
    if made.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise Unavailable(f"initdb failed: {made.stdout.decode(errors='replace').strip()}")
    _single_user(account, binaries, draft, f"create role {OWNER} login createrole createdb")
    _single_user(account, binaries, draft, f"create database {DATABASE} owner {OWNER}")
    _set_password(place, account, binaries, draft)
    draft.rename(place.data)
    folder = os.open(place.folder, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check_version(data: Path) -> None:
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise Unavailable(
            f"{data} is not a whole PostgreSQL data folder (PG_VERSION is missing); restore it "
            "from a backup, or move it away to start empty"
        ) from None
    if version != str(MAJOR):
        raise Unavailable(
            f"{data} was made by PostgreSQL {version}, and this Lapwing brings PostgreSQL {MAJOR}; "
            "move the data with pg_dump or pg_upgrade"
        )


def _set_password(place: Place, account: Account, binaries: Binaries, data: Path) -> None:
    """Give the owner role a new password and keep it; done again when the file was lost."""
    password = secrets.token_urlsafe(32)
    _single_user(account, binaries, data, f"alter role {OWNER} password '{password}'")
    write_private(place.password, password + "\n")


def _single_user(account: Account, binaries: Binaries, data: Path, statement: str) -> None:
    """Run one statement on a data folder that no server has open."""
    done = account.run(
        [binaries.program("postgres"), "--single", "-D", data, *_SINGLE, "postgres"],
        text_in=statement + "\n",
    )
    if done.returncode != 0:
        raise Unavailable(
            f"PostgreSQL cannot open {data}: {done.stdout.decode(errors='replace').strip()}"
        )
