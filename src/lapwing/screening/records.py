"""What screening answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from lapwing.model.cases import CaseSummary
from lapwing.model.decisions import Decision
from lapwing.model.findings import Finding
from lapwing.model.refusals import Refusal


class Screened(Struct, frozen=True, kw_only=True):
    """One batch. `decisions` follow the order of the submissions that were not refused."""

    decisions: tuple[Decision, ...]
    again: tuple[bool, ...]
    """As long as `decisions`: True where the item had been sent before, so nothing changed."""
    fresh: int
    repeated: int
    refused: tuple[Refusal, ...]
    findings: int
    found: dict[str, int]
    """Fresh findings by kind."""
    cases_opened: int
    cases_extended: int
    kept: int
    """Contents and identity envelopes that went into the vault."""
    no_detector: dict[str, int]
    """By item kind, fresh items that no detector could look at."""


class ScreenedItem(Struct, frozen=True, kw_only=True):
    """One item as the organisation may read it back: its first decision and its case's outcome."""

    id: UUID
    kind: str
    source: str
    source_id: str
    at: datetime
    received_at: datetime
    facts: dict[str, Any]
    decision: Decision
    findings: tuple[Finding, ...]
    case: CaseSummary | None = None
