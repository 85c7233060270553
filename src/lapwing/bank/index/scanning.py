"""Every code compared with every query: exact by construction, and the measure for all else.

It must never sample, approximate or stop early.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lapwing.bank.index.compiled import compiled, popcount
from lapwing.bank.index.found import Found, joined
from lapwing.bank.index.threads import in_parts

_BLOCK_BYTES = 65_536
"""Codes a block, in bytes, so that one block stays in the nearest cache for all queries."""


def _scan(codes: Any, queries: Any, radius: Any) -> Any:
    words = codes.shape[1]
    capacity = 256
    found = 0
    query_no = np.empty(capacity, np.int64)
    row = np.empty(capacity, np.int64)
    distance = np.empty(capacity, np.int32)
    step = max(1, _BLOCK_BYTES // (8 * words))
    block = np.empty(step, np.uint64)
    for start in range(0, codes.shape[0], step):
        size = min(step, codes.shape[0] - start)
        part = codes[start : start + size]
        for query in range(queries.shape[0]):
            nearest = np.uint64(64 * words + 1)
            # No branch inside: these loops are what the compiler turns into vector instructions.
            if words == 4:
                query_0, query_1 = queries[query, 0], queries[query, 1]
                query_2, query_3 = queries[query, 2], queries[query, 3]
                for i in range(size):
                    bits = (
                        popcount(part[i, 0] ^ query_0)
                        + popcount(part[i, 1] ^ query_1)
                        + popcount(part[i, 2] ^ query_2)
                        + popcount(part[i, 3] ^ query_3)
                    )
                    block[i] = bits
                    nearest = min(nearest, bits)
            else:
                for i in range(size):
                    bits = np.uint64(0)
                    for word in range(words):
                        bits += popcount(part[i, word] ^ queries[query, word])
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


_compiled_scan: Any = compiled(_scan)


def scan(
    codes: NDArray[np.uint64], queries: NDArray[np.uint64], radius: int, threads: int = 1
) -> Found:
    """(query_no, row, distance) of every pair within `radius`, in no promised order.

    `codes: uint64[n, words]`, `queries: uint64[m, words]`, both read-only.
    """

    def part(start: int, end: int) -> Found:
        query_no, row, distance = _compiled_scan(codes, queries[start:end], np.uint64(radius))
        if start:
            query_no += start
        return query_no, row, distance

    return joined(in_parts(part, len(queries), threads))
