"""The slow work beside following: writing files of the bank, and moving onto those of others.

One process of a node writes, the one that holds the lock; a file that cannot be written (no room on
the disk) costs memory and nothing else, and is tried again. It must never touch what is searched
except by one swap.
"""

from __future__ import annotations

import errno
import threading
from time import monotonic

from msgspec import Struct
from sqlalchemy.exc import DBAPIError

from lapwing.bank.generations import Generations
from lapwing.bank.live import Held, LiveBank
from lapwing.logs import log, told
from lapwing.model.errors import LapwingError


class Keeping(Struct, frozen=True, kw_only=True):
    """When a new file is written."""

    least: int = 20_000
    """Indicators by which the bank has to differ from its file."""
    share: float = 1 / 16
    """The same, as a share of the indicators in the file."""
    most_changes: int = 50_000
    """Changes after which a file is replaced whatever they were (the database forgets marks)."""
    look_seconds: float = 0.25
    retry_seconds: float = 30.0
    """After a file could not be written."""
    rest: float = 10.0
    """Times as long as the last file took, before the next."""


class Keeper:
    """Runs in a thread of its own."""

    def __init__(self, live: LiveBank, keeping: Keeping) -> None:
        self._live = live
        self._keeping = keeping
        self._not_before = 0.0

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(self._keeping.look_seconds):
            try:
                self.look()
            except (LapwingError, DBAPIError, OSError) as error:
                log.warning("bank.not_kept", **told(error))
                stop.wait(self._keeping.look_seconds)

    def look(self) -> None:
        """Do what there is to do now; returns at once when that is nothing."""
        held, files = self._live.held, self._live.generations
        if held.mark is None:
            return  # nothing was loaded yet
        if files is None:
            self._live.tidy()
            return
        found = files.found()
        if found and found[0][0] > held.base_generation and self._live.adopt(found[0][1]):
            return
        if monotonic() >= self._not_before and self._is_due(held) and files.become_writer():
            self._write(files, held)
        else:
            self._live.tidy()

    def _is_due(self, held: Held) -> bool:
        if held.base is None or not held.base.exists():
            return True
        apart = held.snapshot.apart()
        return (
            apart >= max(self._keeping.least, self._keeping.share * held.base_rows)
            or held.snapshot.generation - held.base_generation >= self._keeping.most_changes
        )

    def _write(self, files: Generations, held: Held) -> None:
        if held.mark is None:
            return
        began = monotonic()
        try:
            path = files.write(held.snapshot, held.mark)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            log.error("bank.not_written", reason="disk_full" if full else None, **told(error))
            self._not_before = monotonic() + self._keeping.retry_seconds
            files.resign()  # processes that wait for a file would wait in vain
            return
        took = monotonic() - began
        self._not_before = monotonic() + self._keeping.rest * took
        log.info("bank.written", count=len(held.snapshot), milliseconds=round(took * 1000))
        self._live.adopt(path)
