"""Codes that are indexed together and never change: a large base, or what was added since.

A segment does not know what was removed from it; whoever holds it does.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lapwing.bank.index.found import Found, frozen, joined
from lapwing.bank.index.plans import planned
from lapwing.bank.index.scanning import scan
from lapwing.bank.index.tables import Tables
from lapwing.model.errors import IntegrityBroken

_FEW = 64
"""Up to as many ids are looked up one by one, more of them in one pass over all."""


class Segment(Struct, frozen=True):
    """`codes: uint64[n, words]`, `ids: int64[n]` in any order, both read-only.

    `order` holds the rows in rising order of id, where the ids do not rise by themselves.
    """

    codes: NDArray[np.uint64]
    ids: NDArray[np.int64]
    order: NDArray[np.uint32] | None
    tables: Tables | None
    """None where a scan is as fast."""

    @classmethod
    def build(
        cls,
        codes: NDArray[np.uint64],
        ids: NDArray[np.int64],
        bits: int,
        radius: int,
        threads: int,
    ) -> Self:
        """Made for `radius` in codes of `bits` bits; keeps the arrays where they lie well."""
        rising = bool((ids[1:] >= ids[:-1]).all())
        order = None if rising else frozen(np.argsort(ids, kind="stable").astype(np.uint32))
        codes = frozen(aligned(codes))
        plan = planned(len(codes), bits, radius)
        tables = None if plan is None else Tables.build(codes, bits, plan.widths, threads)
        return cls(codes, frozen(ids), order, tables)

    @classmethod
    def of_arrays(
        cls, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], bits: int
    ) -> Self:
        """A segment out of a file; IntegrityBroken when the parts do not fit each other."""
        codes, ids, order = arrays["codes"], arrays["ids"], arrays.get("order")
        if order is not None and (order.dtype != np.uint32 or order.shape != ids.shape):
            raise IntegrityBroken("the order of the ids does not fit them")
        tables = None
        if "offsets" in arrays:
            tables = Tables.of_arrays(about, arrays, len(codes), bits)
        return cls(frozen(codes), frozen(ids), order, tables)

    def about(self) -> dict[str, Any]:
        """What a file says of it besides its arrays, in plain JSON values."""
        return {} if self.tables is None else self.tables.about()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it, for a file."""
        held: dict[str, NDArray[Any]] = {"codes": self.codes, "ids": self.ids}
        if self.order is not None:
            held["order"] = self.order
        return held if self.tables is None else held | self.tables.arrays()

    def __len__(self) -> int:
        return len(self.ids)

    def near(self, queries: NDArray[np.uint64], radius: int, threads: int) -> Found:
        """(query_no, row, distance) of every pair within `radius`, in no promised order."""
        if self.tables is None:
            return scan(self.codes, queries, radius, threads)
        found, left = self.tables.search(self.codes, queries, radius, threads)
        if not len(left):
            return found
        some = frozen(queries[left])
        query_no, row, distance = scan(self.codes, some, radius, threads)
        return joined([found, (left[query_no], row, distance)])

    def rows_of(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of all codes with one of these ids."""
        if len(ids) > _FEW:
            return np.flatnonzero(np.isin(self.ids, ids))
        order = self.order
        if order is None:
            left = np.searchsorted(self.ids, ids, "left")
            right = np.searchsorted(self.ids, ids, "right")
            return _ranges(left, right)
        by_id = range(len(order))
        key = lambda place: self.ids[order[place]]  # noqa: E731
        left = np.array([bisect_left(by_id, each, key=key) for each in ids], np.int64)
        right = np.array([bisect_right(by_id, each, key=key) for each in ids], np.int64)
        return order[_ranges(left, right)].astype(np.int64)


def _ranges(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    parts = [np.arange(start, end, dtype=np.int64) for start, end in zip(left, right, strict=True)]
    return np.concatenate([np.empty(0, np.int64), *parts])


def aligned(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The codes so that none of up to 64 bytes lies across two cache lines; copies if need be."""
    if codes.ctypes.data % 64 == 0 or not codes.size:
        return codes
    room = np.empty(codes.nbytes + 64, np.uint8)
    start = -room.ctypes.data % 64
    copy = room[start : start + codes.nbytes].view(np.uint64).reshape(codes.shape)
    copy[:] = codes
    return copy
