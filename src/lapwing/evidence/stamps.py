"""Time stamps on heads: someone else's word that a signed head was there at a certain time.

Whoever holds the signing keys can sign an old time; nobody but the authority can sign its stamp.
What is stamped is the head's signed note, byte for byte. Stamps are asked for by a job: ten minutes
after the first append of a stretch of ten minutes, and at once after many leaves, so that nothing
is older than that without a stamp, and an idle ledger asks for none. Off without an authority.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection

from lapwing.evidence import repository
from lapwing.evidence.heads import SignedHead
from lapwing.evidence.repository import Stamp
from lapwing.store.database import Database
from lapwing.store.jobs import Handler, enqueue

JOB = "ledger.stamp"
STRETCH = timedelta(minutes=10)
MANY = 100_000
"""Leaves after which a stamp is asked for at once."""


class Authority(Protocol):
    """A time-stamping authority; `lapwing.evidence.rfc3161` asks one over HTTP."""

    def stamp(self, head: SignedHead) -> Stamp:
        """Ask for a stamp and check it. Raises Unavailable when none can be had."""

    def check(self, head: SignedHead, stamp: Stamp) -> None:
        """Raise IntegrityBroken unless the stamp is the authority's and of this head."""


class Stamping:
    """Gets stamps for the newest heads of organisations."""

    def __init__(self, database: Database, authority: Authority) -> None:
        self._database = database
        self._authority = authority

    def stamp(self, organisation: UUID) -> Stamp | None:
        """The stamp of the newest head, asked for if there is none yet; None for an empty ledger.

        No transaction is open while the authority is waited for.
        """
        with self._database.organisation(organisation) as connection:
            head = repository.latest_head(connection, organisation)
            last = repository.latest_stamp(connection, organisation)
        if head is None or (last is not None and last.size == head.size):
            return last
        stamp = self._authority.stamp(head)
        with self._database.organisation(organisation) as connection:
            repository.add_stamp(connection, organisation, stamp)
        return stamp

    def handlers(self) -> Mapping[str, Handler]:
        """Handlers by entry point; each bears being called twice."""

        def stamp(payload: dict[str, str]) -> None:
            self.stamp(UUID(payload["organisation"]))

        return {JOB: stamp}


def queue_stamps(connection: Connection, last: SignedHead | None, head: SignedHead) -> None:
    """Queue what a new head calls for, in the caller's transaction."""
    for name, after in due(last, head):
        payload = {"organisation": str(head.organisation)}
        dedupe = f"{head.organisation}:{name}"
        enqueue(connection, JOB, payload, run_after=after, dedupe=dedupe)


def due(last: SignedHead | None, head: SignedHead) -> Iterator[tuple[str, timedelta]]:
    """What to ask for behind a new head: a name that is asked for once, and how long to wait.

    A stretch's stamp is asked for when the stretch is over, so it covers the whole of it.
    """
    stretch = int(head.at.timestamp() // STRETCH.total_seconds())
    if last is None or stretch > int(last.at.timestamp() // STRETCH.total_seconds()):
        yield f"at:{stretch}", STRETCH
    if head.size // MANY > (last.size if last else 0) // MANY:
        yield f"size:{head.size // MANY}", timedelta(0)
