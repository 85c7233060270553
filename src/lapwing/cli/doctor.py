"""`lapwing doctor`: looks the installation over and names what is weak."""

from __future__ import annotations

import platform
import shutil
import stat
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct
from rich.text import Text
from sqlalchemy import text

from lapwing.cli.compile import compile_hot_loops
from lapwing.cli.output import DONE, FAILED, Json, page, show, table, write_json
from lapwing.cli.session import house, settings
from lapwing.detect.registry import survey
from lapwing.law.registry import rules, stale
from lapwing.model.errors import LapwingError
from lapwing.store.clock import utc_now
from lapwing.web.console.static import has_htmx

LEAST_FREE = 2 * 2**30
"""Bytes on the disk of the data folder below which it is called weak."""


class Check(Struct, frozen=True):
    """One thing looked at: `ok`, `weak` (works, but mend it) or `broken`."""

    name: str
    state: str
    said: str


def doctor(
    compile_only: Annotated[
        bool,
        typer.Option("--compile", help="Only compile the hot loops for a fast first use."),
    ] = False,
    json: Json = False,
) -> None:
    """Check Python, libraries, data folder, secrets, database and law data; mends nothing.

    Exit code 1 when something is broken; what is weak works, but should be mended.
    """
    if compile_only:
        seconds = compile_hot_loops()
        if json:
            write_json({"compiled_in_seconds": round(seconds, 2)})
        else:
            page.print(f"hot loops compiled in {seconds:.1f} s")
        return
    checks = [
        *_libraries(),
        *_database(),
        *_folders(),
        *_way_in(),
        *_law(),
        *_detectors(),
    ]
    if json:
        write_json(checks)
    else:
        colours = {"ok": "green", "weak": "yellow", "broken": "red"}
        rows = [(c.name, Text(c.state, colours[c.state]), c.said) for c in checks]
        show(table("", ("what", "state", ""), rows))
    raise typer.Exit(FAILED if any(c.state == "broken" for c in checks) else DONE)


def _libraries() -> list[Check]:
    found = [Check("python", "ok", platform.python_version())]
    for name in ("numpy", "numba", "pillow", "psycopg", "litestar"):
        try:
            found.append(Check(name, "ok", version(name)))
        except PackageNotFoundError:
            found.append(Check(name, "broken", "not installed"))
    if not has_htmx():
        said = "not fetched; pages work without them, `make browser` fetches them"
        found.append(Check("browser libraries", "weak", said))
    return found


def _folders() -> list[Check]:
    chosen = settings()
    found = [_room(chosen.home)]
    if chosen.secrets.exists():
        open_to_others = [p for p in _below(chosen.secrets) if p.stat().st_mode & 0o077]
        found.append(
            Check("secrets", "broken", f"readable by others: {open_to_others[0]}")
            if open_to_others
            else Check("secrets", "ok", f"{chosen.secrets}, for its owner only")
        )
        if chosen.secrets.is_relative_to(chosen.home):
            found.append(
                Check(
                    "secrets beside data",
                    "weak",
                    "a copy of the data folder takes the keys along; LAPWING_SECRETS moves them",
                )
            )
    return found


def _room(home: Path) -> Check:
    """The database stops when the disk is full, so that is told early."""
    if not home.exists():
        return Check("data folder", "weak", f"{home} is not there yet")
    free = shutil.disk_usage(home).free
    said = f"{home}, {free / 2**30:,.1f} GiB free"
    return Check("data folder", "ok" if free >= LEAST_FREE else "weak", said)


def _below(folder: Path) -> list[Path]:
    return [folder, *(p for p in folder.rglob("*") if not stat.S_ISLNK(p.lstat().st_mode))]


def _database() -> list[Check]:
    try:
        with house() as opened:
            where = "embedded" if opened.embedded else "a server"
            with opened.database.owner() as connection:
                server = connection.execute(text("show server_version")).scalar_one()
                bare = (
                    connection.execute(
                        text(
                            "select distinct c.relname from pg_class c "
                            "join pg_attribute a on a.attrelid = c.oid "
                            "where a.attname = 'organisation_id' and c.relkind = 'r' "
                            "and not c.relrowsecurity and c.relnamespace = 'public'::regnamespace"
                        )
                    )
                    .scalars()
                    .all()
                )
                durable = connection.execute(text("show synchronous_commit")).scalar_one()
    except LapwingError as error:
        return [Check("database", "broken", error.message)]
    return [
        Check("database", "ok", f"PostgreSQL {server}, {where}"),
        Check("row-level security", "broken", f"missing on {', '.join(bare)}")
        if bare
        else Check("row-level security", "ok", "on every table of an organisation"),
        Check(
            "durable commits", "ok" if durable == "on" else "weak", f"synchronous_commit {durable}"
        ),
    ]


def _way_in() -> list[Check]:
    """Members and keys. A database that cannot be reached has been told of already."""
    try:
        with house() as opened:
            found = opened.members.weaknesses(opened.settings.host)
    except LapwingError as error:
        return [Check("members", "broken", error.message)]
    return [Check(one.what, "weak", one.said) for one in found] or [
        Check("members", "ok", "passkeys, a second admin and a second person everywhere")
    ]


def _law() -> list[Check]:
    try:
        count, old = len(rules()), stale(utc_now().date())
    except LapwingError as error:
        return [Check("law data", "broken", error.message)]
    if old:
        named = ", ".join(row.id for row in old)
        return [Check("law data", "weak", f"to be read again: {named}")]
    return [Check("law data", "ok", f"{count} rows, all reviewed within a year")]


def _detectors() -> list[Check]:
    found = survey()
    broken = [Check("detector", "broken", f"{one}") for one in found.broken]
    names = ", ".join(detector.name for detector in found.detectors)
    return [Check("detectors", "ok", names), *broken]
