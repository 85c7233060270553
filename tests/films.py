"""Videos for tests: slow moves over the demo's photographs, written with PyAV where it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lapwing.demo.photographs import photographs

FRAMES_A_SECOND = 25
WHY = "PyAV is not installed: pip install 'lapwing[video]'"


def need_av() -> Any:
    """PyAV, or the test is skipped and says why."""
    return pytest.importorskip("av", reason=WHY)


def moving(
    names: tuple[str, ...], seconds: float, size: tuple[int, int] = (320, 240)
) -> list[Image.Image]:
    """One picture a frame: each photograph in turn, with the camera drawing nearer over it."""
    shown = []
    for name in names:
        with Image.open(photographs()[name]) as opened:
            shown.append(opened.convert("RGB"))
    count = int(seconds * FRAMES_A_SECOND)
    frames = []
    for number in range(count):
        place = number * len(shown) / count
        picture, along = shown[int(place)], place % 1
        share = 0.6 + 0.4 * along
        width, height = int(picture.width * share), int(picture.height * share)
        left = int((picture.width - width) * along)
        top = int((picture.height - height) * (1 - along))
        box = (left, top, left + width, top + height)
        frames.append(picture.resize(size, Image.Resampling.BILINEAR, box))
    return frames


def film(
    path: Path,
    names: tuple[str, ...] = ("china", "coffee"),
    seconds: float = 6,
    *,
    size: tuple[int, int] = (320, 240),
    codec: str = "mpeg4",
    form: str | None = None,
    bits: int = 900_000,
    pixels: list[Image.Image] | None = None,
) -> Path:
    """A video file at `path`; `pixels` gives its frames, else they are `moving`."""
    av = need_av()
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV cannot write {codec}")
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=FRAMES_A_SECOND)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = bits
        for picture in pixels if pixels is not None else moving(names, seconds, size):
            for packet in stream.encode(av.VideoFrame.from_image(picture.resize(size))):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path
