"""The jobs of this room, as they are written into the queue."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from lapwing.store.jobs import enqueue

FILE = "report.file"
SWEEP = "report.sweep"


def queue_filing(
    connection: Connection,
    organisation: UUID,
    report: UUID,
    attempt: int,
    *,
    after: timedelta | None = None,
) -> None:
    """One job an attempt: the job that is being done must not stand for the next one."""
    enqueue(
        connection,
        FILE,
        {"organisation": str(organisation), "report": str(report)},
        run_after=after,
        dedupe=None if attempt == 0 else f"{report}:{attempt}",
    )


def queue_sweep(
    connection: Connection, organisation: UUID, moment: datetime, now: datetime
) -> None:
    """Deletes what is due by the full hour after `moment`; one job an organisation and hour."""
    due = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    enqueue(
        connection,
        SWEEP,
        {"organisation": str(organisation)},
        run_after=due - now,
        dedupe=f"{organisation}:{due:%Y%m%dT%H}",
    )
