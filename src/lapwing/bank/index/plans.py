"""Which bits of a code are looked up, and how far each chunk of them is varied.

Multi-index hashing (Norouzi, Punjani and Fleet, 2012) with unequal chunks: two codes at most
`radius` bits apart agree, in at least one of the chunks, within that chunk's reach, when the sum of
(reach + 1) over the chunks exceeds the radius. Chunks need not cover all bits. Nothing here may
choose reaches whose sum falls short: that, and nothing else, is what makes the answer exact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from itertools import accumulate, combinations, pairwise
from math import comb

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lapwing.bank.index.found import frozen

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
GROUP = 16
"""Chunks whose keys are put together in one step: 32 bits of each fill a line of the cache."""
TABLE_BYTES = 84
"""Bytes a code that the tables of a 256-bit code may take; wider codes may take as much more."""

DRAWN = "blake2b of the number"
"""How `bits_of` orders the bits. A file says it of its tables, which are void with any other."""

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


def bits_of(widths: Sequence[int], bits: int) -> list[list[int]]:
    """The bits of each chunk, no bit in two of them: bit b is bit b % 64 of word b // 64.

    They are drawn from all over the code in an order that is the same for ever. Bits of a
    perceptual hash that stand near each other depend on each other: of crops of photographs, half
    as many share a bucket as with chunks of neighbouring bits.
    """
    order = sorted(range(bits), key=lambda bit: hashlib.blake2b(b"%d" % bit).digest())
    ends = accumulate(widths, initial=0)
    return [order[start:end] for start, end in pairwise(ends)]


class Layout(Struct, frozen=True):
    """Where the bits of the chunks are, as the hot loops want it.

    `parts: uint64[groups, nibbles, 16, 8]` is what each value of each nibble of a code (nibble k is
    the bits from 4 * k) adds to the keys of 16 chunks, two keys a word, the first in the lower
    half; `masks: uint64[chunks, words]` the bits of each chunk within a code.
    """

    parts: NDArray[np.uint64]
    masks: NDArray[np.uint64]


@cache
def layout_of(widths: tuple[int, ...], bits: int) -> Layout:
    words = -(-bits // 64)
    parts = np.zeros((-(-len(widths) // GROUP), 16 * words, 16, GROUP // 2), np.uint64)
    masks = np.zeros((len(widths), words), np.uint64)
    values = np.arange(16, dtype=np.uint64)
    for number, chunk in enumerate(bits_of(widths, bits)):
        for place, bit in enumerate(chunk):
            group, within = divmod(number, GROUP)
            shift = np.uint64(place + 32 * (within % 2))
            set_in = (values >> np.uint64(bit % 4)) & np.uint64(1)
            parts[group, bit // 4, :, within // 2] |= set_in << shift
            masks[number, bit // 64] |= np.uint64(1 << (bit % 64))
    return Layout(frozen(parts), frozen(masks))


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
