"""The hot loops of the tables: filling them, and asking them.

A candidate is compared in full before it is a hit, so that nothing found is wrong; that nothing is
missed follows from the reaches (`plans`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lapwing.bank.index.compiled import compiled, popcount, prefetch

_BLOCK = 1024
"""Candidates asked of memory together, before the first of them is compared."""
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


_keys_of: Any = compiled(_keys)


def _spread(codes: Any, parts: Any, postings: Any, start: Any, end: Any) -> Any:
    """Write the keys of the codes from `start` to `end` where their postings will stand."""
    keys = np.empty(8 * parts.shape[0], np.uint64)
    each = keys.view(np.uint32)
    for row in range(start, end):
        _keys_of(codes, row, parts, keys)
        for chunk in range(postings.shape[0]):
            postings[chunk, row] = each[chunk]


def _longer(array: Any, capacity: Any) -> Any:
    longer = np.empty(capacity, array.dtype)
    longer[: array.shape[0]] = array
    return longer


_longer_of: Any = compiled(_longer)


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


def _compare(
    codes: Any,
    queries: Any,
    query: Any,
    chunks: Any,
    bits_of: Any,
    radius: Any,
    rows: Any,
    owners: Any,
    distances: Any,
) -> Any:
    """Moves those of `rows` that are hits, and new, to the front; returns how many they are.

    `owners` says by which of `chunks` each was found; `distances` is filled.
    """
    words = codes.shape[1]
    query_0 = queries[query, 0]
    query_1 = query_2 = query_3 = np.uint64(0)
    if words == 4:
        query_1, query_2, query_3 = queries[query, 1], queries[query, 2], queries[query, 3]
    found = 0
    for i in range(rows.shape[0]):
        row = rows[i]
        if words == 4:
            bits = (
                popcount(codes[row, 0] ^ query_0)
                + popcount(codes[row, 1] ^ query_1)
                + popcount(codes[row, 2] ^ query_2)
                + popcount(codes[row, 3] ^ query_3)
            )
        else:
            bits = np.uint64(0)
            for word in range(words):
                bits += popcount(codes[row, word] ^ queries[query, word])
        if bits > radius:
            continue
        # One that an earlier chunk led to was reported there.
        again = False
        for c in range(owners[i]):
            apart = np.uint64(0)
            for word in range(words):
                mask = bits_of[chunks[c, 0], word]
                apart += popcount((codes[row, word] ^ queries[query, word]) & mask)
            if apart <= np.uint64(chunks[c, 5]):
                again = True
                break
        if not again:
            rows[found] = row
            distances[found] = np.int32(bits)
            found += 1
    return found


_compared: Any = compiled(_compare)


def _probe(
    codes: Any,
    queries: Any,
    offsets: Any,
    postings: Any,
    parts: Any,
    bits_of: Any,
    chunks: Any,
    masks: Any,
    radius: Any,
    limit: Any,
) -> Any:
    """(query_no, row, distance, heavy) of every code within `radius` of each of the queries.

    `chunks: int64[c, 6]` holds for each chunk that is asked: its number in `parts` and `bits_of`,
    where its table, its postings and its masks start, where its masks end, its reach. A query
    with more than `limit` candidates is not answered but marked in `heavy: bool[m]`.
    """
    words = codes.shape[1]
    asked = chunks.shape[0]
    probes = 0
    for c in range(asked):
        probes += chunks[c, 4] - chunks[c, 3]
    places = np.empty(probes, np.int64)
    starts = np.empty(probes, np.int64)
    ends = np.empty(probes, np.int64)
    filled = np.empty(asked, np.int64)
    keys = np.empty(8 * parts.shape[0], np.uint64)
    each = keys.view(np.uint32)
    block = np.empty(_BLOCK, np.int64)
    owners = np.empty(_BLOCK, np.int64)
    apart = np.empty(_BLOCK, np.int32)
    flat = codes.reshape(-1)
    heavy = np.zeros(queries.shape[0], np.bool_)
    capacity = 256
    found = 0
    query_no = np.empty(capacity, np.int64)
    rows = np.empty(capacity, np.int64)
    distances = np.empty(capacity, np.int32)
    for query in range(queries.shape[0]):
        at = 0
        _keys_of(queries, query, parts, keys)
        for c in range(asked):
            key = each[chunks[c, 0]]
            table = chunks[c, 1]
            for k in range(chunks[c, 3], chunks[c, 4]):
                place = table + np.int64(key ^ masks[k])
                prefetch(offsets, place)
                places[at] = place
                at += 1
        at = 0
        ranges = 0
        total: Any = 0
        for c in range(asked):
            first = chunks[c, 2]
            for _ in range(chunks[c, 3], chunks[c, 4]):
                place = places[at]
                at += 1
                start = np.int64(offsets[place])
                end = np.int64(offsets[place + 1])
                if start < end:
                    prefetch(postings, first + start)
                    starts[ranges] = first + start
                    ends[ranges] = first + end
                    ranges += 1
                    total += end - start
            filled[c] = ranges
        if total > limit:
            heavy[query] = True
            continue
        c = 0
        size = 0
        for k in range(ranges):
            while k >= filled[c]:
                c += 1
            for i in range(starts[k], ends[k]):
                row = np.int64(postings[i])
                prefetch(flat, words * row)
                block[size] = row
                owners[size] = c
                size += 1
                if size < _BLOCK and (k + 1 < ranges or i + 1 < ends[k]):
                    continue
                hits = _compared(
                    codes,
                    queries,
                    query,
                    chunks,
                    bits_of,
                    radius,
                    block[:size],
                    owners,
                    apart,
                )
                size = 0
                if found + hits > capacity:
                    capacity = 2 * (capacity + hits)
                    query_no = _longer_of(query_no, capacity)
                    rows = _longer_of(rows, capacity)
                    distances = _longer_of(distances, capacity)
                query_no[found : found + hits] = query
                rows[found : found + hits] = block[:hits]
                distances[found : found + hits] = apart[:hits]
                found += hits
    return query_no[:found], rows[:found], distances[:found], heavy


spread: Any = compiled(_spread)
fill: Any = compiled(_fill)
probe: Any = compiled(_probe)
