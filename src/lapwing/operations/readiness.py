"""Whether this process can do its work now, and if not, which parts are missing.

Each look has a time limit: a database that hangs must not make the answer hang. A look that is
still under way is not begun again, so that many who ask cost no more than one.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from pathlib import Path

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from lapwing.bank.live import LiveBank
from lapwing.logs import log, told
from lapwing.model.errors import LapwingError
from lapwing.store.database import Database
from lapwing.store.migrations.upgrade import newest_revision

LOOK_SECONDS = 2.0
LEAST_FREE = 64 << 20
"""Bytes. PostgreSQL writes its log in files of 16 MiB, and stops when it cannot make one."""
LONGEST_SILENCE = 15.0
"""Seconds without a beat after which the job worker counts as gone."""

Look = Callable[[], bool]
"""True when the part can be relied on; a LapwingError or database error counts as False."""


class Ready(Struct, frozen=True, kw_only=True):
    """`missing` names parts: `database`, `schema`, `bank`, `disk`, `worker`; no details."""

    ready: bool
    missing: tuple[str, ...] = ()


class Readiness:
    """Looks at the parts. Safe to share between threads."""

    def __init__(self, looks: Mapping[str, Look], seconds: float = LOOK_SECONDS) -> None:
        self._looks = dict(looks)
        self._seconds = seconds
        self._under_way: dict[str, Future[bool]] = {}
        self._lock = threading.Lock()

    def look(self) -> Ready:
        """Look at every part at once; takes LOOK_SECONDS at most."""
        with self._lock:
            for name, look in self._looks.items():
                standing = self._under_way.get(name)
                if standing is None or standing.done():
                    self._under_way[name] = _begin(name, look)
            looking = dict(self._under_way)
        until = time.monotonic() + self._seconds
        missing = tuple(name for name, found in looking.items() if not _says(found, until))
        return Ready(ready=not missing, missing=missing)


def _begin(name: str, look: Look) -> Future[bool]:
    """In a daemon thread: one that hangs must not keep the process from ending."""
    found: Future[bool] = Future()
    threading.Thread(
        target=lambda: found.set_result(_safely(look)), name=f"ready-{name}", daemon=True
    ).start()
    return found


def _says(found: Future[bool], until: float) -> bool:
    try:
        return found.result(max(0.0, until - time.monotonic()))
    except TooLate:
        return False


def _safely(look: Look) -> bool:
    try:
        return look()
    except (LapwingError, DBAPIError, OSError) as error:
        log.warning("readiness.missing", **told(error))
        return False


def answers(database: Database) -> bool:
    """Whether the database answers a question."""
    with database.anyone() as connection:
        return bool(connection.execute(text("select true")).scalar_one())


def is_current(database: Database) -> bool:
    """Whether the tables are those that this Lapwing was made for."""
    with database.anyone() as connection:
        found = connection.execute(text("select version_num from alembic_version")).scalars().all()
    return list(found) == [newest_revision()]


def is_loaded(live: LiveBank) -> bool:
    """Whether the bank is in memory, level with the database."""
    live.snapshot()
    return True


def has_room(folders: Sequence[Path]) -> bool:
    """Whether each of these folders' disks has LEAST_FREE left."""
    return all(shutil.disk_usage(folder).free >= LEAST_FREE for folder in folders)


class Heartbeat:
    """When the job worker was last heard of."""

    def __init__(self) -> None:
        self._last: float | None = None

    def beat(self) -> None:
        self._last = time.monotonic()

    def is_alive(self) -> bool:
        return self._last is not None and time.monotonic() - self._last < LONGEST_SILENCE
