"""Cases: people's work on one subject."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct


class CaseState(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    DECIDED = "decided"
    CLOSED = "closed"


class SubjectKind(StrEnum):
    ACCOUNT = "account"
    HASH = "hash"
    URL = "url"
    DOMAIN = "domain"


class Subject(Struct, frozen=True):
    """What a case is about. Items that share a subject gather in one case."""

    kind: SubjectKind
    value: str


class Outcome(StrEnum):
    """A named member's verdict on a case."""

    CONFIRMED = "confirmed"
    HARMLESS = "harmless"
    UNSURE = "unsure"
    WELFARE = "welfare"
    """A child needs help; nobody is accused (DESIGN, Do no harm 6)."""


class Verdict(Struct, frozen=True, kw_only=True):
    id: UUID
    case: UUID
    member: UUID
    member_name: str
    outcome: Outcome
    reason: str
    at: datetime


class CaseSummary(Struct, frozen=True, kw_only=True):
    id: UUID
    number: int
    """Counts from 1 within the organisation: what people say aloud."""
    state: CaseState
    priority: float
    """0..1, orders the queue."""
    title: str
    opened_at: datetime
    updated_at: datetime
    items: int
    subjects: tuple[Subject, ...] = ()
    claimed_by: UUID | None = None
    claimed_by_name: str | None = None
    due_at: datetime | None = None
    danger_at: datetime | None = None
    """When a member said that a child is in danger now: such cases come first."""
    outcome: Outcome | None = None
    appealed_at: datetime | None = None
    """When somebody last asked for the decision to be looked at again."""


class TimelineEntry(Struct, frozen=True, kw_only=True):
    """One line of a case's history; `position` is its leaf in the organisation's ledger."""

    at: datetime
    event: str
    actor: str
    text: str
    data: dict[str, Any] = {}
    position: int | None = None
