"""Restore: a backup back into an empty house, checked before it becomes one.

Everything goes to the side first: files into a folder within the home, the database into one that
nobody uses yet. Only when every hash fitted, the tables are those of today and every ledger holds
up to the head it had, and what time has brought since the backup is made good (`afterwards`), is it
all put in its place. Whatever fails before leaves the home as empty as it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, BinaryIO

import msgspec

from lapwing import __version__
from lapwing.evidence.ledger import Ledger
from lapwing.evidence.verification import Verification
from lapwing.model.errors import IntegrityBroken, Unavailable
from lapwing.operations.afterwards import Redone, redo
from lapwing.operations.archive import ABOUT, About, Entry, Manifest, entries
from lapwing.operations.backup import SAVED_PATHS
from lapwing.operations.dumping import restoring
from lapwing.operations.sealing import Key, opened
from lapwing.operations.side import Side, Target, empty_home
from lapwing.store.blobs import Blobs
from lapwing.store.clock import Clock
from lapwing.store.database import Database
from lapwing.store.migrations.upgrade import knows

READS_NEWER = 17
"""From this server on the embedded PostgreSQL's own `pg_restore` is used, which reads its dumps."""

Progress = Callable[[str, int], None]
"""Called with what is being done (`reading`, `verifying`) and how far it is: bytes, ledgers."""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the home now."""

    about: About
    manifest: Manifest
    ledgers: tuple[Verification, ...]
    redone: Redone
    secrets: bool
    """Whether the secret keys are there. Without them nothing can be signed or uncovered."""


def restore(
    file: Path,
    key: Key,
    target: Target,
    *,
    clock: Clock,
    secrets_from: Path | None = None,
    progress: Progress = lambda part, done: None,
) -> Restored:
    """Restore a backup. `secrets_from` is a copy of the folder of secrets, kept apart from it.

    Raises Conflict when there is something where it should go, NotAllowed when the key does not
    open it, IntegrityBroken when it was changed or a ledger does not hold, Unavailable when the
    database cannot be had.
    """
    with file.open("rb") as source, empty_home(target) as side:
        with opened(source, key) as stream:
            stream.read(1)
        source.seek(0)
        with side.database() as database:
            with opened(source, key) as stream:
                about, manifest = _fill(stream, source, side, database, progress)
            if secrets_from is not None:
                shutil.copytree(secrets_from, side.secrets, dirs_exist_ok=True)
            database.migrate()
            _check_blobs(database, side.blobs, manifest)
            ledger = Ledger(side.keyring(about), clock)
            ledgers = tuple(_verified(database, ledger, about, progress))
            secrets = side.secrets.is_dir()
            redone = redo(
                database,
                side.blobs,
                ledger if secrets else None,
                saved_at=about.at,
                now=clock(),
            )
        side.settle()
    return Restored(about=about, manifest=manifest, ledgers=ledgers, redone=redone, secrets=secrets)


def _fill(
    stream: BinaryIO, source: BinaryIO, side: Side, database: Database, progress: Progress
) -> tuple[About, Manifest]:
    """Put every entry to the side; returns what the backup says of itself."""
    about: About | None = None
    with ExitStack() as dump:
        into: IO[bytes] | None = None
        for entry in entries(stream):
            if isinstance(entry, Manifest):
                if about is None:
                    raise IntegrityBroken("the backup does not say what it is")
                return about, entry
            room, _, name = entry.name.partition("/")
            if room == "database":
                if into is None:
                    into = dump.enter_context(restoring(database.url, database.server_version()))
                for piece in entry.pieces():
                    into.write(piece)
            else:
                dump.close()
                if entry.name == ABOUT:
                    about = _about(entry, database)
                else:
                    _put(entry, room, name, side)
            progress("reading", source.tell())
    raise IntegrityBroken("the backup has no end")


def _about(entry: Entry, database: Database) -> About:
    """What the backup says of itself. Raises Unavailable where it cannot go into this house."""
    try:
        about = msgspec.json.decode(entry.whole(), type=About)
    except msgspec.DecodeError as error:
        raise IntegrityBroken("what the backup says of itself cannot be read") from error
    if not knows(about.schema):
        raise Unavailable(
            f"the backup was made by another Lapwing ({about.lapwing}), whose tables this one "
            f"({__version__}) does not know; restore it with that version or a newer one"
        )
    made, here = _major(about.server), database.server_version()
    if here < READS_NEWER and made > here:
        raise Unavailable(
            f"the backup comes from PostgreSQL {made}, which does not go into {here}; "
            f"restore it into {made} or the embedded database"
        )
    return about


def _major(version: str) -> int:
    number = version.split(".")[0]
    return int(number) if number.isdecimal() else 0


def _put(entry: Entry, room: str, name: str, side: Side) -> None:
    if room == "blobs":
        side.put_blob(name, entry.whole(entry.size))
    elif room == "secrets":
        side.put_secret(name, entry.whole())
    else:
        raise IntegrityBroken(f"the backup holds {entry.name[:80]!r}, which belongs nowhere")


def _check_blobs(database: Database, blobs: Blobs, manifest: Manifest) -> None:
    """Every blob that a row names is there, but those that the backup knows to be missing."""
    missing = set(manifest.missing)
    with database.owner() as connection:
        paths = connection.execution_options(yield_per=1000).execute(SAVED_PATHS).scalars()
        for path in paths:
            if path not in missing and not blobs.exists(path):
                raise IntegrityBroken(f"the backup lacks the blob {path}")


def _verified(
    database: Database, ledger: Ledger, about: About, progress: Progress
) -> Iterator[Verification]:
    """Every ledger, recomputed and compared with the head that it had when it was saved."""
    for number, one in enumerate(about.ledgers, start=1):
        if one.head is not None:
            with database.owner() as connection:
                yield ledger.verify(connection, one.organisation, one.head)
        progress("verifying", number)
