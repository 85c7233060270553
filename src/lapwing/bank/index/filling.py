"""The hot loops that fill the tables: the keys of all chunks, and a counting sort by them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lapwing.bank.index.compiled import compiled

_PART_BITS = 13
"""Bits of a key that are sorted within the nearest cache."""


def _keys(codes: Any, row: Any, parts: Any, keys: Any) -> Any:
    """Put together the keys of all chunks of one code; see `plans.Layout`."""
    for group in range(parts.shape[0]):
        # Eight names, not an array: the compiler keeps them in registers.
        k_0 = k_1 = k_2 = k_3 = k_4 = k_5 = k_6 = k_7 = np.uint64(0)
        for word in range(codes.shape[1]):
            rest = codes[row, word]
            for nibble in range(16 * word, 16 * word + 16):
                part = parts[group, nibble, np.int64(rest & np.uint64(15))]
                rest >>= np.uint64(4)
                k_0 |= part[0]
                k_1 |= part[1]
                k_2 |= part[2]
                k_3 |= part[3]
                k_4 |= part[4]
                k_5 |= part[5]
                k_6 |= part[6]
                k_7 |= part[7]
        keys[8 * group] = k_0
        keys[8 * group + 1] = k_1
        keys[8 * group + 2] = k_2
        keys[8 * group + 3] = k_3
        keys[8 * group + 4] = k_4
        keys[8 * group + 5] = k_5
        keys[8 * group + 6] = k_6
        keys[8 * group + 7] = k_7


keys_of: Any = compiled(_keys)


def _spread(codes: Any, parts: Any, postings: Any, start: Any, end: Any) -> Any:
    """Write the keys of the codes from `start` to `end` where their postings will stand."""
    keys = np.empty(8 * parts.shape[0], np.uint64)
    each = keys.view(np.uint32)
    for row in range(start, end):
        keys_of(codes, row, parts, keys)
        for chunk in range(postings.shape[0]):
            postings[chunk, row] = each[chunk]


def _fill(width: Any, offsets: Any, postings: Any, dealt: Any) -> Any:
    """Sort rows by their keys in one chunk; returns the sum of the squared bucket sizes.

    `postings: uint32[n]` holds the key of each row before, and afterwards the rows: bucket k is
    postings[offsets[k] : offsets[k + 1]], rows rising; `offsets: uint32[2 ** width + 1]`. Rows are
    first dealt into parts by the top bits of their keys, so that sorting a part stays within the
    caches; `dealt: uint64[n]` is room for that.
    """
    n = postings.shape[0]
    low = min(width, _PART_BITS)
    parts = 1 << (width - low)
    ends = np.zeros(parts + 1, np.int64)
    for row in range(n):
        ends[1 + np.int64(postings[row] >> np.uint32(low))] += 1
    for part in range(parts):
        ends[part + 1] += ends[part]
    cursors = ends[:parts].copy()
    within = np.uint64((1 << low) - 1)
    for row in range(n):
        key = np.uint64(postings[row])
        own = np.int64(key >> np.uint64(low))
        dealt[cursors[own]] = ((key & within) << np.uint64(32)) | np.uint64(row)
        cursors[own] += 1
    places = np.empty(1 << low, np.int64)
    squares = 0.0
    for part in range(parts):
        places[:] = 0
        for i in range(ends[part], ends[part + 1]):
            places[np.int64(dealt[i] >> np.uint64(32))] += 1
        start = ends[part]
        for k in range(places.shape[0]):
            size = places[k]
            offsets[(part << low) + k] = np.uint32(start)
            places[k] = start
            start += size
            squares += float(size) * float(size)
        for i in range(ends[part], ends[part + 1]):
            bucket = np.int64(dealt[i] >> np.uint64(32))
            postings[places[bucket]] = np.uint32(dealt[i] & np.uint64(0xFFFFFFFF))
            places[bucket] += 1
    offsets[parts << low] = np.uint32(n)
    return squares


spread: Any = compiled(_spread)
fill: Any = compiled(_fill)
