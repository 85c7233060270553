"""Videos to the PDQ hashes of sampled frames, as vPDQ makes them.

PyAV (FFmpeg) is an extra: `pip install 'lapwing[video]'`. It must never open anything but the bytes
it is handed: the container is told from the content and forced, playlists are not among them, and
what a file names inside itself (another file, an address) is not opened.

A frame is taken where vPDQ takes it: every int(seconds x frames a second) frames. What a file
claims about its length, rate or size is believed nowhere: limits count what was really decoded.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from stat import S_ISREG
from typing import IO, Any, cast

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lapwing.intake.limits import DEFAULT_LIMITS, Limits
from lapwing.intake.media.formats import CONTAINERS, container_of, describe
from lapwing.intake.media.pdq import pdq
from lapwing.model.errors import InvalidInput, LimitExceeded, Unavailable
from lapwing.model.items import PictureHashes
from lapwing.model.videos import Frame

EVERY = 1.0
"""Seconds from one sampled frame to the next, as vPDQ has it."""
_MISSING = "videos need PyAV: pip install 'lapwing[video]'"
_RATES = (0.5, 240.0)
"""Frames a second that are taken for what a file says of itself."""
_START = 4096
_PROBING = {"probesize": "5000000", "max_probe_packets": "500"}
_AT_ONCE = {"analyzeduration": "500000", "fflags": "nobuffer"}
"""For what is still being sent: do not wait for five seconds of it before the first frame."""
_MOST_SKIPPED = 4
"""Times the usual number of frames."""
_LONGEST_STILL = 60.0
"""Seconds that one frame may be shown; a larger step of the clock is a jump."""
_CHUNK = 1 << 20


class HashedVideo(Struct, frozen=True, kw_only=True):
    """`seconds` is how far it was looked at; `notes` say what was not. `hashes` hold no PDQ."""

    frames: tuple[Frame, ...]
    hashes: PictureHashes
    mime: str
    width: int
    height: int
    size: int
    seconds: float
    notes: tuple[str, ...] = ()


class Sampled(Struct, frozen=True):
    """A frame that was taken: upright uint8[height, width, 3]."""

    number: int
    at: float
    rgb: NDArray[np.uint8]


def require_av() -> None:
    """Raises Unavailable, saying how to get it, where PyAV is missing; loads nothing."""
    if find_spec("av") is None:
        raise Unavailable(_MISSING)


def av_module() -> Any:
    """PyAV, kept from printing. Raises Unavailable, saying how to get it, where it is missing."""
    try:
        import av
    except ImportError as error:
        raise Unavailable(_MISSING) from error
    # With any level set, FFmpeg's threads would wait for the interpreter's lock to tell of an error
    # while the thread that holds it waits for them.
    av.logging.set_level(None)
    return av


def hash_video(path: Path, limits: Limits = DEFAULT_LIMITS, every: float = EVERY) -> HashedVideo:
    """Hash a video file, a frame every `every` seconds.

    Raises InvalidInput for what is no video or holds no frame that can be decoded, LimitExceeded
    beyond the limits of bytes and pixels, Unavailable without PyAV. A video that is too long, or
    breaks off, gives what was decoded until then, and a note. Memory does not grow with the file;
    call it in a process of its own (`pool`): FFmpeg is a large library in C.
    """
    if not 0.04 <= every <= 3600:
        raise InvalidInput("from 0.04 to 3600 seconds", field="every")
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limits.video_bytes:
            raise LimitExceeded(f"the video has more than {limits.video_bytes:,} bytes")
        frames, about = _hashed(file, limits, every)
        file.seek(0)
        hashes = _digests(file)
    return HashedVideo(frames=frames, hashes=hashes, size=size, **about)


def _hashed(
    file: IO[bytes], limits: Limits, every: float
) -> tuple[tuple[Frame, ...], dict[str, Any]]:
    found: list[Frame] = []
    about: dict[str, Any] = {}
    width = height = 0
    notes: tuple[str, ...] = ()
    try:
        for sampled in sample(file, limits, every, about):
            code, quality = pdq(sampled.rgb)
            height, width = height or sampled.rgb.shape[0], width or sampled.rgb.shape[1]
            found.append(Frame(sampled.number, quality, code.hex(), round(sampled.at, 3)))
    except InvalidInput as error:
        if not found:
            raise
        notes = (f"{error.message}: looked at until {found[-1].at:g} s, not further",)
    if not found:
        raise InvalidInput("broken video: no frame of it can be decoded")
    seconds = round(float(about.pop("seconds", found[-1].at)), 3)
    told = {"mime": about["mime"], "width": width, "height": height, "seconds": seconds}
    return tuple(found), told | {"notes": notes}


def sample(
    file: IO[bytes], limits: Limits, every: float, about: dict[str, Any] | None = None
) -> Iterator[Sampled]:
    """The sampled frames of an open video; `about` learns its type and how far it was read.

    Raises InvalidInput where it breaks and LimitExceeded where it goes beyond the limits.
    """
    av = av_module()
    start = _start_of(file)
    container = container_of(start)
    if container is None:
        raise InvalidInput(f"cannot be decoded as a video: it is {describe(start)}")
    if file.seekable():
        file.seek(0)
        file_is_whole = True
    else:
        file_is_whole = False
        file = cast("IO[bytes]", _Unread(start, file))
    told = {} if about is None else about
    told["mime"] = container.mime
    try:
        with av.open(
            file,
            format=container.name,
            io_open=_opens_nothing,
            metadata_errors="replace",
            container_options=_PROBING if file_is_whole else _PROBING | _AT_ONCE,
        ) as opened:
            if not opened.streams.video:
                raise InvalidInput("the file holds no video")
            yield from _taken(opened, opened.streams.video[0], limits, every, told)
    except (av.error.FFmpegError, ValueError, OverflowError, TypeError) as error:
        name = CONTAINERS[container.name]
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InvalidInput(f"broken or truncated {name} video: {reason}") from error
    except MemoryError as error:
        raise LimitExceeded("the video needs more memory than there is") from error


def _taken(
    opened: Any, stream: Any, limits: Limits, every: float, told: dict[str, Any]
) -> Iterator[Sampled]:
    if stream.codec_context is None:
        raise InvalidInput("the video is coded in a way that cannot be decoded here")
    rate = _rate(stream)
    frames = max(1, int(every * rate + 1e-6))
    step = frames / rate
    stream.thread_type = "AUTO"
    _check_size(stream.codec_context.width, stream.codec_context.height, limits)
    deadline = time.monotonic() + limits.video_work_seconds
    before: float | None = None
    at = due = 0.0
    taken, last = 0, 0
    for number, frame in enumerate(opened.decode(stream)):
        at += _passed(before, frame.time, 1 / rate) if number else 0.0
        before = frame.time
        told["seconds"] = at
        if at > limits.video_seconds:
            raise LimitExceeded(f"is longer than {limits.video_seconds:,} seconds")
        if number >= limits.video_decoded or time.monotonic() > deadline:
            raise LimitExceeded("takes longer to decode than allowed")
        # A clock that hardly moves must not hide what is shown meanwhile.
        if number and at + 0.25 / rate < due and number - last < _MOST_SKIPPED * frames:
            continue
        if taken >= limits.video_frames:
            raise LimitExceeded(f"has more than {limits.video_frames:,} frames to look at")
        _check_size(frame.width, frame.height, limits)
        taken, last = taken + 1, number
        due = (due if due <= at + 0.25 / rate <= due + step else at) + step
        yield Sampled(number, at, _upright(frame))


def _passed(before: float | None, now: float | None, usual: float) -> float:
    """Seconds between two frames; the usual ones where the clock is missing or jumps."""
    if before is None or now is None or not 0 < now - before <= _LONGEST_STILL:
        return usual
    return now - before


def _rate(stream: Any) -> float:
    """Frames a second; 25 where the file says nothing that can be."""
    rate = float(stream.average_rate or stream.guessed_rate or 0)
    return rate if _RATES[0] <= rate <= _RATES[1] else 25.0


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.video_pixels:
        raise LimitExceeded(
            f"the video has frames of {width} x {height} pixels, more than {limits.video_pixels:,}"
        )


def _upright(frame: Any) -> NDArray[np.uint8]:
    """RGB, turned as the file says that it is shown."""
    rgb = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, turns) if turns else rgb)


class _Unread:
    """A stream whose beginning was read already; it cannot be set back, and FFmpeg sees that."""

    def __init__(self, start: bytes, file: IO[bytes]) -> None:
        self._start = start
        self._file = file

    def read(self, most: int) -> bytes:
        """What there is, without waiting for more once there is some."""
        if self._start:
            part, self._start = self._start[:most], self._start[most:]
            return part
        return self._file.read(most) or b""


def _start_of(file: IO[bytes]) -> bytes:
    """The first bytes; a pipe may hand them out in small pieces."""
    start = b""
    while len(start) < _START and (more := file.read(_START - len(start))):
        start += more
    return start


def _opens_nothing(url: str, flags: int, options: object) -> IO[bytes]:
    raise PermissionError("a video opens no other file")


def open_regular(path: Path) -> IO[bytes]:
    """A regular file for reading; links and devices are refused as `read_bounded` does."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        if path.is_symlink():
            raise InvalidInput("a link to another file; links are not followed") from error
        raise InvalidInput(f"cannot be read: {error.strerror}") from error
    file = open(handle, "rb")  # noqa: SIM115 - the caller closes it
    if not S_ISREG(os.fstat(handle).st_mode):
        file.close()
        raise InvalidInput("not a regular file")
    return file


def _digests(file: IO[bytes]) -> PictureHashes:
    sums = (hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False))
    strong = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        for one in (*sums, strong):
            one.update(chunk)
    md5, sha1 = (one.hexdigest() for one in sums)
    return PictureHashes(md5=md5, sha1=sha1, sha256=strong.hexdigest())
