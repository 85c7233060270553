"""What quarantine tells of an indicator."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from lapwing.model.indicators import IndicatorKind


class Quarantined(Struct, frozen=True, kw_only=True):
    """An indicator that counts for less: `cause` is `flood` or `dispute`.

    It waits until a member confirms (it stays so) or releases it (it counts in full again). A
    dispute whose opinions were retracted is released by nobody.
    """

    id: UUID
    indicator: int
    list: UUID
    list_name: str
    kind: IndicatorKind
    value: str
    category: str
    cause: str
    facts: dict[str, Any]
    opened_at: datetime
    withdrawn: bool
    confirmed_by: UUID | None
    confirmed_at: datetime | None
    confirmed_why: str | None
    released_by: UUID | None
    released_at: datetime | None
    released_why: str | None

    @property
    def waits(self) -> bool:
        return self.released_at is None and self.confirmed_at is None
