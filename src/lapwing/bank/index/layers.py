"""Indicators that are indexed together and never change, and what still stands of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from lapwing.bank.index.columns import Columns
from lapwing.bank.index.exact import ExactIndex, hash_keys
from lapwing.bank.index.hamming import HammingIndex
from lapwing.bank.index.hits import HASH_WIDTHS, PERCEPTUAL
from lapwing.model.errors import IntegrityBroken, InvalidInput
from lapwing.model.indicators import IndicatorKind

PDQ_BYTES = 32
NARROW_FROM = 10_000
"""Rows from which it is worth while to store columns in the narrowest types."""

Arrays = dict[str, NDArray[Any]]
Rows = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]

_NONE = np.empty(0, np.int64)


class Layer:
    """Columns in rising order of id, with their index. Shared by all who still hold any of it."""

    def __init__(
        self,
        kind: IndicatorKind,
        columns: Columns,
        index: HammingIndex | ExactIndex,
        per_list: NDArray[np.int64],
        *,
        mapped: bool = False,
    ) -> None:
        self.kind = kind
        self.mapped = mapped
        """Whether it lies in a file that other processes share."""
        self.columns = columns
        self.per_list = per_list
        """Indicators by list number."""
        self._index = index

    @classmethod
    def build(cls, kind: IndicatorKind, columns: Columns) -> Self:
        """Index these columns; codes and ids are held once, by columns and index together."""
        index: HammingIndex | ExactIndex
        if len(columns) >= NARROW_FROM:
            columns = Columns.widened(columns.ids, columns.keys, columns.narrow())
        if kind in PERCEPTUAL:
            index = HammingIndex.build(
                np.ascontiguousarray(columns.keys[:, :PDQ_BYTES]), columns.ids
            )
            columns = replace(columns, ids=index.ids)
            if columns.keys.shape[1] == PDQ_BYTES:
                columns = replace(columns, keys=index.codes)
        else:
            index = ExactIndex.build(columns.keys, columns.ids)
        return cls(kind, columns, index, np.bincount(columns.list_no))

    def __len__(self) -> int:
        return len(self.columns)

    def about(self) -> dict[str, Any]:
        """What a file says of it beside its arrays, in plain JSON values."""
        about: dict[str, Any] = {"count": len(self)}
        if isinstance(self._index, HammingIndex):
            about["index"] = self._index.about()
        return about

    def arrays(self) -> Arrays:
        """Its arrays by name, for a file; codes and ids once."""
        arrays = {f"column.{name}": each for name, each in self.columns.narrow().items()}
        if isinstance(self._index, HammingIndex):
            held = self._index.arrays()
            if self.columns.keys.shape[1] != PDQ_BYTES:
                held = held | {"keys": self.columns.keys}
        else:
            held = {
                "probes": self._index.probes,
                "rows": self._index.rows,
                "keys": self._index.keys,
                "ids": self._index.ids,
            }
        arrays["per_list"] = self.per_list
        return arrays | {f"index.{name}": each for name, each in held.items()}

    @classmethod
    def of_arrays(cls, kind: IndicatorKind, about: Mapping[str, Any], arrays: Arrays) -> Self:
        """The layer that `about` and `arrays` gave; keeps them uncopied.

        Raises IntegrityBroken when they do not fit each other.
        """
        held = {name[6:]: each for name, each in arrays.items() if name.startswith("index.")}
        narrow = {name[7:]: each for name, each in arrays.items() if name.startswith("column.")}
        try:
            index: HammingIndex | ExactIndex
            if kind in PERCEPTUAL:
                index = HammingIndex.of_arrays(about["index"], held)
                keys = held.get("keys", index.codes)
            else:
                index = ExactIndex(held["probes"], held["rows"], held["keys"], held["ids"])
                keys = index.keys
            columns = Columns.widened(index.ids, keys, narrow)
            per_list = arrays["per_list"]
            fits = len(columns) == len(keys) == about["count"] == per_list.sum()
        except (KeyError, ValueError, TypeError) as error:
            raise IntegrityBroken(f"the {kind} index does not hold together: {error}") from error
        if not fits:
            raise IntegrityBroken(f"the {kind} index does not hold what it says")
        return cls(kind, columns, index, per_list, mapped=True)

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
    """A layer and what was withdrawn from it: `gone` holds rows in rising order.

    Few are, for a layer that has lost much is made anew; so a withdrawal costs little however
    large the layer is.
    """

    layer: Layer
    gone: NDArray[np.int64]
    per_list: NDArray[np.int64]
    """Standing indicators by list number."""

    @classmethod
    def whole(cls, layer: Layer) -> Self:
        return cls(layer, _NONE, layer.per_list)

    @property
    def count(self) -> int:
        return len(self.layer) - len(self.gone)

    def without(self, ids: NDArray[np.int64]) -> Standing:
        """Less these ids; this one when it holds none of them."""
        columns = self.layer.columns
        ids = np.unique(ids)
        row = np.searchsorted(columns.ids, ids)
        inside = row < len(columns)
        row, ids = row[inside], ids[inside]
        row = row[columns.ids[row] == ids]
        row = row[~_among(self.gone, row)]
        if not len(row):
            return self
        gone = np.insert(self.gone, np.searchsorted(self.gone, row), row)
        less = np.bincount(columns.list_no[row], minlength=len(self.per_list))
        return Standing(self.layer, gone, self.per_list - less)

    def columns(self) -> Columns:
        return self.layer.columns.without(self.gone)

    def withdrawn(self) -> NDArray[np.int64]:
        """The ids that are gone."""
        return self.layer.columns.ids[self.gone]

    def choose(self, rows: Rows) -> Rows:
        if not len(self.gone) or not len(rows[1]):
            return rows
        stands = ~_among(self.gone, rows[1])
        return rows[0][stands], rows[1][stands], rows[2][stands]


def _among(rising: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of `wanted` are in `rising`."""
    if not len(rising):
        return np.zeros(len(wanted), np.bool_)
    place = np.minimum(np.searchsorted(rising, wanted), len(rising) - 1)
    found: NDArray[np.bool_] = rising[place] == wanted
    return found
