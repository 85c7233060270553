"""Every code within a Hamming radius of a query, among codes that come and go.

Exact (recall 1.0): the answer is that of a comparison with each code. It must never sample,
approximate or stop early. What is large stands in segments that never change; what was just added
in a tail that is scanned; what was removed is marked.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lapwing.bank.index import mapped
from lapwing.bank.index.codes import (
    WORD_BYTES,
    as_words,
    check_ids,
    check_room,
    checked,
    checked_radius,
    design_radius,
)
from lapwing.bank.index.found import Found, frozen, joined, nothing
from lapwing.bank.index.removed import Gone, gone_at, marked, widened, with_rows
from lapwing.bank.index.segments import Segment
from lapwing.bank.index.tail import Tail
from lapwing.bank.index.threads import default_threads
from lapwing.model.errors import IntegrityBroken

KIND = "hamming index"
"""What a file of it says it holds."""
SEAL_AT = 65_536
"""A tail this long becomes a segment."""
JOIN_FACTOR = 8
"""A younger segment is joined with the one before it until that is so many times as large."""
JOIN_LIMIT = 1_000_000
"""Longer segments are left to `merged`: joining them would take longer than a caller waits."""


class _State(Struct, frozen=True):
    """All of an index at one moment; a change makes another one."""

    segments: tuple[Segment, ...]
    tail: Tail
    gone: Gone | None
    removed: int

    def rows(self) -> int:
        return sum(map(len, self.segments)) + len(self.tail)


class HammingIndex:
    """Codes of one width and their ids. Equal codes and equal ids may repeat.

    Safe to share between threads: a search answers from one moment, also during a change; a change
    is in every search that begins after it. A row is the place of a code in the order of `build`
    and `add`; it keeps its number until `merged`.
    """

    def __init__(self, width: int, radius: int, state: _State) -> None:
        self.width = width
        """Bytes a code."""
        self.radius = radius
        """The radius in bits that it was built for; every other is answered as exactly."""
        self._state = state
        self._changing = threading.Lock()

    @classmethod
    def build(
        cls,
        codes: NDArray[np.uint8],
        ids: NDArray[np.int64],
        *,
        radius: int | None = None,
        threads: int | None = None,
    ) -> Self:
        """An index over `codes: uint8[n, width]` with `ids: int64[n]`.

        `radius` is the one mostly asked, in bits (31 of 256, and that share of other widths);
        `threads` at most 2 and not more than processors unless given. Keeps `ids` uncopied: it
        must not change. Raises InvalidInput for another shape or type, LimitExceeded for more
        than MOST_ROWS.
        """
        width = checked(codes, "codes").shape[1]
        check_ids(ids, len(codes))
        check_room(len(codes))
        radius = design_radius(width) if radius is None else checked_radius(radius, width)
        words = as_words(codes)
        segments: tuple[Segment, ...] = ()
        if len(ids):
            threads = threads or default_threads()
            segments = (Segment.build(words, ids, 8 * width, radius, threads),)
        return cls(width, radius, _State(segments, Tail.empty(words.shape[1]), None, 0))

    def __len__(self) -> int:
        """Codes that stand."""
        state = self._state
        return state.rows() - state.removed

    @property
    def ids(self) -> NDArray[np.int64]:
        """int64[rows], by row, with those of removed rows; see `standing`."""
        return _ids(self._state)

    @property
    def codes(self) -> NDArray[np.uint8]:
        """uint8[rows, width], by row, with those of removed rows. No copy after `build`."""
        state = self._state
        parts = [*(segment.codes for segment in state.segments), state.tail.codes]
        parts = [part for part in parts if len(part)] or parts[:1]
        words = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return frozen(words.view(np.uint8)[:, : self.width])

    @property
    def standing(self) -> NDArray[np.bool_]:
        """bool[rows]: False where the code was removed."""
        state = self._state
        return ~marked(state.gone, state.rows())

    def search(
        self, queries: NDArray[np.uint8], radius: int, *, threads: int | None = None
    ) -> Found:
        """All codes within `radius` bits of `queries: uint8[m, width]`.

        Returns (query_no int64[k], id int64[k], distance int32[k]), ordered by query, then
        distance, then id. Raises InvalidInput for a wrong shape or type, or a radius outside
        0..8 * width.
        """
        state = self._state
        query_no, row, distance = self._search(state, queries, radius, threads)
        return query_no, _ids_at(state, row), distance

    def search_rows(
        self, queries: NDArray[np.uint8], radius: int, *, threads: int | None = None
    ) -> Found:
        """As `search`, with the row of each hit in place of its id (same order, by id)."""
        return self._search(self._state, queries, radius, threads)

    def add(self, codes: NDArray[np.uint8], ids: NDArray[np.int64]) -> int:
        """Add `codes: uint8[k, width]` with `ids: int64[k]`, both copied; returns k.

        Every search that begins afterwards finds them. Raises as `build`.
        """
        checked(codes, "codes", self.width)
        check_ids(ids, len(codes))
        words = as_words(codes)
        with self._changing:
            state = self._state
            check_room(state.rows() + len(ids))
            if len(state.tail) + len(ids) < SEAL_AT:
                tail = state.tail.grown(words, ids)
                gone = widened(state.gone, state.rows() + len(ids))
                self._state = _State(state.segments, tail, gone, state.removed)
            elif len(ids):
                self._state = self._sealed(state, words, ids)
        return len(ids)

    def remove(self, ids: NDArray[np.int64]) -> int:
        """Remove every code with one of `ids: int64[k]`; returns how many codes that were.

        No search that begins afterwards finds them. Unknown ids are passed over; an id may be
        added again. Raises InvalidInput for another type.
        """
        check_ids(ids, len(ids))
        with self._changing:
            state = self._state
            parts: list[Segment | Tail] = [*state.segments, state.tail]
            starts = np.cumsum([0, *map(len, parts)])
            rows = np.concatenate(
                [start + part.rows_of(ids) for start, part in zip(starts, parts, strict=False)]
            )
            rows = np.unique(rows[~gone_at(state.gone, rows)])
            if len(rows):
                gone = with_rows(state.gone, rows, state.rows())
                removed = state.removed + len(rows)
                self._state = _State(state.segments, state.tail, gone, removed)
        return len(rows)

    def fork(self) -> HammingIndex:
        """Another index with the same codes, changed apart from this one; copies nothing."""
        return HammingIndex(self.width, self.radius, self._state)

    def merged(self, *, threads: int | None = None) -> HammingIndex:
        """What stands, built anew as one segment; rows are numbered anew, in the same order."""
        state = self._state
        if not state.removed and not len(state.tail) and len(state.segments) <= 1:
            return HammingIndex(self.width, self.radius, state)
        held = HammingIndex(self.width, self.radius, state)
        stands = held.standing
        return HammingIndex.build(
            held.codes[stands], held.ids[stands], radius=self.radius, threads=threads
        )

    def about(self) -> dict[str, Any]:
        """What a file says of it besides its arrays, in plain JSON values; see `of_arrays`."""
        about = {"width": self.width, "radius": self.radius, "count": len(self)}
        return about | self._whole().about()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name, for a file; merges first when it was changed since `build`."""
        return self._whole().arrays()

    @classmethod
    def of_arrays(cls, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The index that `about` and `arrays` describe; keeps the arrays uncopied.

        Raises IntegrityBroken when they do not fit each other.
        """
        try:
            width, radius, count = (int(about[name]) for name in ("width", "radius", "count"))
            codes, ids = arrays["codes"], arrays["ids"]
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityBroken(f"the index lacks {error}") from error
        words = -(-width // WORD_BYTES)
        if codes.dtype != np.uint64 or codes.shape != (count, words):
            raise IntegrityBroken(f"codes are not {count} of {width} bytes")
        if ids.dtype != np.int64 or ids.shape != (count,):
            raise IntegrityBroken(f"ids are not {count} of int64")
        segments = (Segment.of_arrays(about, arrays, 8 * width),) if count else ()
        return cls(width, radius, _State(segments, Tail.empty(words), None, 0))

    def save(self, path: Path) -> None:
        """Write what stands into one file (`mapped`), all or nothing, owner-only.

        Rows in the file are those of `merged`. Raises OSError.
        """
        index = self.merged()  # once, not in each of the calls below
        mapped.write(path, KIND, index.about(), index.arrays())

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map a saved index: shared between processes, opened without reading the body.

        Raises IntegrityBroken when the file is truncated or damaged, InvalidInput when it is
        something else, OSError when it cannot be read. `verify` reads the body too.
        """
        file = mapped.MappedFile.open(path, KIND)
        return cls.of_arrays(file.about, file.arrays)

    @staticmethod
    def verify(path: Path) -> None:
        """Read the whole file and compare every checksum; raises as `open`."""
        mapped.MappedFile.open(path, KIND).verify()

    def _search(
        self, state: _State, queries: NDArray[np.uint8], radius: int, threads: int | None
    ) -> Found:
        checked(queries, "queries", self.width)
        checked_radius(radius, self.width)
        if not len(queries) or state.rows() == state.removed:
            return nothing()
        words = frozen(as_words(queries))
        found: list[Found] = []
        start = 0
        threads = threads or default_threads()
        for segment in state.segments:
            query_no, row, distance = segment.near(words, radius, threads)
            found.append((query_no, row + start if start else row, distance))
            start += len(segment)
        if len(state.tail):
            query_no, row, distance = state.tail.near(words, radius)
            found.append((query_no, row + start, distance))
        query_no, row, distance = joined(found)
        if state.gone is not None and len(row):
            stands = ~gone_at(state.gone, row)
            query_no, row, distance = query_no[stands], row[stands], distance[stands]
        if len(row) > 1:
            order = np.lexsort((row, _ids_at(state, row), distance, query_no))
            query_no, row, distance = query_no[order], row[order], distance[order]
        return query_no, row, distance

    def _whole(self) -> Segment:
        """All that stands as one segment."""
        state = self.merged()._state
        if state.segments:
            return state.segments[0]
        return Segment.build(state.tail.codes, state.tail.ids, 8 * self.width, self.radius, 1)

    def _sealed(self, state: _State, codes: NDArray[np.uint64], ids: NDArray[np.int64]) -> _State:
        """The tail and these as a segment, joined with those before it that are not much larger."""
        gone = widened(state.gone, state.rows() + len(ids))
        parts = [(state.tail.codes, state.tail.ids), (codes, ids)]
        count = len(state.tail) + len(ids)
        segments = list(state.segments)
        while segments and len(segments[-1]) < min(JOIN_FACTOR * count, JOIN_LIMIT):
            last = segments.pop()
            parts.insert(0, (last.codes, last.ids))
            count += len(last)
        codes = np.concatenate([part[0] for part in parts])
        ids = np.concatenate([part[1] for part in parts])
        sealed = Segment.build(codes, ids, 8 * self.width, self.radius, default_threads())
        tail = Tail.empty(codes.shape[1])
        return _State((*segments, sealed), tail, gone, state.removed)


def _ids(state: _State) -> NDArray[np.int64]:
    parts = [*(segment.ids for segment in state.segments), state.tail.ids]
    parts = [part for part in parts if len(part)] or parts[:1]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _ids_at(state: _State, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ids of some rows; never all of them side by side first."""
    if len(state.segments) == 1 and not len(state.tail):
        return state.segments[0].ids[rows]
    found = np.empty(len(rows), np.int64)
    start = 0
    parts: list[Segment | Tail] = [*state.segments, state.tail]
    for part in parts:
        inside = (rows >= start) & (rows < start + len(part))
        found[inside] = part.ids[rows[inside] - start]
        start += len(part)
    return found
