"""HLS playlists (RFC 8216), as far as a watcher needs them. Pure: bytes in, segments out.

It must never follow anything itself: the addresses it gives are a stranger's text.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin

from msgspec import Struct

from lapwing.model.errors import InvalidInput, LimitExceeded

PLAYLIST_BYTES = 1 << 20
SEGMENTS = 10_000
"""Of one playlist."""
_ATTRIBUTE = re.compile(r'([A-Z0-9-]{1,64})=("[^"]{0,8192}"|[^,"]{0,8192})')
_LONGEST = 600.0
"""Seconds that one segment may claim to last."""


class Segment(Struct, frozen=True):
    """`number` is its media sequence number. `start` is the initialisation section's address."""

    number: int
    url: str
    seconds: float
    start: str | None = None
    refused: str | None = None
    """Why it cannot be looked at: encrypted, or a part of a larger file."""


class Playlist(Struct, frozen=True, kw_only=True):
    """A media playlist, or with `variants` a list of such, the one with the fewest bits first."""

    segments: tuple[Segment, ...] = ()
    variants: tuple[str, ...] = ()
    target: float = 6.0
    """Seconds that a segment lasts at most, as it says."""
    ended: bool = False


def read_playlist(data: bytes, url: str) -> Playlist:
    """The playlist at `url`. Raises InvalidInput for what is none, LimitExceeded for a huge one."""
    if len(data) > PLAYLIST_BYTES:
        raise LimitExceeded(f"the playlist has more than {PLAYLIST_BYTES:,} bytes")
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InvalidInput("the playlist is not UTF-8 text") from None
    if not lines or not lines[0].startswith("#EXTM3U"):
        raise InvalidInput("not an HLS playlist: it does not begin with #EXTM3U")
    if any(line.startswith("#EXT-X-STREAM-INF") for line in lines):
        return Playlist(variants=_variants(lines, url))
    return _media(lines, url)


def _variants(lines: list[str], url: str) -> tuple[str, ...]:
    found: list[tuple[int, str]] = []
    bits: int | None = None
    for line in map(str.strip, lines):
        if line.startswith("#EXT-X-STREAM-INF:"):
            told = _attributes(line).get("BANDWIDTH", "")
            bits = int(told) if told.isascii() and told.isdigit() and len(told) < 15 else 0
        elif line and not line.startswith("#") and bits is not None:
            found.append((bits, _joined(url, line)))
            bits = None
    if not found:
        raise InvalidInput("the playlist names no stream")
    return tuple(address for _, address in sorted(found, key=lambda pair: pair[0]))


def _media(lines: list[str], url: str) -> Playlist:
    segments: list[Segment] = []
    number, target, ended = 0, 6.0, False
    seconds = 0.0
    start: str | None = None
    locked: str | None = None
    part: str | None = None
    for line in map(str.strip, lines):
        name, _, value = line.partition(":")
        if not line.startswith("#"):
            if line:
                if len(segments) >= SEGMENTS:
                    raise LimitExceeded(f"the playlist has more than {SEGMENTS:,} segments")
                address = _joined(url, line)
                segments.append(Segment(number, address, seconds, start, locked or part))
                number, seconds, part = number + 1, 0.0, None
        elif name == "#EXTINF":
            seconds = _number(value.partition(",")[0])
        elif name == "#EXT-X-TARGETDURATION":
            target = _number(value) or target
        elif name == "#EXT-X-MEDIA-SEQUENCE":
            number = int(_number(value, most=2.0**53))
        elif name == "#EXT-X-MAP":
            given = _attributes(line)
            start = _joined(url, given["URI"]) if "URI" in given else None
            part = "part of a larger file" if "BYTERANGE" in given else part
        elif name == "#EXT-X-KEY":
            locked = None if _attributes(line).get("METHOD") == "NONE" else "encrypted"
        elif name == "#EXT-X-BYTERANGE":
            part = "part of a larger file"
        elif name == "#EXT-X-ENDLIST":
            ended = True
    return Playlist(segments=tuple(segments), target=max(0.1, target), ended=ended)


def _attributes(line: str) -> dict[str, str]:
    found = _ATTRIBUTE.findall(line.partition(":")[2])
    return {name: value.strip('"') for name, value in found}


def _joined(base: str, further: str) -> str:
    try:
        return urljoin(base, further)
    except ValueError:
        raise InvalidInput("the playlist names an address that is none") from None


def _number(text: str, most: float = _LONGEST) -> float:
    """A number from 0 to `most`; 0 for what is none."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value <= most else 0.0
