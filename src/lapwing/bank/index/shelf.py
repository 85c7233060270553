"""All indicators of one kind, in layers, so that a small change to a million costs little.

A layer is indexed once. What is withdrawn from it is only marked; what is added makes a layer of
its own; layers are joined when a younger one has grown near to the size of the older.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lapwing.bank.index.columns import Columns
from lapwing.bank.index.exact import TEXT_KEY_BYTES, ExactIndex, hash_keys
from lapwing.bank.index.hamming import HammingIndex
from lapwing.bank.index.hits import HASH_WIDTHS, PERCEPTUAL
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import IndicatorKind

JOIN_FACTOR = 8
"""An older layer is kept apart while it is at least this many times the size of a younger one."""

PDQ_BYTES = 32

Rows = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]


class Found(Struct, frozen=True):
    """Candidates, ordered by query, distance, id; `columns` holds their rows."""

    query_no: NDArray[np.int64]
    distance: NDArray[np.int32]
    columns: Columns


class Layer:
    """Columns with their index. Shared by every snapshot that still holds any of it."""

    def __init__(self, kind: IndicatorKind, columns: Columns) -> None:
        self.kind = kind
        self.columns = columns
        self._index = (
            HammingIndex.build(np.ascontiguousarray(columns.keys[:, :PDQ_BYTES]), columns.ids)
            if kind in PERCEPTUAL
            else ExactIndex.build(columns.keys, columns.ids)
        )

    def near(self, codes: NDArray[np.uint8], radius: int) -> Rows:
        if not isinstance(self._index, HammingIndex):
            raise InvalidInput(f"{self.kind} values have no distance", field="kind")
        return self._index.search_rows(codes, radius)

    def equal(self, values: Sequence[bytes]) -> Rows:
        width = HASH_WIDTHS.get(self.kind)
        if isinstance(self._index, HammingIndex):
            keys = hash_keys(values, self.columns.keys.shape[1])
            found = self.near(np.ascontiguousarray(keys[:, :PDQ_BYTES]), 0)
            same = (self.columns.keys[found[1]] == keys[found[0]]).all(axis=1)
            return found[0][same], found[1][same], found[2][same]
        if width is None:
            query_no, row = self._index.search_texts(values)
        else:
            query_no, row = self._index.search_rows(hash_keys(values, width))
        return query_no, row, np.zeros(len(row), np.int32)


class Standing(Struct, frozen=True):
    """A layer and what still stands of it (None: all)."""

    layer: Layer
    mask: NDArray[np.bool_] | None
    count: int
    per_list: NDArray[np.int64]
    """Standing indicators by list number."""

    @classmethod
    def whole(cls, layer: Layer) -> Self:
        return cls(layer, None, len(layer.columns), np.bincount(layer.columns.list_no))

    def without(self, ids: NDArray[np.int64]) -> Standing:
        """Less these ids; this one when it holds none of them."""
        columns = self.layer.columns
        row = np.searchsorted(columns.ids, ids)
        row = row[row < len(columns)]
        row = row[np.isin(columns.ids[row], ids)]
        if self.mask is not None:
            row = row[self.mask[row]]
        row = np.unique(row)
        if not len(row):
            return self
        mask = np.ones(len(columns), np.bool_) if self.mask is None else self.mask.copy()
        mask[row] = False
        less = np.bincount(columns.list_no[row], minlength=len(self.per_list))
        return Standing(self.layer, mask, self.count - len(row), self.per_list - less)

    def columns(self) -> Columns:
        return self.layer.columns if self.mask is None else self.layer.columns.at(self.mask)

    def choose(self, rows: Rows) -> Rows:
        if self.mask is None:
            return rows
        stands = self.mask[rows[1]]
        return rows[0][stands], rows[1][stands], rows[2][stands]


class Shelf:
    """Frozen; a change makes another one that shares the layers that it left alone."""

    def __init__(self, kind: IndicatorKind, layers: tuple[Standing, ...] = ()) -> None:
        self.kind = kind
        self._layers = layers

    def __len__(self) -> int:
        return sum(standing.count for standing in self._layers)

    def changed(self, gone: NDArray[np.int64], added: Columns | None) -> Shelf:
        """Without the ids in `gone` and with the rows of `added`; an id may be in both."""
        layers = [standing.without(gone) for standing in self._layers]
        if added is not None and len(added):
            layers.append(Standing.whole(Layer(self.kind, added)))
        return Shelf(self.kind, tuple(self._tidied(layers)))

    def _tidied(self, layers: list[Standing]) -> list[Standing]:
        """Oldest and largest first, each much larger than the next, none mostly withdrawn."""
        kept: list[Standing] = []
        for standing in layers:
            parts = [standing]
            while kept and kept[-1].count < JOIN_FACTOR * sum(part.count for part in parts):
                parts.insert(0, kept.pop())
            if len(parts) == 1 and 2 * standing.count >= len(standing.layer.columns):
                kept.append(standing)
                continue
            columns = Columns.joined([part.columns() for part in parts])
            if len(columns):
                kept.append(Standing.whole(Layer(self.kind, columns)))
        return kept

    def holds_any_of(self, allowed: NDArray[np.bool_]) -> bool:
        """Whether any indicator belongs to a list that `allowed` (one flag a list) names."""
        return any(
            bool(standing.per_list[allowed[: len(standing.per_list)]].any())
            for standing in self._layers
        )

    def near(self, codes: NDArray[np.uint8], radius: int) -> Found:
        """Within `radius` bits of `codes: uint8[m, 32]`; perceptual kinds only."""
        return self._gather([each.choose(each.layer.near(codes, radius)) for each in self._layers])

    def equal(self, values: Sequence[bytes]) -> Found:
        """Equal to one of the values, at distance 0."""
        return self._gather([each.choose(each.layer.equal(values)) for each in self._layers])

    def _gather(self, rows: list[Rows]) -> Found:
        """One answer from the answers of the layers."""
        chosen = [
            (found, standing.layer.columns.at(found[1]))
            for found, standing in zip(rows, self._layers, strict=True)
            if len(found[1])
        ]
        if not chosen:
            empty = Columns.empty(HASH_WIDTHS.get(self.kind, TEXT_KEY_BYTES))
            return Found(np.empty(0, np.int64), np.empty(0, np.int32), empty)
        query_no = np.concatenate([found[0] for found, _ in chosen])
        distance = np.concatenate([found[2] for found, _ in chosen])
        columns = Columns.stacked([columns for _, columns in chosen])
        order = np.lexsort((columns.ids, distance, query_no))
        return Found(query_no[order], distance[order], columns.at(order))
