"""Disturbs a running Lapwing at random moments and checks its books.

    with Harness(seed=…, folder=…) as harness:
        harness.run(faults=10)
    print(harness.told())

A round: the clients work; one fault strikes after a random time; it is healed after another; the
house has to get ready by itself; the clients ask again for what they got no answer to; the books
are checked. At the end all clients rest, every job has its time, and files, rows and promises have
to be the same.

Later parts of Lapwing join with a client of their own (`fault_traffic.Client`, in `extra`) and a
check of their own (`checks`, called with the opened house after every round).
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from fault_books import check_promises, check_settled
from fault_house import RunningHouse
from fault_kinds import KINDS, Fault
from fault_traffic import (
    KNOWN_PDQ,
    PICTURES,
    Client,
    Employer,
    Journal,
    ListKeeper,
    Platform,
    Reviewer,
    drawn,
)
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from books import Books
from lapwing.app import House
from lapwing.bank.changes import NewList
from lapwing.evidence.heads import SignedHead
from lapwing.intake.limits import DEFAULT_LIMITS
from lapwing.intake.media.hashing import hash_bytes
from lapwing.law.registry import may_keep_content
from lapwing.law.rows import LawRow
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import LapwingError
from lapwing.model.indicators import IndicatorKind, ListKind, NewIndicator
from lapwing.model.organisations import OrganisationKind, Role, Scope
from lapwing.screening.keeping import SWEEP
from lapwing.store.database import Database
from lapwing.store.jobs import enqueue
from lapwing.store.queue import QUEUE

PLATFORMS = 2
PROGRESS_SECONDS = 60.0
JOBS_SECONDS = 90.0
"""A job that a killed worker had begun is taken up again after its heartbeat of 30 seconds."""


class Harness:
    """One house, its clients and the faults that befall it."""

    def __init__(
        self,
        seed: int,
        folder: Path,
        *,
        kinds: Sequence[Fault] = KINDS,
        extra: Sequence[Callable[[Harness], Client]] = (),
        checks: Sequence[Callable[[House, UUID], None]] = (),
    ) -> None:
        self.seed = seed
        self.struck: Counter[str] = Counter()
        self.recovered: list[float] = []
        self.left_out: dict[str, str] = {}
        self.books: Books | None = None
        self._chance = random.Random(seed)  # noqa: S311
        self._kinds = kinds
        self._extra = extra
        self._checks = checks
        self._head: SignedHead | None = None
        self.journal = Journal(folder / "acknowledged")
        self.house = RunningHouse()
        self.clients: list[Client] = []

    def __enter__(self) -> Self:
        try:
            self._settle()
        except BaseException:
            self.house.remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            error.add_note(f"seed {self.seed}, after {dict(self.struck)}")
        for client in self.clients:
            client.end()
        self.journal.close()
        with suppress(AttributeError):
            self._direct.close()
        self.house.remove()

    def run(self, faults: int, *, check_every: int = 1) -> None:
        """Let this many faults befall the house, then settle and compare everything."""
        possible = [kind for kind in self._kinds if not kind.why_not(self.house)]
        self.left_out = {
            kind.name: why for kind in self._kinds if (why := kind.why_not(self.house))
        }
        self._progress()
        for number, fault in enumerate(self._order(possible, faults), start=1):
            self._round(fault)
            if number % check_every == 0:
                self.check()
        self._let_jobs_finish()
        self.check(settled=True)

    def _order(self, possible: Sequence[Fault], faults: int) -> list[Fault]:
        """Every kind before any comes again; those that want the proxy one after another."""
        order: list[Fault] = []
        while len(order) < faults:
            some = self._chance.sample(possible, min(len(possible), faults - len(order)))
            line_first = self._chance.random() < 0.5
            through = {one.name: self._chance.random() < 0.4 for one in some}
            through |= {one.name: one.proxied for one in some if one.proxied is not None}
            order += sorted(some, key=lambda one: through[one.name] is not line_first)
        return order

    def check(self, *, settled: bool = False) -> None:
        """Rest the clients and compare the books with what was promised."""
        self._rest()
        house = self.house.opened()
        try:
            self.books, self._head = check_promises(
                house, self.organisation, self.journal, self._head
            )
            if settled:
                check_settled(house, self.organisation, self.journal)
            for look in self._checks:
                look(house, self.organisation)
        finally:
            house.close()
        if not settled:
            for client in self.clients:
                client.go()

    def told(self) -> str:
        """What happened, in lines for a person."""
        lines = [f"seed {self.seed}: {sum(self.struck.values())} faults"]
        lines += [f"  {times} × {name}" for name, times in sorted(self.struck.items())]
        lines += [f"  left out: {name} ({why})" for name, why in self.left_out.items()]
        if self.recovered:
            slowest = max(self.recovered)
            middle = sorted(self.recovered)[len(self.recovered) // 2]
            lines.append(f"ready again after {middle:.1f} s (median), {slowest:.1f} s at most")
        journal = self.journal
        lines.append(
            f"acknowledged: {len(journal.decisions)} items, {len(journal.verdicts)} verdicts, "
            f"{len(journal.added)} hashes listed, {len(journal.withdrawn)} withdrawn, "
            f"{len(journal.jobs)} jobs; answers {dict(journal.answers)}"
        )
        lines.append(f"on record: {self.books}")
        return "\n".join(lines)

    def _round(self, fault: Fault) -> None:
        self._serve_for(fault)
        self._progress()
        time.sleep(self._chance.uniform(0, 0.5))
        self.struck[fault.name] += 1
        fault.strike(self.house, self._chance)
        time.sleep(self._chance.uniform(0.1, fault.longest))
        fault.heal(self.house)
        began = time.monotonic()
        self.house.wait_until_ready()
        self._progress()
        self.recovered.append(time.monotonic() - began)

    def _serve_for(self, fault: Fault) -> None:
        """Restart the server where the fault wants another one than runs."""
        proxied = self.house.proxied if fault.proxied is None else fault.proxied
        if (
            self.house.process is not None
            and self.house.workers >= fault.workers
            and self.house.proxied is proxied
        ):
            return
        if self.house.process is not None:
            assert self.house.stop() == 0, self.house.last_words()
        self.house.start(workers=max(fault.workers, self._chance.choice((1, 2))), proxied=proxied)

    def _progress(self) -> None:
        """Wait until every client has got something done."""
        assert not self.journal.wrong, self.journal.wrong[:5]
        before = {client: client.done for client in self.clients}
        until = time.monotonic() + PROGRESS_SECONDS
        while waiting := [one.name for one in self.clients if one.done == before[one]]:
            assert not self.journal.wrong, self.journal.wrong[:5]
            assert time.monotonic() < until, f"{waiting} got nothing done; {self._last_words()}"
            time.sleep(0.02)

    def _rest(self) -> None:
        for client in self.clients:
            client.rest()
        for client in self.clients:
            assert client.resting.wait(PROGRESS_SECONDS), f"{client.name} does not come to rest"

    def _last_words(self) -> str:
        return f"{dict(self.journal.answers)}; {self.house.last_words()}"

    def _let_jobs_finish(self) -> None:
        self._rest()
        self.house.wait_until_ready()
        due = text(
            f"select count(*) from {QUEUE.queue_table} "
            "where status = 'picked' or (status = 'queued' and execute_after <= now())"
        )
        until = time.monotonic() + JOBS_SECONDS
        while time.monotonic() < until:
            with self._direct.anyone() as connection:
                if not connection.execute(due).scalar_one():
                    return
            time.sleep(0.2)
        raise AssertionError(f"jobs are still waiting; {self.house.last_words()}")

    def _settle(self) -> None:
        """An organisation that keeps content, with people, a key, lists and clients."""
        house = self.house.opened()
        try:
            basis = may_keep_content(OrganisationKind.PLATFORM, "US")
            assert isinstance(basis, LawRow)
            self.organisation = house.members.create_organisation(
                name="faults",
                kind=OrganisationKind.PLATFORM,
                country="US",
                keep_content=basis.id,
                keep_days=30,
            ).id
            known, passing = (self._list(house, name) for name in ("known", "passing"))
            entries = [NewIndicator(kind=IndicatorKind.PDQ, value=KNOWN_PDQ, quality=100)]
            for number in range(PICTURES):
                sha256 = hash_bytes(drawn(number), DEFAULT_LIMITS).hashes.sha256
                assert sha256 is not None
                entries.append(NewIndicator(kind=IndicatorKind.SHA256, value=sha256))
            house.bank.add(self.organisation, SYSTEM, known, entries)
            reviewer = house.members.add_member(self.organisation, "Rosa", Role.REVIEWER, SYSTEM)
            link = house.members.sign_in_link(self.organisation, reviewer.id)
            _, session = house.members.sign_in(link)
            scopes = [Scope.SCREEN, Scope.BANK_READ, Scope.BANK_WRITE]
            _, secret = house.members.create_key(self.organisation, SYSTEM, "faults", scopes)
        finally:
            house.close()
        self._direct = Database(self.house.direct)
        self.house.start()
        self._hire(secret, session, passing)

    def _list(self, house: House, name: str) -> UUID:
        new = NewList(
            name=name,
            kind=ListKind.BLOCK,
            source="test",
            basis="test",
            category="test",
            verified=True,
        )
        return house.bank.create_list(self.organisation, SYSTEM, new).id

    def _hire(self, secret: str, session: str, passing: UUID) -> None:
        address, journal, seed = self.house.address, self.journal, self.seed
        keeper = ListKeeper("keeper", address, secret, journal, seed)
        keeper.list_id = passing
        employer = Employer("employer", address, secret, journal, seed)
        employer.queue = self._queue_a_sweep
        self.clients = [
            *(Platform(f"platform{n}", address, secret, journal, seed) for n in range(PLATFORMS)),
            Reviewer("reviewer", address, session, journal, seed),
            keeper,
            employer,
            *(make(self) for make in self._extra),
        ]
        for client in self.clients:
            client.start()

    def _queue_a_sweep(self) -> int | None:
        """Let the time of one kept object be over and queue its deletion, in one transaction."""
        try:
            with self._direct.owner() as connection:
                connection.execute(
                    text(
                        "update vault_objects set delete_at = now() where id = (select id from "
                        "vault_objects where deleted_at is null and delete_at > now() limit 1)"
                    )
                )
                return enqueue(connection, SWEEP, {"organisation": str(self.organisation)})
        except (LapwingError, DBAPIError):
            return None
