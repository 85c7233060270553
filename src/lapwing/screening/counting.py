"""What an item's findings matched, for the history of each indicator, and what a flood makes of it.
Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from msgspec.structs import replace

from lapwing.model.findings import Finding, FindingKind, Reason
from lapwing.model.indicators import CountReason, ListAction


def matches_of(findings: Iterable[Finding]) -> set[tuple[UUID, int]]:
    """(list, indicator) of everything that an item matched, once each; allow lists aside."""
    return {
        (reason.list, reason.indicator)
        for finding in findings
        if finding.kind is not FindingKind.HARMLESS_MEDIA
        for reason in finding.reasons
        if reason.list is not None and reason.indicator is not None
    }


def lowered(finding: Finding, flooded: Collection[int]) -> Finding:
    """The finding with these indicators quarantined: what would be removed is held, and nothing
    that was held or reviewed is lowered (DESIGN, Do no harm 11)."""
    if not any(reason.indicator in flooded for reason in finding.reasons):
        return finding
    return replace(finding, reasons=tuple(_lowered(reason, flooded) for reason in finding.reasons))


def _lowered(reason: Reason, flooded: Collection[int]) -> Reason:
    if reason.indicator not in flooded or reason.asks not in (ListAction.HOLD, ListAction.REMOVE):
        return reason
    return replace(reason, asks=ListAction.HOLD, short=CountReason.QUARANTINED)
