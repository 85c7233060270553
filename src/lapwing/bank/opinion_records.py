"""An opinion on an indicator."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class Says(StrEnum):
    TRUE = "true"
    """It is what its list says."""
    FALSE = "false"
    """It is not; it should not be listed."""
    INVESTIGATE = "investigate"
    """Somebody should look. Changes nothing by itself."""


class Opinion(Struct, frozen=True, kw_only=True):
    """Said once and never changed. `member` gave it, or wrote down what `partner` says."""

    id: UUID
    indicator: int
    says: Says
    partner: str | None
    member: UUID
    trusted: bool
    """As it was when it was given: a member who judges, or the partner the indicator came from."""
    why: str
    at: datetime
    retracted_at: datetime | None = None
    retracted_by: UUID | None = None
    retracted_why: str | None = None
