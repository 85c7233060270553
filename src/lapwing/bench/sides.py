"""The indexes that are measured beside each other, each behind the same two functions.

threatexchange and FAISS are measured where somebody installed them; Lapwing never needs them.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import psutil
from numpy.typing import NDArray

from lapwing.bank.index.codes import as_words
from lapwing.bank.index.found import frozen
from lapwing.bank.index.hamming import HammingIndex
from lapwing.bank.index.scanning import scan
from lapwing.bench.codes import Codes
from lapwing.model.indicators import NEAR_DISTANCE

Pairs = set[tuple[int, int]]
BATCH = 10_000
_OTHERS_BATCH = 1_000


class Side(NamedTuple):
    """One index to be measured. `single` and `batch` answer with pairs (query, position)."""

    name: str
    single: Callable[[Codes], Pairs]
    batch: Callable[[Codes, int], Pairs] | None
    build_s: float
    grown: int
    """Bytes by which the process grew."""
    exact: int | None
    """Bytes of its arrays, where they can be counted."""
    batch_size: int


class Missing(NamedTuple):
    """A side that was not measured, and why."""

    name: str
    why: str


Builder = Callable[[Codes], Side]


def ours(codes: Codes) -> Side:
    before, start = _memory(), perf_counter()
    index = HammingIndex.build(codes, np.arange(len(codes)))
    build_s, grown = perf_counter() - start, _memory() - before
    return Side(
        "Lapwing",
        lambda queries: pairs_of(index.search_rows(queries, NEAR_DISTANCE, threads=1)),
        lambda queries, threads: pairs_of(
            index.search_rows(queries, NEAR_DISTANCE, threads=threads)
        ),
        build_s,
        grown,
        sum(array.nbytes for array in index.arrays().values()),
        BATCH,
    )


def plain_scan(codes: Codes) -> Side:
    words = frozen(as_words(codes))  # no copy: the codes are all that it needs

    def search(queries: Codes, threads: int = 1) -> Pairs:
        return pairs_of(scan(words, frozen(as_words(queries)), NEAR_DISTANCE, threads))

    return Side("plain scan", search, None, 0.0, codes.nbytes, codes.nbytes, 0)


def _pdq_index(codes: Codes) -> Side:
    """threatexchange's PDQIndex, asked as its users ask it: one hash at a time, in hex."""
    module = importlib.import_module("threatexchange.signal_type.pdq.pdq_index")
    before = _memory()
    entries = [(bytes(code).hex(), position) for position, code in enumerate(codes)]
    start = perf_counter()
    index = module.PDQIndex(entries)
    build_s = perf_counter() - start
    del entries  # the index keeps what it needs of them
    grown = _memory() - before

    def search(queries: Codes) -> Pairs:
        return {(0, match.metadata) for match in index.query(bytes(queries[0]).hex())}

    return Side("threatexchange PDQIndex", search, None, build_s, grown, None, 0)


def _faiss_flat(codes: Codes) -> Side:
    faiss = importlib.import_module("faiss")
    return _of_faiss("FAISS BinaryFlat", faiss, faiss.IndexBinaryFlat(256), codes)


def _faiss_multi_hash(codes: Codes) -> Side:
    faiss = importlib.import_module("faiss")
    index = faiss.IndexBinaryMultiHash(256, 16, 16)
    index.nflip = NEAR_DISTANCE // 16
    return _of_faiss("FAISS BinaryMultiHash 16x16", faiss, index, codes)


def _of_faiss(name: str, faiss: Any, index: Any, codes: Codes) -> Side:
    before, start = _memory(), perf_counter()
    index.add(codes)
    build_s, grown = perf_counter() - start, _memory() - before

    def search(queries: Codes, threads: int = 1) -> Pairs:
        faiss.omp_set_num_threads(threads)
        limits, _, rows = index.range_search(queries, NEAR_DISTANCE + 1)
        query_no = np.repeat(np.arange(len(queries)), np.diff(limits.astype(np.int64)))
        return set(zip(query_no.tolist(), rows.tolist(), strict=True))

    return Side(name, search, search, build_s, grown, None, _OTHERS_BATCH)


OTHERS: list[tuple[str, str, Builder]] = [
    ("threatexchange PDQIndex", "threatexchange", _pdq_index),
    ("FAISS BinaryFlat", "faiss", _faiss_flat),
    ("FAISS BinaryMultiHash 16x16", "faiss", _faiss_multi_hash),
]


def installed(module: str) -> bool:
    try:
        importlib.import_module(module)
        importlib.import_module("faiss")
    except ImportError:
        return False
    return True


def scanned(codes: Codes, queries: Codes) -> Pairs:
    return pairs_of(scan(frozen(as_words(codes)), frozen(as_words(queries)), NEAR_DISTANCE, 2))


def pairs_of(found: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> Pairs:
    return set(zip(found[0].tolist(), found[1].tolist(), strict=True))


def _memory() -> int:
    """Bytes of this process that are in memory, after what is left over was given back."""
    gc.collect()
    with suppress(AttributeError, OSError):  # only where the C library is glibc
        ctypes.CDLL(None).malloc_trim(0)
    return int(psutil.Process().memory_info().rss)
