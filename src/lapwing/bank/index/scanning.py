"""Every code compared with every query: exact by construction, and the measure for all else.

It must never sample, approximate or stop early.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lapwing.bank.index.compiled import compiled, popcount

_BLOCK_BYTES = 65_536
"""Codes a block, in bytes, so that one block stays in the nearest cache for all queries."""


def _scan(codes: Any, queries: Any, radius: Any) -> Any:
    """(query_no int64[k], row int64[k], distance int32[k]) of every pair within `radius`.

    `codes: uint64[n, words]`, `queries: uint64[m, words]`; in no promised order.
    """
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


scan: Any = compiled(_scan)
