"""The Hamming index beside the plain scan and beside others, on the same codes in one process."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from lapwing.bank.index.codes import as_words
from lapwing.bank.index.found import frozen
from lapwing.bank.index.hamming import HammingIndex
from lapwing.bank.index.scanning import scan
from lapwing.bank.index.tables import compile_loops
from lapwing.bench.codes import KINDS, Codes, asked, uniform
from lapwing.bench.sides import (
    BATCH,
    OTHERS,
    Missing,
    Pairs,
    Side,
    installed,
    ours,
    pairs_of,
    plain_scan,
    scanned,
)
from lapwing.model.indicators import NEAR_DISTANCE

Row = dict[str, Any]
SEED = 20_260_501
CHECKED_PAIRS = 2_000_000_000
"""Recall is taken over as many queries as a scan of so many pairs allows."""
_TURN = 50
_SLOW_SECONDS = 20.0
"""A side that takes longer for all single queries answers fewer of them, and that is said."""


def measure_sides(sizes: Sequence[int], queries: int, others_up_to: int) -> list[Row]:
    """Rows of each side at each size, on uniform codes and at radius 31."""
    compile_loops()
    rows: list[Row] = []
    for size in sizes:
        rng = np.random.default_rng(SEED)
        codes = uniform(rng, size)
        asking, many = asked(rng, codes, queries), asked(rng, codes, BATCH)
        checked = max(1, min(queries, CHECKED_PAIRS // size))
        truth = scanned(codes, asking[:checked])
        sides: list[Side | Missing] = [ours(codes), plain_scan(codes)]
        for name, module, build in OTHERS:
            if size > others_up_to:
                sides.append(Missing(name, f"not measured above {others_up_to:,} codes"))
            elif not installed(module):
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
            truth = pairs_of(scan(words, asking_words, radius))
            found = pairs_of(index.search_rows(asking, radius))
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
    first = statistics.median(times[measured[0].name])
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
            "times ours": round(middle / first, 2),
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


def _recall(found: Pairs, truth: Pairs) -> float:
    return len(found & truth) / len(truth) if truth else 1.0


def _seconds(step: Callable[[], object]) -> float:
    start = perf_counter()
    step()
    return perf_counter() - start
