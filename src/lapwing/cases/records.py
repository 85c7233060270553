"""What goes into a case and what comes out of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from lapwing.model.cases import CaseSummary, Subject, TimelineEntry, Verdict
from lapwing.model.decisions import Action, Decision
from lapwing.model.events import Event
from lapwing.model.findings import Finding
from lapwing.model.items import Item

FOR_PEOPLE = frozenset({Action.CASE, Action.REVIEW})
"""Actions that need a person, and so a case."""


class Decided(Struct, frozen=True):
    """One screened item on its way to a case."""

    item: Item
    decision: Decision
    findings: tuple[Finding, ...]

    @property
    def for_people(self) -> bool:
        return not FOR_PEOPLE.isdisjoint(self.decision.actions)


class Gathered(Struct, frozen=True, kw_only=True):
    """What gathering did; the caller hands `events` to the ledger in the same transaction."""

    case_of: dict[UUID, UUID]
    """Item id to case id."""
    events: list[Event]
    opened: int
    extended: int


class CaseItem(Struct, frozen=True, kw_only=True):
    """An item of a case. `facts` is the item as stored: without its free text."""

    id: UUID
    kind: str
    source: str
    source_id: str
    at: datetime
    received_at: datetime
    added_at: datetime
    facts: dict[str, Any]
    decision: Decision
    findings: tuple[Finding, ...] = ()


class RelatedCase(Struct, frozen=True, kw_only=True):
    """Another case that shares a subject with this one."""

    case: CaseSummary
    shared: tuple[Subject, ...]


class CaseDetail(Struct, frozen=True, kw_only=True):
    """A case with its newest items (`summary.items` counts all) and its whole history."""

    summary: CaseSummary
    items: tuple[CaseItem, ...]
    verdicts: tuple[Verdict, ...]
    """Oldest first; the last one stands."""
    timeline: tuple[TimelineEntry, ...]
    related: tuple[RelatedCase, ...] = ()
