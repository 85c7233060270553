"""What a restore does to yesterday's house before anybody enters it.

Time went on since the backup. What should have been deleted meanwhile must not come back; a report
that was on its way may have arrived; a session that has been ended may be in a thief's hands. SQL
names columns of other rooms here, as `archive` carries their rows: nothing else is read of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from lapwing.evidence.ledger import Ledger
from lapwing.model.actors import SYSTEM
from lapwing.model.events import Event, EventKind
from lapwing.store.blobs import Blobs
from lapwing.store.database import Database

UNDER_WAY = ("confirmed", "submitting", "uploading", "finishing", "retry")
"""States of a report in which the filing job would go on by itself."""

_WHY = (
    "restored from a backup of {at} UTC: it may have been filed since; "
    "look at the authority's portal first"
)
_DUE = text(
    "select path, cover_path from vault_objects "
    "where deleted_at is null and legal_hold is null and delete_at <= :now"
)
_ERASE = text(
    "update reports set typed = null, document = null "
    "where keep_until <= :now and (typed is not null or document is not null)"
)
_SET_ASIDE = text(
    "update reports set state = 'failed', next_attempt_at = null, last_answer = :why "
    "where state = any(cast(:under_way as text[])) returning organisation_id, id, case_id"
)
_END_SESSIONS = text(
    "update member_sessions set ended_at = :now where kind = 'browser' and ended_at is null"
)
_END_LINKS = text("update sign_in_links set used_at = :now where used_at is null")


class Redone(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to the house: how many of each."""

    blobs_deleted: int
    """Files of content whose time had come since the backup, covers too."""
    reports_erased: int
    """Texts of reports whose time had come."""
    reports_set_aside: int
    """Reports that were being filed; a member has to look at the authority's portal first."""
    sessions_ended: int


def redo(
    database: Database, blobs: Blobs, ledger: Ledger | None, *, saved_at: datetime, now: datetime
) -> Redone:
    """Bring the restored house to `now`. `ledger` is None where the signing keys are not there;
    then the leaves of what is set aside are missing, and the rows alone say it.

    Rows of deleted content are left to the first sweep, which writes their leaves.
    """
    with database.owner() as connection:
        deleted = sum(blobs.delete(path) for path in _due_paths(connection, now))
        erased = connection.execute(_ERASE, {"now": now}).rowcount
        sessions = connection.execute(_END_SESSIONS, {"now": now}).rowcount
        connection.execute(_END_LINKS, {"now": now})
        why = _WHY.format(at=f"{saved_at:%Y-%m-%d %H:%M}")
        rows = connection.execute(_SET_ASIDE, {"why": why, "under_way": list(UNDER_WAY)}).all()
    aside: dict[UUID, list[Event]] = {}
    for row in rows:
        aside.setdefault(row.organisation_id, []).append(
            Event(
                kind=EventKind.REPORT_FAILED,
                at=now,
                actor=SYSTEM,
                subject=str(row.id),
                case=row.case_id,
                data={"why": why, "request": None},
            )
        )
    for organisation, events in aside.items():
        if ledger is not None:
            with database.organisation(organisation) as connection:
                ledger.append(connection, organisation, events)
    return Redone(
        blobs_deleted=deleted,
        reports_erased=erased,
        reports_set_aside=len(rows),
        sessions_ended=sessions,
    )


def _due_paths(connection: Connection, now: datetime) -> Iterator[str]:
    for path, cover in connection.execute(_DUE, {"now": now}).all():
        yield path
        if cover is not None:
            yield cover
