"""The alarm: says in the log that legal clocks are about to lapse or have lapsed, again and again.

It counts and names nobody, for a log is read by whoever runs the machine; who is asked to act
stands in the console, in the API and in `lapwing report status`. It must never act for them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import text

from lapwing.logs import log
from lapwing.model.organisations import OrganisationKind
from lapwing.report.clock import duty_in, state_of
from lapwing.store.database import Database
from lapwing.store.jobs import enqueue

WATCH = "report.clocks"
EVERY = timedelta(minutes=10)

_CLOCKS = text("select kind, country, waits, danger, known from lapwing_clocks(:now)")


class Clocks(Struct, frozen=True, kw_only=True):
    """How many cases wait, of all organisations."""

    running: int = 0
    remind: int = 0
    late: int = 0
    undecided: int = 0
    """Cases without a verdict in which a child is in danger."""


def read_clocks(database: Database, now: datetime) -> Clocks:
    """One statement. Raises Unavailable when the database does not answer."""
    with database.anyone() as connection:
        rows = connection.execute(_CLOCKS, {"now": now}).all()
    counts = dict.fromkeys(("running", "remind", "late", "undecided"), 0)
    for row in rows:
        if row.waits == "verdict":
            counts["undecided"] += 1
        elif duty_in(OrganisationKind(row.kind), row.country) is not None:
            counts[state_of(row.known, None, now, danger=row.danger).value] += 1
    return Clocks(**counts)


def sound(database: Database, now: datetime) -> Clocks:
    """Write what presses into the log, and queue the next look."""
    queue_next(database, now)
    found = read_clocks(database, now)
    if found.remind:
        log.warning("clock.remind", count=found.remind)
    if found.late:
        log.error("clock.late", count=found.late)
    if found.undecided:
        log.error("clock.danger", count=found.undecided)
    return found


def queue_next(database: Database, now: datetime) -> None:
    """One look every ten minutes, however many processes there are. Raises Unavailable."""
    passed = timedelta(minutes=now.minute, seconds=now.second, microseconds=now.microsecond)
    due = now - passed % EVERY + EVERY
    with database.anyone() as connection:
        enqueue(connection, WATCH, {}, run_after=due - now, dedupe=f"{due:%Y%m%dT%H%M}")
