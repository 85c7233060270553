"""Keeps a process's bank level without being asked: hears of changes, and looks besides.

A notification that is lost costs at most the time between two looks. One thread follows; nothing
slow may ever happen in it. What takes time is the keeper's work (`keeping`).
"""

from __future__ import annotations

import sys
import threading
from time import monotonic
from typing import Any

import psycopg

from lapwing.bank import repository
from lapwing.bank.keeping import Keeper, Keeping
from lapwing.bank.live import FRESH_SECONDS, LiveBank
from lapwing.bank.repository import Moment
from lapwing.logs import log, told
from lapwing.model.errors import LapwingError

LOOK_SECONDS = FRESH_SECONDS / 4
"""Between two looks at the generation, when nothing is heard."""
TURN_SECONDS = 0.0005
"""A change takes a dozen answers of the database, and for each the follower waits its turn among
threads that search. With Python's 5 ms a busy process would be a tenth of a second late."""
STOP_SECONDS = 5.0
LONGEST_PAUSE = 5.0
"""Between two attempts to reach the database."""


class Follower:
    """Two threads over one LiveBank, from `start` to `stop`."""

    def __init__(self, live: LiveBank, keeping: Keeping | None = None) -> None:
        self._live = live
        self._stop = threading.Event()
        keeper = Keeper(live, keeping or Keeping())
        self._threads = [
            threading.Thread(target=self._follow, name="bank-follow", daemon=True),
            threading.Thread(target=keeper.run, args=(self._stop,), name="bank-keep", daemon=True),
        ]

    def start(self) -> None:
        """Start following. Python's threads take turns more often from then on."""
        self._live.followed = True
        sys.setswitchinterval(min(sys.getswitchinterval(), TURN_SECONDS))
        if self._live.generations is not None:
            self._live.generations.tidemark.open(make=True)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Returns when both threads have ended; one that is loading or writing the whole bank goes
        on until the process ends."""
        self._stop.set()
        until = monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))
        self._live.followed = False
        busy = any(thread.is_alive() for thread in self._threads)
        if self._live.generations is not None and not busy:
            self._live.generations.resign()

    def _follow(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                with self._live.database.listening(repository.CHANNEL) as line:
                    while not self._stop.is_set():
                        self._look(line)
                        pause = 0.0
                        self._listen(line)
            except (LapwingError, psycopg.Error) as error:
                if not pause:
                    log.warning("bank.not_followed", **told(error))
                pause = min(max(LOOK_SECONDS, pause * 2), LONGEST_PAUSE)

    def _look(self, line: psycopg.Connection[Any]) -> None:
        asked = monotonic()
        row = line.execute(repository.NEWEST).fetchone()
        if row is not None:
            self._live.reach(Moment._make(row), asked)

    def _listen(self, line: psycopg.Connection[Any]) -> None:
        for notice in line.notifies(timeout=LOOK_SECONDS, stop_after=1):
            if notice.payload.isascii() and notice.payload.isdigit():
                self._live.heard(int(notice.payload))
