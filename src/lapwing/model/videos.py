"""What is known of a video: the PDQ hashes of sampled frames, as vPDQ has them, and how one of
those frames stands on a list.

A listed video is as many indicators as it has distinct frames, each naming the video it belongs to:
so that adding, withdrawing, searching and sharing them is what it is for every other indicator.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Annotated

from msgspec import Meta, Struct

from lapwing.model.indicators import MIN_QUALITY

Pdq = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]

VIDEO_FRAME_BYTES = 48
"""A frame on a list: PDQ (32), video (8), time in milliseconds (4), frames of the video (4)."""
LONGEST_MILLISECONDS = 2**32 - 1

_TAIL = struct.Struct(">8sII")


class Frame(Struct, frozen=True):
    """One sampled frame: `number` counts decoded frames from 0, `at` is in seconds."""

    number: Annotated[int, Meta(ge=0, le=2**53)]
    quality: Annotated[int, Meta(ge=0, le=100)]
    pdq: Pdq
    at: Annotated[float, Meta(ge=0, le=LONGEST_MILLISECONDS / 1000)]


class ListedFrame(Struct, frozen=True):
    """A frame as a list holds it. `frames` is how many distinct frames the listed video has."""

    pdq: str
    video: str
    at: float
    frames: int


def telling(frames: Iterable[Frame], least_quality: int = MIN_QUALITY) -> list[Frame]:
    """The frames that count in a comparison: good enough, and each hash once, as vPDQ does it."""
    seen: dict[str, Frame] = {}
    for frame in frames:
        if frame.quality >= least_quality:
            seen.setdefault(frame.pdq, frame)
    return list(seen.values())


def listed_frames(frames: Sequence[Frame]) -> list[tuple[str, int]]:
    """(value, quality) of the indicators that list this video; empty when no frame tells enough.

    The video's name is taken from its frames, so that listing it twice gives the same values.
    """
    kept = telling(frames)
    name = hashlib.sha256("".join(frame.pdq for frame in kept).encode()).digest()[:8]
    return [
        (
            frame.pdq + _TAIL.pack(name, round(frame.at * 1000), len(kept)).hex(),
            frame.quality,
        )
        for frame in kept
    ]


def read_listed(value: str) -> ListedFrame:
    """What the 96 hex digits of a listed frame say."""
    octets = bytes.fromhex(value)
    video, milliseconds, frames = _TAIL.unpack(octets[32:])
    return ListedFrame(octets[:32].hex(), video.hex(), milliseconds / 1000, frames)


def vpdq_text(frames: Iterable[Frame]) -> list[str]:
    """The features as threatexchange writes and reads them: `hex,quality,seconds`."""
    return [f"{frame.pdq},{frame.quality},{frame.at:.3f}" for frame in frames]


class VideoMatch(Struct, frozen=True, kw_only=True):
    """How a video matched a listed one, in percent of the frames that count on either side.

    `ranges` are the stretches [from, to) in seconds of the video looked at that matched.
    """

    video: str
    query_percent: float
    compared_percent: float
    ranges: tuple[tuple[float, float], ...]


def stretches(film: Sequence[Frame], matched: set[str]) -> tuple[tuple[float, float], ...]:
    """Runs of frames whose hash is among the matched, each until the next frame that is not.

    A frame too poor to count neither begins nor breaks a run.
    """
    steps = sorted(b.at - a.at for a, b in pairwise(film) if b.at > a.at)
    usual = steps[len(steps) // 2] if steps else 0.0
    runs: list[tuple[float, float]] = []
    start: float | None = None
    last = 0.0
    for frame in film:
        if frame.quality < MIN_QUALITY:
            continue
        if frame.pdq in matched:
            start = frame.at if start is None else start
            last = frame.at
        elif start is not None:
            runs.append((start, min(frame.at, last + usual)))
            start = None
    if start is not None:
        runs.append((start, last + usual))
    return tuple((round(begin, 3), round(max(begin, end), 3)) for begin, end in runs)
