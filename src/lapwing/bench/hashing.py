"""How fast pictures are hashed: PDQ beside `pdqhash`, and the whole way from bytes to hashes."""

from __future__ import annotations

import importlib
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lapwing.demo.copies import encode, scaled
from lapwing.demo.photographs import photographs
from lapwing.intake.media.hashing import hash_bytes
from lapwing.intake.media.pdq import pdq

Row = dict[str, Any]
SIZES = ((160, 107), (640, 427), (1280, 854), (4000, 3000))


def measure(rounds: int = 9, seconds: float = 0.5) -> list[Row]:
    """Rows of (what, median, unit, note). PDQ and pdqhash take turns on the same pixels.

    `seconds` is what one of the three tries of a whole file takes at least.
    """
    with Image.open(photographs()["china"]) as opened:
        picture = opened.convert("RGB")
    rows: list[Row] = []
    for size in SIZES:
        resized = picture.resize(size, Image.Resampling.LANCZOS)
        rows += _pdq(np.asarray(resized), f"{size[0]} x {size[1]}", rounds)
    rows += _whole(picture, seconds)
    return rows


def _pdq(rgb: NDArray[np.uint8], size: str, rounds: int) -> list[Row]:
    other = _pdqhash()
    repeats = max(1, 2_000_000 // rgb.size)
    sides: list[Callable[[], object]] = [lambda: pdq(rgb)]
    if other is not None:
        sides.append(lambda: other.compute(rgb))
    times = _interleaved(sides, repeats, rounds)
    rows = [_row("PDQ of pixels", times[0] * 1000, "ms", size)]
    if other is not None:
        rows.append(_row("pdqhash, same pixels", times[1] * 1000, "ms", size))
        rows.append(_row("pdqhash to PDQ", times[1] / times[0], "times", size))
    return rows


def _whole(picture: Image.Image, seconds: float) -> list[Row]:
    """Decode, PDQ, MD5, SHA-1 and SHA-256 of one file, on one thread and on two."""
    rows = []
    for factor in (0.5, 1.0, 2.0):
        resized = scaled(picture, factor)
        for form in ("JPEG", "PNG"):
            data = encode(resized, form)
            note = f"{form}, {resized.width} x {resized.height}, {len(data) // 1024} KiB"
            for threads in (1, 2):
                rate = _rate(data, threads, seconds)
                rows.append(_row(f"pictures hashed, {threads} thread(s)", rate, "pictures/s", note))
    return rows


def _rate(data: bytes, threads: int, seconds: float) -> float:
    start = perf_counter()
    hash_bytes(data)
    count = max(4, int(seconds / (perf_counter() - start)))
    rates = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(3):
            start = perf_counter()
            list(pool.map(hash_bytes, [data] * count))
            rates.append(count / (perf_counter() - start))
    return statistics.median(rates)


def _interleaved(sides: Sequence[Callable[[], object]], repeats: int, rounds: int) -> list[float]:
    """Median seconds a call of each side; the first round, which may compile, is left out."""
    times: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds + 1):
        for side, taken in zip(sides, times, strict=True):
            start = perf_counter()
            for _ in range(repeats):
                side()
            taken.append((perf_counter() - start) / repeats)
    return [statistics.median(taken[1:]) for taken in times]


def _pdqhash() -> ModuleType | None:
    """The other side, where it is installed; it ships no wheel."""
    try:
        return importlib.import_module("pdqhash")
    except ImportError:
        return None


def _row(what: str, median: float, unit: str, note: str) -> Row:
    shown = round(median) if median >= 100 else round(median, 3)
    return {"what": what, "median": shown, "unit": unit, "note": note}
