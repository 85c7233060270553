"""The hot loops that ask the tables.

A candidate is compared in full before it is a hit, so that nothing found is wrong; that nothing is
missed follows from the reaches (`plans`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lapwing.bank.index.compiled import compiled, popcount, prefetch
from lapwing.bank.index.filling import keys_of

_BLOCK = 1024
"""Candidates asked of memory together, before the first of them is compared."""


def _longer(array: Any, capacity: Any) -> Any:
    longer = np.empty(capacity, array.dtype)
    longer[: array.shape[0]] = array
    return longer


_longer_of: Any = compiled(_longer)


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
        keys_of(queries, query, parts, keys)
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


probe: Any = compiled(_probe)
