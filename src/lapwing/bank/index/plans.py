"""Which bits of a code are looked up, and how far each chunk of them is varied.

Multi-index hashing (Norouzi, Punjani and Fleet, 2012) with unequal chunks: two codes at most
`radius` bits apart agree, in at least one of the chunks, within that chunk's reach, when the sum of
(reach + 1) over the chunks exceeds the radius. Chunks need not cover all bits. Nothing here may
choose reaches whose sum falls short: that, and nothing else, is what makes the answer exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import combinations
from math import comb

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

PROBE_NS = 20.0
"""What looking up one bucket costs, at sizes beyond the caches; measured, like those below."""
CANDIDATE_NS = 10.0
"""Comparing one code that stands somewhere in memory."""
SCAN_WORD_NS = 0.34
"""Comparing one word of a code in a scan."""
QUERY_NS = 3_000.0
"""What a query costs before its first bucket."""
WORTH_IT = 5
"""Tables are considered where a scan costs as many times what a query does."""

WIDEST = 28
FARTHEST = 4
MOST_CHUNKS = 64
TABLE_BYTES = 84
"""Bytes a code that the tables of a 256-bit code may take; wider codes may take as much more."""

UNUSED = -1
"""The reach of a chunk that is not asked at all."""


class Plan(Struct, frozen=True):
    """Chunks by width in bits and by the reach in bits that they were chosen for."""

    widths: tuple[int, ...]
    reaches: tuple[int, ...]


def scan_ns(n: int, words: int) -> float:
    """What comparing a query with each of `n` codes costs."""
    return n * words * SCAN_WORD_NS


def planned(n: int, bits: int, radius: int) -> Plan | None:
    """The cheapest chunks for `n` codes of `bits` bits, or None where the scan is cheaper."""
    words = -(-bits // 64)
    best, cheapest = None, scan_ns(n, words)
    if cheapest < WORTH_IT * QUERY_NS:
        return None
    room = max(TABLE_BYTES, TABLE_BYTES * words // 4) * n
    for chunks in range(1, min(radius + 1, bits, MOST_CHUNKS) + 1):
        low, longer = divmod(radius + 1, chunks)
        shorter = chunks - longer
        # `longer` chunks reach `low` bits far, all others one bit less.
        if low > FARTHEST:
            continue
        for wide in range(max(1, low), min(WIDEST, bits // chunks + 8) + 1):
            left = min(WIDEST, (bits - longer * wide) // shorter)
            for narrow in {left, min(left, wide), left - 1}:
                if narrow < max(1, low - 1):
                    continue
                memory = 4 * chunks * n + longer * (4 << wide) + shorter * (4 << narrow)
                if memory > room:
                    continue
                cost = longer * _chunk_ns(n, wide, low) + shorter * _chunk_ns(n, narrow, low - 1)
                # Of two that are about as fast, the smaller: memory costs everybody else.
                cost = (cost + QUERY_NS) * (1 + memory / room)
                if cost < cheapest:
                    cheapest = cost
                    best = Plan(
                        (wide,) * longer + (narrow,) * shorter,
                        (low,) * longer + (low - 1,) * shorter,
                    )
    return best


def reaches_for(
    widths: Sequence[int], buckets: Sequence[float], radius: int
) -> tuple[tuple[int, ...], float]:
    """(reach of each chunk, cost in ns) for a query of this radius, as cheap as it can be.

    `buckets` is how many codes a bucket of each chunk is expected to hold. The next bit of reach
    goes to where it costs least; costs rise with reach, so that no other choice is cheaper.
    """
    reaches = [UNUSED] * len(widths)
    total = QUERY_NS

    def step(chunk: int) -> float:
        farther = reaches[chunk] + 1
        if farther > min(FARTHEST, widths[chunk]):
            return float("inf")
        return comb(widths[chunk], farther) * (PROBE_NS + CANDIDATE_NS * buckets[chunk])

    steps = [step(chunk) for chunk in range(len(widths))]
    for _ in range(radius + 1):
        chunk = min(range(len(widths)), key=steps.__getitem__)
        total += steps[chunk]
        if total == float("inf"):
            break
        reaches[chunk] += 1
        steps[chunk] = step(chunk)
    return tuple(reaches), total


def fields_of(widths: Sequence[int], bits: int) -> NDArray[np.int64]:
    """int64[chunks, words, 2]: shift and width of the bits that a chunk takes from each word.

    Bits are dealt from all words in turn: neighbouring bits of a perceptual hash depend on each
    other, and buckets are evener when a chunk holds few neighbours.
    """
    words = -(-bits // 64)
    dealt = [word for bit in range(64) for word in range(words) if 64 * word + bit < bits]
    fields = np.zeros((len(widths), words, 2), np.int64)
    taken = np.zeros(words, np.int64)
    start = 0
    for chunk, width in enumerate(widths):
        own = np.bincount(dealt[start : start + width], minlength=words)
        fields[chunk, :, 0] = taken
        fields[chunk, :, 1] = own
        taken += own
        start += width
    return fields


@cache
def masks_of(width: int, reach: int) -> NDArray[np.uint32]:
    """All numbers of `width` bits with at most `reach` bits set, rising: neighbours share lines."""
    masks = [
        sum(1 << bit for bit in bits)
        for count in range(reach + 1)
        for bits in combinations(range(width), count)
    ]
    return np.array(sorted(masks), np.uint32)


@cache
def _probes(width: int, reach: int) -> int:
    return sum(comb(width, count) for count in range(reach + 1))


def _chunk_ns(n: int, width: int, reach: int) -> float:
    return _probes(width, reach) * (PROBE_NS + CANDIDATE_NS * n / (1 << width))
