"""What a match is: a listed indicator equal or near to what was asked."""

from __future__ import annotations

from msgspec import Struct

from lapwing.model.indicators import (
    MIN_QUALITY,
    BankList,
    CountReason,
    IndicatorKind,
    ListAction,
    ListKind,
    Mark,
)
from lapwing.model.videos import VIDEO_FRAME_BYTES

HASH_WIDTHS: dict[IndicatorKind, int] = {
    IndicatorKind.PDQ: 32,
    IndicatorKind.MD5: 16,
    IndicatorKind.SHA1: 20,
    IndicatorKind.SHA256: 32,
    IndicatorKind.VIDEO_FRAME: VIDEO_FRAME_BYTES,
}
"""Bytes of each kind of hash; URLs and domains are texts."""
PERCEPTUAL = frozenset({IndicatorKind.PDQ, IndicatorKind.VIDEO_FRAME})
"""Kinds whose first 32 bytes are a PDQ hash, searched by distance."""
CRYPTOGRAPHIC = frozenset({IndicatorKind.MD5, IndicatorKind.SHA1, IndicatorKind.SHA256})


class Hit(Struct, frozen=True, kw_only=True):
    """`query` counts from 0 in the values asked. `distance` is in bits of 256, 0 when equal."""

    query: int
    indicator: int
    kind: IndicatorKind
    value: str
    distance: int
    list: BankList
    category: str
    source: str
    quality: int | None
    """PDQ quality of the listed picture, where its source gave it."""
    marks: int = 0
    """Sum of `Mark`s on the indicator."""
    out: CountReason | None = None
    """Why it does not count at all; only in answers that tell everything."""

    def known(self, quality: int | None = None) -> bool:
        """Whether this is *known* rather than *near* (DESIGN: known and near).

        `quality` is that of the PDQ hash asked; without it a PDQ hit is never known.
        """
        return self.list.kind is ListKind.BLOCK and self._short_of_known(quality) is None

    def reason(self, quality: int | None = None) -> CountReason | None:
        """Why this does not count, or for less than the list says; None where it counts in full."""
        if self.out is not None:
            return self.out
        if self.list.kind is ListKind.ALLOW:
            return None
        short = self._short_of_known(quality)
        if short is not None:
            return short
        if self.list.action is ListAction.NONE:
            return CountReason.LIST_ASKS_NOTHING
        return CountReason.QUARANTINED if self.marks & Mark.FLOODED else None

    def asks(self, quality: int | None = None) -> ListAction:
        """What this match asks for: a near one at most a review, one of a flooded indicator at
        most a hold, never less than that because of the flood (DESIGN, Do no harm 11)."""
        if self.out is not None:
            return ListAction.NONE
        if not self.known(quality):
            most = ListAction.REVIEW
        else:
            most = ListAction.HOLD if self.marks & Mark.FLOODED else ListAction.REMOVE
        return min(self.list.action, most, key=lambda action: action.rank)

    @property
    def confirmed(self) -> bool:
        """Whether this is an allow entry that beats a verified list."""
        return self.list.kind is ListKind.ALLOW and bool(self.marks & Mark.CONFIRMED)

    def _short_of_known(self, quality: int | None) -> CountReason | None:
        if self.list.kind is ListKind.REVIEW:
            return CountReason.REVIEW_LIST
        if not self.list.verified:
            return CountReason.LIST_NOT_VERIFIED
        if self.marks & Mark.DISPUTED:
            return CountReason.DISPUTED
        if self.kind not in PERCEPTUAL:
            return None
        if quality is None:
            return CountReason.QUALITY_UNKNOWN
        if quality < MIN_QUALITY:
            return CountReason.QUALITY_BELOW_50
        if self.quality is not None and self.quality < MIN_QUALITY:
            return CountReason.LISTED_QUALITY_BELOW_50
        if self.distance > self.list.known_distance:
            return CountReason.BEYOND_KNOWN_DISTANCE
        return None
