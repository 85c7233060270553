"""Neutral events and a clock for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from lapwing.evidence.heads import SignedHead
from lapwing.model.actors import Actor, ActorKind
from lapwing.model.events import Event, EventKind
from lapwing.store.clock import new_id

REVIEWER = Actor(kind=ActorKind.MEMBER, name="Rosa Reviewer", id=UUID(int=7))
Fill = Callable[..., SignedHead]


class SteppedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


def event(number: int = 0, *, at: datetime | None = None, case: UUID | None = None) -> Event:
    return Event(
        kind=EventKind.CASE_NOTED if case else EventKind.DECIDED,
        at=at or datetime(2026, 3, 1, 12, 0, number % 60, number % 1000, tzinfo=UTC),
        actor=REVIEWER,
        subject=str(new_id()),
        case=case,
        data={"number": number, "note": f"note {number}", "nested": {"b": 1, "a": [1, None]}},
    )


def events(count: int, start: int = 0) -> list[Event]:
    return [event(start + i) for i in range(count)]
