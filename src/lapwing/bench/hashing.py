"""How fast pictures are hashed: PDQ beside `pdqhash`, and the whole way from bytes to hashes."""

from __future__ import annotations

import importlib
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter, process_time
from types import ModuleType

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from PIL import Image

from lapwing.bench.rows import Row, row
from lapwing.demo.copies import encode, scaled
from lapwing.demo.photographs import photographs
from lapwing.intake.limits import DEFAULT_LIMITS, FAST_SIDE
from lapwing.intake.media.hashing import hash_bytes
from lapwing.intake.media.pdq import pdq

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


def measure_beside(rounds: int = 15) -> list[Row]:
    """JPEGs from bytes to hashes beside threatexchange: pictures a CPU-second, in turns.

    Ours are PDQ, MD5, SHA-1 and SHA-256, theirs PDQ alone. The picture is a photograph enlarged,
    with noise, so that it takes as many bytes as one from a camera.
    """
    fast = replace(DEFAULT_LIMITS, fast_side=FAST_SIDE)
    with Image.open(photographs()["china"]) as opened:
        picture = opened.convert("RGB")
    rows: list[Row] = []
    for width, height in ((640, 427), (1600, 1004), (4000, 3000)):
        data = encode(_noisy(picture.resize((width, height))), "JPEG", quality=85)
        sides: dict[str, Callable[[], object]] = {
            "Lapwing": partial(hash_bytes, data),
            "Lapwing --fast": partial(hash_bytes, data, fast),
        }
        if (other := _threatexchange()) is not None:
            sides["threatexchange"] = partial(other.pdq_from_bytes, data)
        told = f"JPEG, {width} x {height}, {len(data) // 1024} KiB"
        turns = max(3, rounds * 1_600_000 // (width * height)) if rounds > 1 else 1
        times = _interleaved(list(sides.values()), 1, min(turns, 60), process_time)
        rates = {name: 1 / seconds for name, seconds in zip(sides, times, strict=True)}
        rows += [row(name, rate, "a CPU-second", told) for name, rate in rates.items()]
        if other is not None:
            share = rates["Lapwing"] / rates["threatexchange"]
            rows.append(row("Lapwing to threatexchange", share, "times", told))
    return rows


def _noisy(picture: Image.Image) -> Image.Image:
    chance = np.random.default_rng(1)
    noise = chance.normal(0, 3, (picture.height, picture.width, 1))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def _pdq(rgb: NDArray[np.uint8], size: str, rounds: int) -> list[Row]:
    other = _pdqhash()
    repeats = max(1, 2_000_000 // rgb.size)
    sides: list[Callable[[], object]] = [lambda: pdq(rgb)]
    if other is not None:
        sides.append(lambda: other.compute(rgb))
    times = _interleaved(sides, repeats, rounds)
    rows = [row("PDQ of pixels", times[0] * 1000, "ms", size)]
    if other is not None:
        rows.append(row("pdqhash, same pixels", times[1] * 1000, "ms", size))
        rows.append(row("pdqhash to PDQ", times[1] / times[0], "times", size))
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
                rows.append(row(f"pictures hashed, {threads} thread(s)", rate, "pictures/s", note))
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


def _interleaved(
    sides: Sequence[Callable[[], object]],
    repeats: int,
    rounds: int,
    clock: Callable[[], float] = perf_counter,
) -> list[float]:
    """Median seconds a call of each side; the first round, which may compile, is left out."""
    times: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds + 1):
        for side, taken in zip(sides, times, strict=True):
            start = clock()
            for _ in range(repeats):
                side()
            taken.append((clock() - start) / repeats)
    return [statistics.median(taken[1:]) for taken in times]


def _threatexchange() -> ModuleType | None:
    """Its hasher, where somebody installed it."""
    try:
        return importlib.import_module("threatexchange.signal_type.pdq.pdq_hasher")
    except ImportError:
        return None


def _pdqhash() -> ModuleType | None:
    """The other side, where it is installed; it ships no wheel."""
    try:
        return importlib.import_module("pdqhash")
    except ImportError:
        return None
