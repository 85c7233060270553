"""A running stream as sampled frames: the segments of an HLS playlist, a file, or a pipe.

It opens no socket: `fetch` is handed in and decides what may be fetched. What cannot be looked at
is told as a Trouble and the stream goes on; decoding happens in another process. Memory is bounded:
one segment at a time, and a pipe is only read as fast as its frames are taken.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from msgspec import Struct

from lapwing.intake.limits import Limits
from lapwing.intake.media.child import Child
from lapwing.intake.media.pdq import pdq
from lapwing.intake.media.playlist import PLAYLIST_BYTES, Playlist, Segment, read_playlist
from lapwing.intake.media.pool import Pool
from lapwing.intake.media.video import sample
from lapwing.model.errors import InvalidInput, LapwingError
from lapwing.model.videos import Frame

Fetch = Callable[[str, int], bytes]
"""(address, most bytes) to content. Raises InvalidInput where it may or can not."""

SEGMENT_SECONDS = 20.0
"""That decoding one segment may take."""
PATIENCE = 60.0
"""Seconds without anything new, or without an answer, after which a playlist counts as ended."""
_SOONEST, _LATEST = 0.2, 3.0
_FORWARD = 64
"""Segments that the first look at a running playlist goes back at most."""
_BACK = 1
"""A playlist whose newest segment is older than the last one seen by more than this began anew."""


class Trouble(Struct, frozen=True):
    """Something of the stream that was not looked at, and why."""

    at: float
    reason: str
    code: str = InvalidInput.code


class Look(Struct, frozen=True):
    """Frames that came together; times are seconds since the watch began, by the stream's clock."""

    frames: tuple[Frame, ...]


Seen = Look | Trouble


def hash_segment(path: Path, limits: Limits, every: float) -> tuple[Frame, ...]:
    """The frames of one segment, its first one included. Raises as `sample` does."""
    found = []
    with path.open("rb") as file:
        for one in sample(file, limits, every):
            code, quality = pdq(one.rgb)
            found.append(Frame(one.number, quality, code.hex(), round(one.at, 3)))
    return tuple(found)


def follow_playlist(
    url: str, fetch: Fetch, wait: Callable[[float], None], limits: Limits, every: float
) -> Iterator[Seen]:
    """Every segment that turns up, until the playlist ends or nothing comes any more.

    Raises InvalidInput when there is no playlist at the beginning.
    """
    playlist = read_playlist(fetch(url, PLAYLIST_BYTES), url)
    if playlist.variants:
        url = playlist.variants[0]
        playlist = read_playlist(fetch(url, PLAYLIST_BYTES), url)
    with (
        tempfile.TemporaryDirectory(prefix="lapwing-watch-") as folder,
        Pool(partial(hash_segment, limits=limits, every=every), 1, seconds=SEGMENT_SECONDS) as pool,
    ):
        reader = _Segments(pool, Path(folder, "segment"), fetch, limits)
        idle = 0.0
        while True:
            fresh = reader.fresh(playlist)
            yield from fresh
            idle = 0.0 if reader.moved else idle
            if playlist.ended:
                return
            pause = min(max(playlist.target / 4, _SOONEST), _LATEST)
            wait(pause)
            idle += pause
            if idle > PATIENCE:
                yield Trouble(reader.at, f"nothing new for {PATIENCE:g} seconds: ended")
                return
            try:
                playlist = read_playlist(fetch(url, PLAYLIST_BYTES), url)
            except InvalidInput as error:
                yield Trouble(reader.at, f"the playlist: {error.message}", error.code)


class _Segments:
    """What of a playlist has been looked at, and how far the stream's clock has come."""

    def __init__(self, pool: Pool[tuple[Frame, ...]], file: Path, fetch: Fetch, limits: Limits):
        self._pool = pool
        self._file = file
        self._fetch = fetch
        self._limits = limits
        self._next: int | None = None
        self._start: tuple[str, bytes] = ("", b"")
        self.at = 0.0
        self.moved = False

    def fresh(self, playlist: Playlist) -> Iterator[Seen]:
        segments = playlist.segments
        self.moved = False
        if self._next is None and not playlist.ended:
            segments = segments[-_FORWARD:]
        if segments and self._next is not None:
            if segments[-1].number < self._next - _BACK:
                yield Trouble(self.at, "the playlist began anew")
                self._next = segments[0].number
            elif segments[0].number > self._next:
                missed = segments[0].number - self._next
                yield Trouble(self.at, f"{missed:,} segments were gone before they could be read")
        for segment in segments:
            if self._next is not None and segment.number < self._next:
                continue
            self._next = segment.number + 1
            self.moved = True
            yield self._look(segment)
            self.at += segment.seconds or playlist.target

    def _look(self, segment: Segment) -> Seen:
        try:
            if segment.refused:
                raise InvalidInput(segment.refused)
            self._file.write_bytes(self._content(segment))
            outcome = self._pool.run(self._file)
            if isinstance(outcome, LapwingError):
                raise outcome
        except LapwingError as error:
            return Trouble(self.at, f"segment {segment.number}: {error.message}", error.code)
        return Look(
            tuple(Frame(f.number, f.quality, f.pdq, round(self.at + f.at, 3)) for f in outcome)
        )

    def _content(self, segment: Segment) -> bytes:
        start = b""
        if segment.start is not None:
            if self._start[0] != segment.start:
                fetched = self._fetch(segment.start, self._limits.file_bytes)
                self._start = (segment.start, fetched)
            start = self._start[1]
        return start + self._fetch(segment.url, self._limits.file_bytes)


def follow_stream(descriptor: int, limits: Limits, every: float) -> Iterator[Seen]:
    """The frames of an open file or pipe as they come, decoded in another process.

    Ends with the stream; a stream that breaks, or breaks its decoder, ends with a Trouble.
    """
    # Another number: that of standard input is taken in the other process.
    own = os.dup(descriptor)
    try:
        child = Child(_decode, own, limits, every, descriptors=(own,))
    finally:
        os.close(own)
    at = 0.0
    try:
        while True:
            try:
                said = child.pipe.recv()
            except (EOFError, OSError):
                yield Trouble(at, "the stream broke the process that read it")
                return
            if isinstance(said, Trouble):
                yield Trouble(at, said.reason, said.code)
            if not isinstance(said, Frame):
                return
            at = said.at
            yield Look((said,))
    finally:
        child.stop()


def _decode(pipe: Connection, descriptor: int, limits: Limits, every: float) -> None:
    """The other process: a Frame each, then None; or a Trouble."""
    # Unbuffered: what has come is decoded, without waiting for more.
    with open(descriptor, "rb", buffering=0) as file:
        try:
            for one in sample(file, limits, every):
                code, quality = pdq(one.rgb)
                pipe.send(Frame(one.number, quality, code.hex(), round(one.at, 3)))
        except LapwingError as error:
            pipe.send(Trouble(0.0, error.message, error.code))
        else:
            pipe.send(None)
