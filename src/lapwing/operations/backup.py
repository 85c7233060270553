"""Backup: the whole house in one sealed file, as it was at one moment, while it goes on working.

Database, ledger heads and the list of blobs come from one snapshot. A blob whose time is over may
be deleted while the backup runs; its name is then noted as missing, and the restored house deletes
its row. Secrets are in it only when that is asked for: who has such a file and its key has all.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, text

from lapwing import __version__
from lapwing.evidence.ledger import Ledger
from lapwing.evidence.vault import VAULT_FOLDER
from lapwing.model.errors import InvalidInput, NotFound
from lapwing.operations.archive import ABOUT, About, LedgerHead, Manifest, Writer
from lapwing.operations.dumping import dump
from lapwing.operations.sealing import Lock, sealed
from lapwing.store.blobs import Blobs
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring

Progress = Callable[[str, int], None]
"""Called with what is being saved (`database`, `blobs`, `secrets`) and the bytes just written."""

_SNAPSHOT = text("set transaction isolation level repeatable read, read only")
SAVED_PATHS = text(
    "select path from vault_objects where deleted_at is null "
    "union all select cover_path from vault_objects "
    "where deleted_at is null and cover_path is not null"
)


def back_up(
    file: Path,
    lock: Lock,
    *,
    database: Database,
    blobs: Blobs,
    keyring: Keyring,
    ledger: Ledger,
    now: datetime,
    secrets: bool = False,
    progress: Progress = lambda part, size: None,
) -> tuple[About, Manifest]:
    """Write the sealed backup; the file is there whole, or not at all.

    Raises InvalidInput when the file exists or nothing seals it, Unavailable when a part does not
    answer, and OSError when the file cannot be written.
    """
    with (
        _whole_or_nothing(file) as out,
        sealed(out, lock) as stream,
        database.owner() as connection,
    ):
        connection.execute(_SNAPSHOT)
        snapshot = str(connection.execute(text("select pg_export_snapshot()")).scalar_one())
        part = ""
        writer = Writer(stream, lambda size: progress(part, size))
        about = _about(connection, ledger, keyring, now, secrets)
        writer.add(ABOUT, msgspec.json.encode(about))
        part = "database"
        major = int(about.server.split(".")[0])
        for number, piece in enumerate(dump(database.url, snapshot, major), start=1):
            writer.add(f"database/{number:06}", piece)
        part = "blobs"
        missing = _save_blobs(writer, blobs, connection)
        part = "secrets"
        if secrets:
            for name, content in _secret_files(keyring.folder):
                writer.add(f"secrets/{name}", content)
        manifest = writer.finish(tuple(missing))
    return about, manifest


def _about(
    connection: Connection, ledger: Ledger, keyring: Keyring, now: datetime, secrets: bool
) -> About:
    schema = connection.execute(text("select version_num from alembic_version")).scalar_one()
    server = connection.execute(text("show server_version")).scalar_one()
    organisations = connection.execute(text("select id from organisations order by id")).scalars()
    return About(
        lapwing=__version__,
        schema=str(schema),
        server=str(server).split()[0],
        at=now,
        secrets=secrets,
        ledgers=tuple(
            LedgerHead(
                organisation=one,
                head=ledger.head(connection, one),
                keys=tuple(
                    key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
                    for key in keyring.verify_keys(one).values()
                ),
            )
            for one in organisations
        ),
    )


def _save_blobs(writer: Writer, blobs: Blobs, connection: Connection) -> list[str]:
    """Save what the vault's rows name, and what lies outside the vault; returns what is missing."""
    missing = []
    rows = connection.execution_options(yield_per=1000).execute(SAVED_PATHS)
    for path in rows.scalars():
        try:
            writer.add(f"blobs/{path}", blobs.get(path))
        except NotFound:
            missing.append(path)
    for path in blobs.everything():
        if not path.startswith(VAULT_FOLDER):
            with suppress(NotFound):
                writer.add(f"blobs/{path}", blobs.get(path))
    return missing


def _secret_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    files: Sequence[Path] = sorted(path for path in folder.rglob("*") if path.is_file())
    for file in files:
        # A draft of a key that is being made has no name yet.
        if not file.name.startswith("."):
            yield file.relative_to(folder).as_posix(), file.read_bytes()


@contextmanager
def _whole_or_nothing(file: Path) -> Iterator[BinaryIO]:
    """A private file that gets its name once it is on the disk."""
    if file.exists():
        raise InvalidInput(f"{file} is there already", field="out")
    handle, name = tempfile.mkstemp(dir=file.absolute().parent, prefix=f".{file.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.link(draft, file)
        folder = os.open(file.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        draft.unlink(missing_ok=True)
