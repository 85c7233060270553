"""One organisation's view of a snapshot at one moment: the only way to ask it.

Hits are filtered by the organisation's lists, validity and the list's distance after the search
and before anything else sees them. Nothing of another organisation may come out of here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lapwing.bank.index.columns import NO_QUALITY
from lapwing.bank.index.hits import HASH_WIDTHS, Hit
from lapwing.bank.index.reach import Reach
from lapwing.bank.index.shelf import Found, Shelf
from lapwing.model.indicators import NEAR_DISTANCE, BankList, CountReason, IndicatorKind


class BankView:
    """Made by `Snapshot.view`. Frozen and cheap; use one a batch.

    With `every`, hits that do not count come too, and say why in `out`: those of lists and
    indicators that are not valid now, and those beyond their list's distance.
    """

    def __init__(
        self,
        generation: int,
        lists: tuple[BankList, ...],
        words: tuple[str, ...],
        shelves: Mapping[IndicatorKind, Shelf],
        reach: Reach,
        at: int,
        marks: Mapping[int, int],
    ) -> None:
        self.generation = generation
        """The bank generation that answers come from."""
        self._lists = lists
        self._words = words
        self._shelves = shelves
        self._reach = reach
        self._at = at
        self._marks = marks

    @property
    def lists(self) -> tuple[BankList, ...]:
        """The lists that count in this view."""
        return tuple(self._lists[number] for number in np.flatnonzero(self._reach.counts))

    def empty_of(self, kind: IndicatorKind) -> bool:
        """Whether none of this view's lists holds an indicator of this kind."""
        return not self._reach.holds_any(self._shelves[kind], every=False)

    def near(
        self,
        codes: NDArray[np.uint8],
        kind: IndicatorKind = IndicatorKind.PDQ,
        *,
        every: bool = False,
    ) -> list[Hit]:
        """PDQ indicators within their list's near distance of `codes: uint8[m, 32]`, or with `kind`
        frames of listed videos.

        Ordered by query, distance, indicator id. Raises InvalidInput for another shape or type.
        Allow lists never take part: a picture that merely resembles a harmless one is not harmless.
        """
        reach = self._reach
        shelf = self._shelves[kind]
        if not reach.holds_any(shelf, every=every, resembling=True):
            return []
        found = shelf.near(codes, NEAR_DISTANCE if every else reach.radius)
        return self._hits(kind, found, reach.near, (), every)

    def exact(
        self, kind: IndicatorKind, values: Sequence[bytes], *, every: bool = False
    ) -> list[Hit]:
        """Indicators equal to `values`: hash bytes, or canonical URLs or domains in UTF-8.

        Ordered by query, then indicator id. Raises InvalidInput for a hash of the wrong length.
        """
        shelf = self._shelves[kind]
        if not values or not self._reach.holds_any(shelf, every=every):
            return []
        return self._hits(kind, shelf.equal(values), None, values, every)

    def _hits(
        self,
        kind: IndicatorKind,
        found: Found,
        near: NDArray[np.int32] | None,
        values: Sequence[bytes],
        every: bool,
    ) -> list[Hit]:
        """`near`: bits up to which each list counts; None where only equal values were found."""
        columns = found.columns
        if not len(found.query_no):
            return []
        reach, lists = self._reach, columns.list_no
        counts = (
            reach.counts[lists]
            & (columns.valid_from <= self._at)
            & (self._at < columns.valid_until)
        )
        if near is not None:
            counts &= found.distance <= near[lists]
        told = reach.mine[lists] if every else counts
        if near is not None and every:
            told &= near[lists] >= 0
        hashed = kind in HASH_WIDTHS
        hits = []
        for row in np.flatnonzero(told):
            query = int(found.query_no[row])
            quality = int(columns.quality[row])
            indicator = int(columns.ids[row])
            hit = Hit(
                query=query,
                indicator=indicator,
                kind=kind,
                value=columns.keys[row].tobytes().hex() if hashed else values[query].decode(),
                distance=int(found.distance[row]),
                list=self._lists[lists[row]],
                category=self._words[columns.category[row]],
                source=self._words[columns.source[row]],
                quality=None if quality == NO_QUALITY else quality,
                marks=self._marks.get(indicator, 0),
                out=None if counts[row] else self._out(found, int(row)),
            )
            hits.append(hit)
        return hits

    def _out(self, found: Found, row: int) -> CountReason:
        """Why this row does not count."""
        columns, number, at = found.columns, found.columns.list_no[row], self._at
        if at < self._reach.start[number]:
            return CountReason.LIST_NOT_VALID_YET
        if at >= self._reach.end[number]:
            return CountReason.LIST_EXPIRED
        if at < columns.valid_from[row]:
            return CountReason.INDICATOR_NOT_VALID_YET
        if at >= columns.valid_until[row]:
            return CountReason.INDICATOR_EXPIRED
        return CountReason.BEYOND_LIST_DISTANCE
