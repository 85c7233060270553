"""Every code within a Hamming radius of a query: a plain scan over 256-bit codes.

Exact by construction (recall 1.0): each query is compared with each code. It must never sample,
approximate or stop early.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from lapwing.model.errors import InvalidInput

CODE_BYTES = 32
"""256 bits: the width of a PDQ hash."""
MAX_RADIUS = 8 * CODE_BYTES

_BLOCK = 2048
"""Codes a block: 64 KiB, so that one block stays in the nearest cache for all queries."""

Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]


def _population_count(typing_context: Any, word: Any) -> Any:
    """LLVM's population count; it becomes one vector instruction where the processor has it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


_popcount: Any = intrinsic(_population_count)


def _scan(words: Any, queries: Any, radius: Any) -> Any:
    capacity = 256
    found = 0
    query_no = np.empty(capacity, np.int64)
    row = np.empty(capacity, np.int64)
    distance = np.empty(capacity, np.int32)
    block = np.empty(_BLOCK, np.uint64)
    for start in range(0, words.shape[1], _BLOCK):
        size = min(_BLOCK, words.shape[1] - start)
        word_0 = words[0, start : start + size]
        word_1 = words[1, start : start + size]
        word_2 = words[2, start : start + size]
        word_3 = words[3, start : start + size]
        for query in range(queries.shape[0]):
            query_0, query_1 = queries[query, 0], queries[query, 1]
            query_2, query_3 = queries[query, 2], queries[query, 3]
            nearest = np.uint64(MAX_RADIUS + 1)
            # No branch inside: this loop is what the compiler turns into vector instructions.
            for i in range(size):
                bits = (
                    _popcount(word_0[i] ^ query_0)
                    + _popcount(word_1[i] ^ query_1)
                    + _popcount(word_2[i] ^ query_2)
                    + _popcount(word_3[i] ^ query_3)
                )
                block[i] = bits
                nearest = min(nearest, bits)
            if nearest > radius:
                continue
            for i in range(size):
                if block[i] > radius:
                    continue
                if found == capacity:
                    capacity *= 2
                    query_no = np.concatenate((query_no, np.empty_like(query_no)))
                    row = np.concatenate((row, np.empty_like(row)))
                    distance = np.concatenate((distance, np.empty_like(distance)))
                query_no[found] = query
                row[found] = start + i
                distance[found] = np.int32(block[i])
                found += 1
    return query_no[:found], row[:found], distance[:found]


def _compiled(function: Any) -> Any:
    """The function compiled without the interpreter's lock, kept on disk where that is possible."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # numba finds no writable folder for its cache
        return njit(nogil=True)(function)


_compiled_scan = _compiled(_scan)


class HammingIndex:
    """Codes and their ids, frozen. Safe to search from many threads at once."""

    def __init__(self, words: NDArray[np.uint64], ids: NDArray[np.int64]) -> None:
        self._words = words
        self._ids = ids

    @classmethod
    def build(cls, codes: NDArray[np.uint8], ids: NDArray[np.int64]) -> Self:
        """An index over `codes: uint8[n, 32]` with `ids: int64[n]`; equal codes may repeat.

        Keeps `ids` without copying it. Raises InvalidInput for another shape or type.
        """
        checked = _checked_codes(codes, "codes")
        if not isinstance(ids, np.ndarray) or ids.dtype != np.int64:
            raise InvalidInput("ids must be an array of int64", field="ids")
        if ids.shape != (len(checked),):
            raise InvalidInput("ids must hold one id a code", field="ids")
        return cls(np.array(_as_words(checked).T, order="C"), ids)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> NDArray[np.int64]:
        """int64[n], in the order of `build`."""
        return self._ids

    def search(self, queries: NDArray[np.uint8], radius: int) -> Found:
        """All codes within `radius` bits of `queries: uint8[m, 32]`.

        Returns (query_no int64[k], id int64[k], distance int32[k]), ordered by query, then
        distance, then id. Raises InvalidInput for a wrong shape or type, or a radius outside
        0..256.
        """
        query_no, row, distance = self.search_rows(queries, radius)
        return query_no, self._ids[row], distance

    def search_rows(self, queries: NDArray[np.uint8], radius: int) -> Found:
        """As `search`, with the row of each hit in place of its id (same order, by id)."""
        checked = _checked_codes(queries, "queries")
        if not 0 <= radius <= MAX_RADIUS:
            raise InvalidInput(f"radius must lie between 0 and {MAX_RADIUS}", field="radius")
        if not len(checked) or not len(self):
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32)
        words = np.array(_as_words(checked), order="C")  # never read-only: one compiled form serves
        query_no, row, distance = _compiled_scan(self._words, words, np.uint64(radius))
        order = np.lexsort((self._ids[row], distance, query_no))
        return query_no[order], row[order], distance[order]


def _checked_codes(codes: NDArray[np.uint8], field: str) -> NDArray[np.uint8]:
    if not isinstance(codes, np.ndarray) or codes.dtype != np.uint8:
        raise InvalidInput(f"{field} must be an array of uint8", field=field)
    if codes.ndim != 2 or codes.shape[1] != CODE_BYTES:
        raise InvalidInput(f"{field} must have the shape (n, {CODE_BYTES})", field=field)
    return np.ascontiguousarray(codes)


def _as_words(codes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return codes.view(np.uint64).reshape(len(codes), CODE_BYTES // 8)
