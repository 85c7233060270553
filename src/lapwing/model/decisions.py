"""Decisions: what the policy asks for, and why."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class Action(StrEnum):
    """What a platform is asked to do, mildest first. All are reversible.

    Nothing here accuses or reports: that needs a named member's verdict on a case.
    """

    ALLOW = "allow"
    REVIEW = "review"
    """Show to a reviewer; the item stays as it is. Opens or extends a case."""
    WARN = "warn"
    SLOW = "slow"
    HOLD = "hold"
    """Withhold from everyone until a person has looked."""
    REMOVE = "remove"
    CASE = "case"
    """Open or extend a case."""


STRENGTH: dict[Action, int] = {action: rank for rank, action in enumerate(Action)}


class Decision(Struct, frozen=True, kw_only=True):
    """`rules` are ids of the rules that fired, in pack order; empty means nothing matched."""

    id: UUID
    item: UUID
    organisation: UUID
    source: str
    source_id: str
    at: datetime
    actions: tuple[Action, ...]
    rules: tuple[str, ...]
    pack: str
    why: tuple[str, ...] = ()
    """Plain sentences for the caller, one a rule (DESIGN, Do no harm 9)."""
    case: UUID | None = None
    generation: int | None = None
    """Bank generation the item was compared with."""
