"""Hits in the bank as reasons of a finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from lapwing.bank.index.hits import Hit
from lapwing.model.findings import Reason
from lapwing.model.indicators import NEAR_DISTANCE, CountReason, IndicatorKind, ListAction

MOST_REASONS = 50
"""Reasons that one finding spells out; the last one then counts the rest."""


def strength(hit: Hit) -> float:
    """1 for an equal value, falling evenly to 0.5 at a PDQ distance of 31 bits."""
    return 1.0 - 0.5 * hit.distance / NEAR_DISTANCE


def reason(
    hit: Hit,
    *,
    quality: int | None = None,
    span: tuple[int, int] | None = None,
    beaten: CountReason | None = None,
) -> Reason:
    """A hit as a reason that weighs its strength; see `shared` for the share of the score.

    `beaten` says why it does not count here, although it would by itself.
    """
    return Reason(
        id=hit.kind.value,
        value=hit.value,
        weight=strength(hit),
        span=span,
        indicator=hit.indicator,
        list=hit.list.id,
        list_name=hit.list.name,
        category=hit.category,
        distance=hit.distance if hit.kind is IndicatorKind.PDQ else None,
        quality=quality,
        verified=hit.list.verified,
        asks=ListAction.NONE if beaten else hit.asks(quality),
        short=beaten or hit.reason(quality),
    )


def shared(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Each indicator once, in the order given, with weights that add up to 1."""
    once: dict[int | None, Reason] = {}
    for entry in reasons:
        once.setdefault(entry.indicator, entry)
    kept: Sequence[Reason] = list(once.values())
    if len(kept) > MOST_REASONS:
        rest = len(kept) - (MOST_REASONS - 1)
        kept = [*kept[: MOST_REASONS - 1], Reason(id="more", value=f"{rest} more", weight=0.0)]
    total = sum(entry.weight for entry in kept)
    return tuple(replace(entry, weight=round(entry.weight / total, 4)) for entry in kept)
