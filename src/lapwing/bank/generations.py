"""The folder of bank files on this node: which there are, which may be believed, which go.

    <home>/bank/generation-<schema>-<generation>-<random>.bank
    <home>/bank/writer-<schema>.lock       held by the process that writes
    <home>/bank/tidemark-<schema>          the highest generation known here to be committed

Files of another schema belong to a Lapwing of another version, which may still be running beside
this one. A file that is deleted lives on for those who have mapped it.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from lapwing.bank.index.snapshot import Snapshot
from lapwing.bank.index.stored import Stored, open_stored, write
from lapwing.bank.tidemark import Tidemark
from lapwing.logs import log
from lapwing.model.errors import IntegrityBroken, InvalidInput

_NAME = re.compile(r"generation-([0-9A-Za-z]+)-([0-9]{1,19})-[0-9a-f]{8}\.bank", re.ASCII)


class Generations:
    """Bank files under one owner-only folder. Safe to share between threads and processes."""

    def __init__(self, folder: Path, schema: str) -> None:
        self.folder = folder
        self.schema = schema
        self.tidemark = Tidemark(folder / f"tidemark-{schema}")
        self._lock: int | None = None
        self._electing = threading.Lock()

    def found(self) -> list[tuple[int, Path]]:
        """(generation, file) of this schema, newest first. Nothing is known of their insides."""
        mine = [(number, path) for schema, number, path in self._all() if schema == self.schema]
        return sorted(mine, reverse=True)

    def open(self, path: Path) -> Stored | None:
        """What the file holds; None when it cannot be read or, then deleted, not be believed."""
        try:
            return open_stored(path, self.schema)
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("bank.file_unreadable", error=type(error).__name__)
            return None
        except (IntegrityBroken, InvalidInput) as error:
            self.refuse(path, type(error).__name__)
            return None

    def refuse(self, path: Path, reason: str) -> None:
        """Delete a file that must not be believed; it is written anew from the database."""
        log.warning("bank.file_refused", reason=reason)
        with suppress(OSError):
            path.unlink()

    def write(self, snapshot: Snapshot, mark: UUID) -> Path:
        """Write a file and then delete those that it replaces. Raises OSError.

        Only for the process that has the writer's lock.
        """
        self._make_folder()
        self._sweep(None)  # drafts of a writer that was killed
        name = f"generation-{self.schema}-{snapshot.generation}-{secrets.token_hex(4)}.bank"
        path = self.folder / name
        write(path, snapshot, mark, self.schema)
        self._sweep(path)
        return path

    def become_writer(self) -> bool:
        """Whether this process is the one that writes; frees itself when the process ends."""
        with self._electing:
            return self._lock is not None or self._elect()

    def _elect(self) -> bool:
        try:
            self._make_folder()
            path = self.folder / f"writer-{self.schema}.lock"
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            log.warning("bank.cannot_write", error=type(error).__name__)
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def resign(self) -> None:
        """Let another process write."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _all(self) -> Iterator[tuple[str, int, Path]]:
        with suppress(OSError):
            for path in self.folder.iterdir():
                match = _NAME.fullmatch(path.name)
                if match:
                    yield match[1], int(match[2]), path

    def _sweep(self, kept: Path | None) -> None:
        """Delete drafts; with `kept`, also every other file of this or an older schema."""
        with suppress(OSError):
            for path in self.folder.glob(".generation-*"):
                if path.name.startswith(f".generation-{self.schema}-"):
                    path.unlink(missing_ok=True)
            for schema, _, path in list(self._all()):
                if kept is not None and path != kept and schema <= self.schema:
                    path.unlink(missing_ok=True)
