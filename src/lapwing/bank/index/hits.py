"""What a match is: a listed indicator equal or near to what was asked."""

from __future__ import annotations

from msgspec import Struct

from lapwing.model.indicators import MIN_QUALITY, BankList, IndicatorKind, ListKind
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

    def known(self, quality: int | None = None) -> bool:
        """Whether this is *known* rather than *near* (DESIGN: known and near).

        `quality` is that of the PDQ hash asked; without it a PDQ hit is never known.
        """
        if self.list.kind is not ListKind.BLOCK or not self.list.verified:
            return False
        if self.kind not in PERCEPTUAL:
            return True
        if quality is None or quality < MIN_QUALITY:
            return False
        if self.quality is not None and self.quality < MIN_QUALITY:
            return False
        return self.distance <= self.list.known_distance
