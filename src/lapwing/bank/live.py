"""The node's index, kept level with the database.

Two ways to ask. `snapshot` holds everything committed before the call; it asks the database for the
generation, every time. `recent` asks nothing while a `Follower` keeps this process level: it holds
everything committed a second before the call, and everything committed by a process of this node.
Where the follower is late, `recent` is `snapshot`. Neither may ever answer from another history of
the bank than the database's own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, text

from lapwing.bank import repository
from lapwing.bank.generations import Generations
from lapwing.bank.index.snapshot import Snapshot
from lapwing.bank.loading import follow, load
from lapwing.bank.repository import Moment
from lapwing.bank.tidemark import Tidemark
from lapwing.model.indicators import BankList
from lapwing.store.clock import utc_now
from lapwing.store.database import Database

FRESH_SECONDS = 1.0
"""How old `recent` may be. The follower confirms four times as often."""
WAIT_SECONDS = 300.0
"""For another process of this node to write the first file, before this one loads by itself."""
_LOOK_SECONDS = 0.1


class Held(Struct, frozen=True):
    """What a process answers from. `base` is the file under it, if there is one."""

    snapshot: Snapshot
    mark: UUID | None = None
    base: Path | None = None
    base_generation: int = 0
    base_rows: int = 0

    def is_at(self, moment: Moment) -> bool:
        return (self.snapshot.generation, self.mark) == moment


class LiveBank:
    """Safe to share between threads; each process has its own, over one file of the node's.

    Without `generations` there is no file: all is read from the database into memory.
    """

    def __init__(self, database: Database, generations: Generations | None = None) -> None:
        self.database = database
        self.generations = generations
        self.levelled_at: datetime | None = None
        """When a change was last taken over; None until something was listed."""
        self.followed = False
        """Whether a `Follower` is at work: then it is the one that tidies up, and one process of
        the node loads the bank for all."""
        self._held = Held(Snapshot.empty())
        self._changing = threading.Lock()
        self._confirmed = -FRESH_SECONDS
        """When (monotonic) the database was last asked whose answer what is held was."""
        shared = None if generations is None else generations.tidemark
        self._tidemark = shared or Tidemark(None)
        database.hear(self.heard)

    @property
    def held(self) -> Held:
        """What is held now, however old."""
        return self._held

    def snapshot(self) -> Snapshot:
        """Everything committed before this call, frozen. Raises Unavailable."""
        asked = monotonic()
        with self.database.index() as connection:
            newest, _ = repository.moment(connection)
        return self.reach(newest, asked).snapshot

    def recent(self, at_least: int = 0) -> Snapshot:
        """Everything committed a second before this call, and generation `at_least` if there is
        one; without a query while this process is followed. Raises Unavailable.

        What a process of this node has committed counts as soon as its caller has the answer.
        """
        tide = self._tidemark.read()
        held = self.fresh()
        if held is not None and held.generation >= at_least:
            return held
        found = self.snapshot()
        if found.generation < tide:
            self._tidemark.correct(tide, found.generation)
        return found

    def fresh(self) -> Snapshot | None:
        """What `recent` answers, where this process is followed and nothing has to be waited for;
        else None."""
        confirmed, held = self._confirmed, self._held.snapshot
        level = monotonic() - confirmed <= FRESH_SECONDS
        return (
            held if level and self.followed and held.generation >= self._tidemark.read() else None
        )

    def heard(self, generation: int) -> None:
        """This generation was committed: from now on `recent` answers from no earlier one."""
        self._tidemark.raise_to(generation)

    def reach(self, newest: Moment, asked: float) -> Held:
        """Get level with `newest`, which the database said when asked at `asked` (monotonic)."""
        held = self._held
        if not held.is_at(newest):
            with self._changing:
                held = self._held
                if not held.is_at(newest):
                    held = self._levelled(held)
                    if held is not self._held:
                        self._held = held
                        self.levelled_at = utc_now()
        self._confirmed = max(self._confirmed, asked)
        return held

    def adopt(self, path: Path) -> bool:
        """Stand on this file from now on; False when it cannot be believed.

        Searches go on meanwhile; who asks for a change waits for the last step only.
        """
        with self._reading() as connection:
            newest, _ = repository.moment(connection)
            lists = repository.bank_lists(connection)
            found = self._believed(connection, path, newest, lists)
            if found is None:
                return False
            found = _followed(connection, found, newest, lists)
        with self._changing, self._reading() as connection:
            newest, mark = repository.moment(connection, found.snapshot.generation)
            if mark != found.mark:
                return False
            if not found.is_at(newest):
                found = _followed(connection, found, newest, repository.bank_lists(connection))
            self._held = found
        return True

    def tidy(self) -> None:
        """Join what was added in many layers, beside searches and changes."""
        before = self._held.snapshot
        tidied = before.tidied()
        if tidied is not before:
            with self._changing:
                now = self._held
                joined = now.snapshot.caught_up(before, tidied)
                self._held = replace(now, snapshot=joined)

    def _levelled(self, held: Held) -> Held:
        """What is held at a generation no older than any committed before this call."""
        until = monotonic() + WAIT_SECONDS
        while True:
            with self._reading() as connection:
                newest, mark = repository.moment(connection, held.snapshot.generation)
                if held.is_at(newest):
                    return held
                lists = repository.bank_lists(connection)
                start: Held | None = held
                if held.mark is None or mark != held.mark:
                    start = self._newest_file(connection, newest, lists)
                if start is not None:
                    found = _followed(connection, start, newest, lists)
                    return found if self.followed else _tidied(found)
                if self._loads() or monotonic() > until:
                    return Held(load(connection, newest.generation, lists), newest.mark)
            sleep(_LOOK_SECONDS)

    def _loads(self) -> bool:
        """Whether this process reads the whole bank; the others of a server wait for its file."""
        if self.generations is None or not self.followed:
            return True
        return self.generations.become_writer()

    def _newest_file(
        self, connection: Connection, newest: Moment, lists: Sequence[BankList]
    ) -> Held | None:
        files = [] if self.generations is None else self.generations.found()
        for _, path in files:
            found = self._believed(connection, path, newest, lists)
            if found is not None:
                return found
        return None

    def _believed(
        self, connection: Connection, path: Path, newest: Moment, lists: Sequence[BankList]
    ) -> Held | None:
        """What the file holds, when it is whole and of this database's own history."""
        if self.generations is None or (stored := self.generations.open(path)) is None:
            return None
        if stored.generation > newest.generation:
            return None  # written since this transaction began, or of a history that was undone
        _, mark = repository.moment(connection, stored.generation)
        known = {listed.id: listed for listed in lists}
        if mark != stored.mark or not known.keys() >= set(stored.lists):
            self.generations.refuse(path, "another_history")
            return None
        base = stored.snapshot(known)
        return Held(base, stored.mark, path, stored.generation, len(base))

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """One view of the database for all reads, whatever commits meanwhile."""
        with self.database.index() as connection:
            connection.execute(text("set transaction isolation level repeatable read, read only"))
            yield connection


def _followed(
    connection: Connection, held: Held, newest: Moment, lists: Sequence[BankList]
) -> Held:
    snapshot = follow(connection, held.snapshot, newest.generation, lists)
    return replace(held, snapshot=snapshot, mark=newest.mark)


def _tidied(held: Held) -> Held:
    return replace(held, snapshot=held.snapshot.tidied())
