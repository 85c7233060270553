"""The tables of a segment: for each chunk of the codes, its buckets one after another.

`offsets` holds the tables of all chunks in a row, uint32; `postings` for each chunk the rows of
the segment in the order of their buckets, uint32[chunks, n].
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from queue import SimpleQueue
from typing import Any, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lapwing.bank.index import plans
from lapwing.bank.index.filling import fill, spread
from lapwing.bank.index.found import Found, frozen, joined, nothing
from lapwing.bank.index.probing import probe
from lapwing.bank.index.threads import in_parts, in_threads
from lapwing.model.errors import IntegrityBroken


class Way(Struct, frozen=True):
    """How queries of one radius go through the tables; see `probing` for the arrays."""

    chunks: NDArray[np.int64]
    masks: NDArray[np.uint32]


class Tables:
    """Frozen; safe to share between threads."""

    def __init__(
        self,
        widths: tuple[int, ...],
        buckets: tuple[float, ...],
        offsets: NDArray[np.uint32],
        postings: NDArray[np.uint32],
        bits: int,
    ) -> None:
        self.widths = widths
        self.buckets = buckets
        """How many codes share a bucket with a code, on average, for each chunk."""
        self.offsets = frozen(offsets)
        self.postings = frozen(postings)
        self._postings = frozen(postings.reshape(-1))
        self._layout = plans.layout_of(widths, bits)
        self._ways: dict[int, Way | None] = {}

    @classmethod
    def build(
        cls, codes: NDArray[np.uint64], bits: int, widths: tuple[int, ...], threads: int
    ) -> Self:
        """Sort the rows of `codes: uint64[n, words]` into buckets, a chunk a task."""
        n = len(codes)
        parts = plans.layout_of(widths, bits).parts
        starts = _table_starts(widths)
        offsets = np.empty(starts[-1], np.uint32)
        postings = np.empty((len(widths), n), np.uint32)

        def spread_some(start: int, end: int) -> None:
            spread(codes, parts, postings, start, end)

        # One room a thread, taken here: what a thread allocates, its ending does not give back.
        rooms: SimpleQueue[NDArray[np.uint64]] = SimpleQueue()
        for room in np.empty((max(1, min(threads, len(widths))), n), np.uint64):
            rooms.put(room)

        def sort(chunk: int) -> float:
            room = rooms.get()
            table = offsets[starts[chunk] : starts[chunk + 1]]
            try:
                return float(fill(widths[chunk], table, postings[chunk], room))
            finally:
                rooms.put(room)

        in_parts(spread_some, n, threads)
        squares = in_threads([partial(sort, chunk) for chunk in range(len(widths))], threads)
        buckets = tuple(square / max(1, n) for square in squares)
        return cls(widths, buckets, offsets, postings, bits)

    @classmethod
    def of_arrays(
        cls, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n: int, bits: int
    ) -> Self:
        """The tables that a file holds for `n` codes; IntegrityBroken when they do not fit."""
        try:
            widths = tuple(int(width) for width in about["widths"])
            buckets = tuple(float(size) for size in about["buckets"])
            offsets, postings = arrays["offsets"], arrays["postings"]
            drawn = about["drawn"]
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityBroken(f"the index lacks {error}") from error
        if drawn != plans.DRAWN:
            raise IntegrityBroken("the chunks of the index were drawn in another way")
        narrow = all(0 < width <= plans.WIDEST for width in widths) and sum(widths) <= bits
        if not widths or not narrow or len(buckets) != len(widths):
            raise IntegrityBroken("the chunks of the index do not fit its codes")
        if offsets.dtype != np.uint32 or offsets.shape != (_table_starts(widths)[-1],):
            raise IntegrityBroken("the offsets of the index do not fit its chunks")
        if postings.dtype != np.uint32 or postings.shape != (len(widths), n):
            raise IntegrityBroken("the postings of the index do not fit its chunks")
        return cls(widths, buckets, offsets, postings, bits)

    def about(self) -> dict[str, Any]:
        """What a file says of them, in plain JSON values."""
        chunks = {"widths": list(self.widths), "buckets": list(self.buckets)}
        return chunks | {"drawn": plans.DRAWN}

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"offsets": self.offsets, "postings": self.postings}

    def search(
        self, codes: NDArray[np.uint64], queries: NDArray[np.uint64], radius: int, threads: int
    ) -> tuple[Found, NDArray[np.int64]]:
        """(found, queries left): pairs within `radius`, and queries that a scan answers sooner."""
        n, words = codes.shape
        way = self._way(radius, n, words)
        if way is None:
            return nothing(), np.arange(len(queries))
        limit = int(plans.scan_ns(n, words) / plans.CANDIDATE_NS)

        def ask(start: int, end: int) -> tuple[Found, NDArray[np.int64]]:
            found, heavy = self._ask(codes, queries[start:end], radius, way, limit)
            if start:
                found[0][:] += start
            return found, np.flatnonzero(heavy) + start

        parts = in_parts(ask, len(queries), threads)
        return joined([found for found, _ in parts]), np.concatenate([left for _, left in parts])

    def _ask(
        self,
        codes: NDArray[np.uint64],
        queries: NDArray[np.uint64],
        radius: int,
        way: Way,
        limit: int,
    ) -> tuple[Found, NDArray[np.bool_]]:
        """(found, whether each query has more candidates than `limit` and was left)."""
        query_no, row, distance, heavy = probe(
            codes,
            queries,
            self.offsets,
            self._postings,
            self._layout.parts,
            self._layout.masks,
            way.chunks,
            way.masks,
            np.uint64(radius),
            limit,
        )
        return (query_no, row, distance), heavy

    def _way(self, radius: int, n: int, words: int) -> Way | None:
        """The chunks and masks for a radius, or None when a scan is expected to be cheaper."""
        if radius not in self._ways:
            reaches, cost = plans.reaches_for(self.widths, self.buckets, radius)
            cheap = cost < plans.scan_ns(n, words)
            self._ways[radius] = self._way_of(reaches, n) if cheap else None
        return self._ways[radius]

    def _way_of(self, reaches: tuple[int, ...], n: int) -> Way:
        starts = _table_starts(self.widths)
        placed: dict[tuple[int, int], tuple[int, int]] = {}
        masks: list[NDArray[np.uint32]] = []
        end = 0
        rows = []
        for chunk, reach in enumerate(reaches):
            if reach == plans.UNUSED:
                continue
            kind = (self.widths[chunk], reach)
            if kind not in placed:
                masks.append(plans.masks_of(*kind))
                placed[kind] = end, end + len(masks[-1])
                end += len(masks[-1])
            rows.append((chunk, starts[chunk], chunk * n, *placed[kind], reach))
        return Way(frozen(np.array(rows, np.int64)), frozen(np.concatenate(masks)))


def compile_loops() -> None:
    """Compile what building and searching tables needs, so that no first query waits for it."""
    codes = frozen(np.zeros((2, 4), np.uint64))
    tables = Tables.build(codes, 256, (4, 4), 1)
    tables._ask(codes, codes, 1, tables._way_of((0, 0), 2), 2)


def _table_starts(widths: tuple[int, ...]) -> list[int]:
    """Where the table of each chunk starts in `offsets`, and where the last one ends."""
    starts = [0]
    for width in widths:
        starts.append(starts[-1] + (1 << width) + 1)
    return starts
