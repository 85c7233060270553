"""Beside an empty home: a folder and a database that nobody uses yet, put in place once whole.

What a restore that failed or was killed has left is cleared away, at the latest by the next one.
Only what it put on a server or into a bucket before it was killed stays; the next one names it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import text

from lapwing.model.errors import Conflict
from lapwing.operations.archive import About
from lapwing.store.blobs import Blobs, local_folder
from lapwing.store.database import Database
from lapwing.store.embedded import EmbeddedPostgres
from lapwing.store.keyring import Keyring

SIDE = ".restoring"

_TABLES = text(
    "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace "
    "where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
)
_EMPTY = (
    text("drop schema public cascade"),
    text("create schema public"),
    text("grant usage on schema public to public"),
)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a house is put."""

    home: Path
    secrets: Path
    blobs_url: str
    database_url: str | None = None
    """A server's database; None for the embedded one in the home."""


@contextmanager
def empty_home(target: Target) -> Iterator[Side]:
    """A side place for this target; unless it was settled, all is as before when the block ends.

    Raises Conflict when there is something where the house should go.
    """
    private = 0o711 if os.geteuid() == 0 else 0o700
    # As `open_house` makes it: root's database server has to pass through.
    target.home.mkdir(parents=True, exist_ok=True, mode=private)
    _clear(target.home / SIDE)
    for place in (target.home, target.secrets, local_folder(target.blobs_url)):
        if place is not None and place.exists() and any(place.iterdir()):
            raise Conflict(f"{place} is not empty; a backup is restored into an empty place only")
    (target.home / SIDE).mkdir(mode=private)
    side = Side(target)
    try:
        yield side
    finally:
        if not side.settled:
            side.undo()
        _clear(target.home / SIDE)


class Side:
    """Where a house is put together."""

    def __init__(self, target: Target) -> None:
        self.settled = False
        self.folder = target.home / SIDE
        self.secrets = self.folder / "secrets"
        self._target = target
        self._embedded = EmbeddedPostgres(self.folder)
        self._blob_folder = local_folder(target.blobs_url)
        self.blobs = Blobs(
            target.blobs_url if self._blob_folder is None else (self.folder / "blobs").as_uri()
        )
        if next(self.blobs.everything(), None) is not None:
            raise Conflict("there are blobs already where the backup's should go")
        self._put: list[str] = []
        self._filled = False

    @contextmanager
    def database(self) -> Iterator[Database]:
        """An empty database with the roles that tables grant to."""
        database = Database(self._target.database_url or self._embedded.start())
        try:
            with database.owner() as connection:
                if connection.execute(_TABLES).scalar_one():
                    raise Conflict("the database is not empty; a backup needs an empty one")
            self._filled = self._target.database_url is not None
            database.make_roles()
            yield database
        finally:
            database.close()

    def put_blob(self, path: str, content: bytes) -> None:
        if self._blob_folder is None:
            self._put.append(path)
        self.blobs.put(path, content)

    def put_secret(self, path: str, content: bytes) -> None:
        """Write a secret file as the keyring does: 0600 in folders of 0700."""
        file = self.secrets / path
        _make_private(self.secrets, file.parent)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())

    def keyring(self, about: About) -> Keyring:
        """Keys to verify the ledgers with: the secret ones, else the public ones it names."""
        if self.secrets.is_dir():
            return Keyring(self.secrets)
        public = self.folder / "public-keys"
        for ledger in about.ledgers:
            folder = public / str(ledger.organisation)
            _make_private(public, folder)
            for number, key in enumerate(ledger.keys, start=1):
                (folder / f"signing-{number}.pub").write_text(key)
        return Keyring(public)

    def settle(self) -> None:
        """Put everything in its place, the database last."""
        self._embedded.stop()
        if self._blob_folder is not None and (blobs := self.folder / "blobs").exists():
            _move(blobs, self._blob_folder)
        if self.secrets.exists():
            _move(self.secrets, self._target.secrets)
        control = self.folder / "postgres"
        if control.exists():
            _move(control, self._target.home / "postgres")
        self.settled = True

    def undo(self) -> None:
        """Empty again what lies outside the home."""
        for path in self._put:
            self.blobs.delete(path)
        if self._filled and self._target.database_url is not None:
            database = Database(self._target.database_url)
            with database.owner() as connection:
                for statement in _EMPTY:
                    connection.execute(statement)
            database.close()


def _clear(folder: Path) -> None:
    if folder.exists():
        EmbeddedPostgres(folder).remove()
        shutil.rmtree(folder)


def _make_private(top: Path, folder: Path) -> None:
    for one in (*reversed(folder.relative_to(top).parents), folder.relative_to(top)):
        (top / one).mkdir(mode=0o700, exist_ok=True)


def _move(source: Path, target: Path) -> None:
    """Rename; copy where the target lies on another disk. An empty folder there gives way."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        target.rmdir()
    shutil.move(source, target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
