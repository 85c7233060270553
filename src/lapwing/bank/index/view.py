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
from lapwing.bank.index.shelf import Found, Shelf
from lapwing.model.indicators import BankList, IndicatorKind, ListKind


class BankView:
    """Made by `Snapshot.view`. Frozen and cheap; use one a batch."""

    def __init__(
        self,
        generation: int,
        lists: tuple[BankList, ...],
        words: tuple[str, ...],
        shelves: Mapping[IndicatorKind, Shelf],
        allowed: NDArray[np.bool_],
        at: int,
    ) -> None:
        self.generation = generation
        """The bank generation that answers come from."""
        self._lists = lists
        self._words = words
        self._shelves = shelves
        self._allowed = allowed
        self._at = at

    @property
    def lists(self) -> tuple[BankList, ...]:
        """The lists that count in this view."""
        return tuple(self._lists[number] for number in np.flatnonzero(self._allowed))

    def empty_of(self, kind: IndicatorKind) -> bool:
        """Whether none of this view's lists holds an indicator of this kind."""
        return not self._shelves[kind].holds_any_of(self._allowed)

    def near(self, codes: NDArray[np.uint8], kind: IndicatorKind = IndicatorKind.PDQ) -> list[Hit]:
        """PDQ indicators within their list's near distance of `codes: uint8[m, 32]`, or with `kind`
        frames of listed videos.

        Ordered by query, distance, indicator id. Raises InvalidInput for another shape or type.
        Allow lists never take part: a picture that merely resembles a harmless one is not harmless.
        """
        reach = np.array(
            [
                -1 if listed.kind is ListKind.ALLOW else listed.near_distance
                for listed in self._lists
            ],
            np.int32,
        )
        shelf = self._shelves[kind]
        taking_part = self._allowed & (reach >= 0)
        if not shelf.holds_any_of(taking_part):
            return []
        found = shelf.near(codes, int(reach[taking_part].max()))
        return self._hits(shelf.kind, found, found.distance <= reach[found.columns.list_no], ())

    def exact(self, kind: IndicatorKind, values: Sequence[bytes]) -> list[Hit]:
        """Indicators equal to `values`: hash bytes, or canonical URLs or domains in UTF-8.

        Ordered by query, then indicator id. Raises InvalidInput for a hash of the wrong length.
        """
        if not values or self.empty_of(kind):
            return []
        found = self._shelves[kind].equal(values)
        return self._hits(kind, found, np.ones(len(found.distance), np.bool_), values)

    def _hits(
        self,
        kind: IndicatorKind,
        found: Found,
        wanted: NDArray[np.bool_],
        values: Sequence[bytes],
    ) -> list[Hit]:
        columns = found.columns
        counts = (
            wanted
            & self._allowed[columns.list_no]
            & (columns.valid_from <= self._at)
            & (self._at < columns.valid_until)
        )
        hashed = kind in HASH_WIDTHS
        hits = []
        for row in np.flatnonzero(counts):
            query = int(found.query_no[row])
            quality = int(columns.quality[row])
            hit = Hit(
                query=query,
                indicator=int(columns.ids[row]),
                kind=kind,
                value=columns.keys[row].tobytes().hex() if hashed else values[query].decode(),
                distance=int(found.distance[row]),
                list=self._lists[columns.list_no[row]],
                category=self._words[columns.category[row]],
                source=self._words[columns.source[row]],
                quality=None if quality == NO_QUALITY else quality,
            )
            hits.append(hit)
        return hits
