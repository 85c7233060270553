"""The Hamming index beside the plain scan and beside others, on the same codes in one process.

threatexchange and FAISS are measured where somebody installed them; Lapwing never needs them.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import psutil
from numpy.typing import NDArray

from lapwing.bank.index.found import frozen
from lapwing.bank.index.hamming import HammingIndex, as_words
from lapwing.bank.index.scanning import scan
from lapwing.bank.index.tables import compile_loops
from lapwing.bench.codes import KINDS, Codes, asked, uniform
from lapwing.model.indicators import NEAR_DISTANCE

Row = dict[str, Any]
Pairs = set[tuple[int, int]]
SEED = 20_260_501
BATCH = 10_000
_OTHERS_BATCH = 1_000
CHECKED_PAIRS = 2_000_000_000
"""Recall is taken over as many queries as a scan of so many pairs allows."""
_TURN = 50
_SLOW_SECONDS = 20.0
"""A side that takes longer for all single queries answers fewer of them, and that is said."""


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


def measure_sides(sizes: Sequence[int], queries: int, others_up_to: int) -> list[Row]:
    """Rows of each side at each size, on uniform codes and at radius 31."""
    compile_loops()
    rows: list[Row] = []
    for size in sizes:
        rng = np.random.default_rng(SEED)
        codes = uniform(rng, size)
        asking, many = asked(rng, codes, queries), asked(rng, codes, BATCH)
        checked = max(1, min(queries, CHECKED_PAIRS // size))
        truth = _scanned(codes, asking[:checked])
        sides: list[Side | Missing] = [_ours(codes), _plain_scan(codes)]
        for name, module, build in OTHERS:
            if size > others_up_to:
                sides.append(Missing(name, f"not measured above {others_up_to:,} codes"))
            elif not _installed(module):
                sides.append(Missing(name, f"{module} is not installed"))
            else:
                sides.append(build(codes))
        rows += _compared(sides, size, asking, many, truth, checked)
    return rows


def measure_recall(size: int, queries: int) -> list[Row]:
    """Rows of recall and speed on three kinds of codes, at radii from 0 to 31, beside the scan."""
    rows = []
    for kind, make in KINDS.items():
        rng = np.random.default_rng(SEED)
        codes = make(rng, size)
        asking = asked(rng, codes, queries)
        index = HammingIndex.build(codes, np.arange(size))
        words, asking_words = frozen(as_words(codes)), frozen(as_words(asking))
        for radius in (0, 10, 20, NEAR_DISTANCE):
            truth = _pairs(scan(words, asking_words, radius))
            found = _pairs(index.search_rows(asking, radius))
            times = [
                _seconds(partial(index.search, asking[k : k + 1], radius)) for k in range(queries)
            ]
            rows.append(
                {
                    "codes": kind,
                    "number": size,
                    "radius": radius,
                    "pairs": len(truth),
                    "recall": _recall(found, truth),
                    "wrong": len(found - truth),
                    "p50 ms": round(statistics.median(times) * 1e3, 4),
                    "p99 ms": round(float(np.percentile(times, 99)) * 1e3, 4),
                }
            )
    return rows


def measure_changes(sizes: Sequence[int], folder: Path, changes: int) -> list[Row]:
    """Rows of saving, opening, and adding and removing one code while it is searched."""
    rows = []
    for size in sizes:
        rng = np.random.default_rng(SEED)
        codes = uniform(rng, size)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            path = Path(place) / "codes"
            built = HammingIndex.build(codes, np.arange(size))
            saving = _seconds(partial(built.save, path))
            file = path.stat().st_size
            del built
            opening = statistics.median(_seconds(partial(HammingIndex.open, path)) for _ in "123")
            index = HammingIndex.open(path)
            new = uniform(rng, changes)
            adding, removing, missed, still = [], [], 0, 0
            for k in range(changes):
                code, identity = new[k : k + 1], np.array([size + k])
                adding.append(_seconds(partial(index.add, code, identity)))
                missed += not len(index.search(code, 0)[0])
                removing.append(_seconds(partial(index.remove, np.array([k]))))
                still += k in index.search(codes[k : k + 1], 0)[1]
        rows.append(
            {
                "codes": size,
                "save s": round(saving, 3),
                "open s": round(opening, 4),
                "file bytes a code": round(file / size, 1),
                "add one ms": round(statistics.median(adding) * 1e3, 4),
                "slowest add ms": round(max(adding) * 1e3, 3),
                "remove one ms": round(statistics.median(removing) * 1e3, 4),
                "slowest remove ms": round(max(removing) * 1e3, 3),
                "added but not found": missed,
                "removed but found": still,
            }
        )
    return rows


def _compared(
    sides: Sequence[Side | Missing],
    size: int,
    asking: Codes,
    many: Codes,
    truth: Pairs,
    checked: int,
) -> Iterator[Row]:
    measured = [side for side in sides if isinstance(side, Side)]
    times: dict[str, list[float]] = {side.name: [] for side in measured}
    found: dict[str, Pairs] = {side.name: set() for side in measured}
    for side in measured:
        side.single(asking[:1])
    # In turns, so that what else the machine does meets all of them alike; some at a time, so that
    # none is measured with the caches that another has just filled.
    for start in range(0, len(asking), _TURN):
        for side in measured:
            for k in range(start, min(start + _TURN, len(asking))):
                if sum(times[side.name]) > _SLOW_SECONDS:
                    break
                begun = perf_counter()
                pairs = side.single(asking[k : k + 1])
                times[side.name].append(perf_counter() - begun)
                found[side.name] |= {(k, position) for _, position in pairs}
    ours = statistics.median(times[measured[0].name])
    for each in sides:
        row: Row = {"index": each.name, "codes": size}
        if isinstance(each, Missing):
            yield row | {"note": each.why}
            continue
        side = each
        middle = statistics.median(times[side.name])
        done = len(times[side.name])
        sure = min(done, checked)
        row |= {
            "build s": round(side.build_s, 3),
            "bytes a code": round(side.grown / size, 1),
            "in arrays": None if side.exact is None else round(side.exact / size, 1),
            "p50 ms": round(middle * 1e3, 4),
            "p99 ms": round(float(np.percentile(times[side.name], 99)) * 1e3, 4),
            "times ours": round(middle / ours, 2),
            "recall": _recall(found[side.name], {pair for pair in truth if pair[0] < sure}),
            "wrong": sum(pair[0] < sure and pair not in truth for pair in found[side.name]),
        }
        if side.batch is not None:
            some = many[: side.batch_size]
            for threads in (1, 2):
                seconds = _seconds(partial(side.batch, some, threads))
                row[f"batch q/s, {threads} thread{'s'[: threads - 1]}"] = round(len(some) / seconds)
        batch = f", batches of {side.batch_size:,}" if side.batch is not None else ""
        yield row | {"note": f"{done} queries, {sure} for recall{batch}"}


def _ours(codes: Codes) -> Side:
    before, start = _memory(), perf_counter()
    index = HammingIndex.build(codes, np.arange(len(codes)))
    build_s, grown = perf_counter() - start, _memory() - before
    return Side(
        "Lapwing",
        lambda queries: _pairs(index.search_rows(queries, NEAR_DISTANCE, threads=1)),
        lambda queries, threads: _pairs(index.search_rows(queries, NEAR_DISTANCE, threads=threads)),
        build_s,
        grown,
        sum(array.nbytes for array in index.arrays().values()),
        BATCH,
    )


def _plain_scan(codes: Codes) -> Side:
    words = frozen(as_words(codes))  # no copy: the codes are all that it needs

    def search(queries: Codes, threads: int = 1) -> Pairs:
        return _pairs(scan(words, frozen(as_words(queries)), NEAR_DISTANCE, threads))

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


def _installed(module: str) -> bool:
    try:
        importlib.import_module(module)
        importlib.import_module("faiss")
    except ImportError:
        return False
    return True


def _scanned(codes: Codes, queries: Codes) -> Pairs:
    return _pairs(scan(frozen(as_words(codes)), frozen(as_words(queries)), NEAR_DISTANCE, 2))


def _pairs(found: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> Pairs:
    return set(zip(found[0].tolist(), found[1].tolist(), strict=True))


def _recall(found: Pairs, truth: Pairs) -> float:
    return len(found & truth) / len(truth) if truth else 1.0


def _memory() -> int:
    """Bytes of this process that are in memory, after what is left over was given back."""
    gc.collect()
    with suppress(AttributeError, OSError):  # only where the C library is glibc
        ctypes.CDLL(None).malloc_trim(0)
    return int(psutil.Process().memory_info().rss)


def _seconds(step: Callable[[], object]) -> float:
    start = perf_counter()
    step()
    return perf_counter() - start
