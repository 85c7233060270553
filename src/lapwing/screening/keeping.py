"""What goes into the vault: content and identity envelopes of items that a case needs.

Everything else is dropped with the submission. Off unless the organisation has switched it on under
a row of law/ that still stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from lapwing.evidence.vault import Vault, VaultObject
from lapwing.law.rows import Switch
from lapwing.model.events import Event
from lapwing.model.organisations import Organisation
from lapwing.model.submissions import Submission
from lapwing.screening.lawful import allowed
from lapwing.store.jobs import enqueue

SWEEP = "vault.sweep"
"""Job that deletes what is due; see `lapwing.screening.jobs`."""
_SEALED = "application/octet-stream"
_TEXT = "text/plain; charset=utf-8"


class Kept(Struct, frozen=True):
    count: int
    events: list[Event]


def keep(
    vault: Vault,
    connection: Connection,
    organisation: Organisation,
    submissions: Sequence[Submission],
    case_of: Mapping[UUID, UUID],
    now: datetime,
) -> Kept:
    """Seal what came beside these items, in the caller's transaction, and queue its deletion."""
    if not allowed(organisation, Switch.KEEP_CONTENT):
        return Kept(0, [])
    events: list[Event] = []
    due: set[datetime] = set()
    count = 0
    for submission in submissions:
        item = submission.item.id
        for role, content, mime in _beside(submission):
            kept, event = vault.keep(
                connection,
                organisation,
                case=case_of[item],
                item=item,
                role=role,
                content=content,
                mime=mime,
            )
            if isinstance(kept, VaultObject):
                count += 1
                due.add(kept.delete_at)
            if event is not None:
                events.append(event)
    for moment in due:
        _queue_sweep(connection, organisation.id, moment, now)
    return Kept(count, events)


def _beside(submission: Submission) -> Iterator[tuple[str, bytes, str]]:
    """(role, bytes, type) of what can be kept: the bytes sent along, else the item's own text."""
    if submission.content is not None:
        yield "content", submission.content, submission.mime or _SEALED
    elif texts := [text for text in submission.item.texts if text]:
        yield "content", "\n\n".join(texts).encode(), _TEXT
    if submission.identity is not None:
        yield "identity", submission.identity, _SEALED


def _queue_sweep(
    connection: Connection, organisation: UUID, moment: datetime, now: datetime
) -> None:
    """One job an organisation and hour is enough: a sweep deletes all that is due by then."""
    due = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    enqueue(
        connection,
        SWEEP,
        {"organisation": str(organisation)},
        run_after=due - now,
        dedupe=f"{organisation}:{due:%Y%m%dT%H}",
    )
