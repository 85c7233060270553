"""Videos: how fast they are hashed beside vPDQ, and how fast many are compared with a bank.

The film is made here out of the demo's photographs. vPDQ needs a compiler and FFmpeg's headers;
where it is not installed its steps (decode all, RGB, `pdqhash` once a second) run through PyAV.
"""

from __future__ import annotations

import importlib
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from PIL import Image

from lapwing.bank.index.snapshot import Snapshot
from lapwing.bench.rows import Row, row
from lapwing.demo.photographs import photographs
from lapwing.detect.contract import EXAMPLE_TIME
from lapwing.detect.examples import ORGANISATION, bank_list, indicator, item
from lapwing.detect.media.known_video import KnownVideo
from lapwing.intake.media.video import av_module, hash_video
from lapwing.model.items import Media, PictureHashes
from lapwing.model.videos import Frame, listed_frames

RATE = 25


def measure_hashing(
    seconds: int = 60, size: tuple[int, int] = (1280, 720), rounds: int = 3
) -> list[Row]:
    """CPU seconds that one film takes on either side, in turns; medians and their ratio."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="lapwing-bench-") as folder:
        path = make_film(Path(folder, "film.mp4"), seconds, size)
        name, other = _other_side()
        told = f"{seconds} s, {size[0]} x {size[1]}, {path.stat().st_size / 1e6:.1f} MB"
        sides: tuple[Callable[[], object], ...] = (
            lambda: hash_video(path),
            lambda: other(path),
        )
        times: list[list[float]] = [[], []]
        for _ in range(rounds + 1):
            for side, taken in zip(sides, times, strict=True):
                start = process_time()
                side()
                taken.append(process_time() - start)
        ours, theirs = (statistics.median(taken[1:]) for taken in times)
        rows.append(row("video hashed, CPU time", ours, "s", told))
        rows.append(row(f"{name}, CPU time", theirs, "s", told))
        rows.append(row("ratio", theirs / ours, "times", told))
        rows.append(row("film a CPU-second", seconds / ours, "s", told))
    return rows


def measure_matching(videos: int = 5_000, frames: int = 60, asked: int = 200) -> list[Row]:
    """Random films of `frames` frames: `asked` items in one batch beside a bank of `videos`."""
    chance = np.random.default_rng(1)
    codes = chance.integers(0, 256, (videos, frames, 32), dtype=np.uint8)
    listed = bank_list("films")
    number = 0
    indicators = []
    for film in codes:
        for value, quality in listed_frames(_film(film)):
            number += 1
            indicators.append(indicator(number, listed, "video_frame", value, quality))
    view = Snapshot.build(1, [listed], indicators).view(ORGANISATION, EXAMPLE_TIME)
    items = [_item(n, codes[n] if n % 2 else codes[n] ^ 0x55) for n in range(asked)]
    detector = KnownVideo()
    detector.detect(items[:2], view)
    times = []
    for _ in range(3):
        start = perf_counter()
        found = detector.detect(items, view)
        times.append(perf_counter() - start)
    told = f"{videos:,} listed videos, {number:,} frames; {asked} asked, {frames} frames each"
    seconds = statistics.median(times)
    right = sum(bool(findings) is bool(n % 2) for n, findings in enumerate(found))
    return [
        row("videos compared", asked / seconds, "videos/s", told),
        row("frames compared", asked * frames / seconds, "frames/s", told),
        row("rightly told", 100 * right / asked, "%", "every second one is listed"),
    ]


def make_film(path: Path, seconds: int, size: tuple[int, int]) -> Path:
    """Photograph after photograph, drawing nearer; H.264 where PyAV can write it."""
    av = av_module()
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 2_500_000
        for picture in _pictures(seconds * RATE, size):
            for packet in stream.encode(av.VideoFrame.from_image(picture)):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def _pictures(count: int, size: tuple[int, int]) -> Iterator[Image.Image]:
    shown = []
    for path in photographs().values():
        with Image.open(path) as opened:
            shown.append(opened.convert("RGB"))
    for number in range(count):
        picture = shown[number // (6 * RATE) % len(shown)]
        share = 0.6 + 0.4 * (number % (6 * RATE)) / (6 * RATE)
        box = (0, 0, int(picture.width * share), int(picture.height * share))
        yield picture.resize(size, Image.Resampling.BILINEAR, box)


def _other_side() -> tuple[str, Callable[[Path], object]]:
    try:
        vpdq = importlib.import_module("vpdq")
    except ImportError:
        return "PyAV and pdqhash", _decoded_and_hashed
    threads = min(2, os.cpu_count() or 1)
    return "vpdq", lambda path: vpdq.computeHash(str(path), thread_count=threads)


def _decoded_and_hashed(path: Path) -> list[Any]:
    av, pdqhash = av_module(), importlib.import_module("pdqhash")
    with av.open(str(path)) as opened:
        opened.streams.video[0].thread_type = "AUTO"
        return [
            pdqhash.compute(frame.to_ndarray(format="rgb24"))
            for number, frame in enumerate(opened.decode(video=0))
            if number % RATE == 0
        ]


def _film(codes: Any) -> tuple[Frame, ...]:
    return tuple(Frame(RATE * n, 100, bytes(code).hex(), float(n)) for n, code in enumerate(codes))


def _item(number: int, codes: Any) -> Media:
    return item(Media, number, hashes=PictureHashes(sha256=f"{number:064x}"), frames=_film(codes))
