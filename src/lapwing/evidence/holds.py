"""Holds and preservation: content that must outlive its time, and until when.

Both return events; the caller appends them in the same transaction.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from lapwing.evidence import objects as stored_objects
from lapwing.evidence.objects import VaultObject
from lapwing.model.actors import Actor
from lapwing.model.events import Event, EventKind


def hold(
    connection: Connection, case: UUID, why: str, *, actor: Actor, at: datetime
) -> list[Event]:
    """Nothing of the case is deleted until the hold is lifted."""
    held = stored_objects.hold_objects(connection, case, why)
    return [_event(EventKind.CONTENT_HELD, at, actor, one, why=why) for one in held]


def unhold(connection: Connection, case: UUID, *, actor: Actor, at: datetime) -> list[Event]:
    """From now on the times of deletion count again."""
    freed = stored_objects.hold_objects(connection, case, None)
    return [_event(EventKind.CONTENT_UNHELD, at, actor, one) for one in freed]


def preserve(
    connection: Connection, case: UUID, until: datetime, basis: str, *, actor: Actor, at: datetime
) -> list[Event]:
    """What of the case would be deleted before `until` is kept until then, under a row of law."""
    kept = stored_objects.keep_until(connection, case, until)
    return [
        _event(
            EventKind.CONTENT_PRESERVED, at, actor, one, basis=basis, delete_at=until.isoformat()
        )
        for one in kept
    ]


def _event(kind: EventKind, at: datetime, actor: Actor, shown: VaultObject, **data: str) -> Event:
    return Event(
        kind=kind,
        at=at,
        actor=actor,
        subject=str(shown.id),
        case=shown.case,
        data={"item": str(shown.item), "role": shown.role.value, **data},
    )
