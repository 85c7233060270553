"""Limits of what intake takes. All can be passed in; nothing larger is read into memory."""

from __future__ import annotations

from msgspec import Struct

MEBIBYTE = 1024 * 1024


class Limits(Struct, frozen=True, kw_only=True):
    """Bounds checked before the work they bound is done. A picture takes
    about 8 bytes a pixel while it is decoded and hashed."""

    file_bytes: int = 64 * MEBIBYTE
    """Of one picture."""
    pixels: int = 52_000_000
    """Up to here a picture is decoded and hashed in full: what a 50-megapixel camera makes."""
    scaled_pixels: int = 256_000_000
    """Up to here a baseline JPEG is decoded at 1/2, 1/4 or 1/8; everything else is refused."""
    fast_side: int = 0
    """When above 0, a JPEG is decoded at the smallest of 1/2, 1/4 and 1/8 that leaves so many
    pixels on its short side: faster, and its hash may differ by a few bits (docs/pictures.md)."""
    frames: int = 100
    """Of one animated picture; the rest is not looked at, and that is noted."""
    animation_pixels: int = 500_000_000
    """Of all frames of one animated picture together."""
    jpeg_scans: int = 100
    """Of one progressive JPEG; each costs a pass over all pixels however few bytes it has."""
    video_bytes: int = 8192 * MEBIBYTE
    """Of one video, which is read and never held."""
    video_seconds: int = 4 * 3600
    """What lies behind is not looked at, and that is noted; so for the next three."""
    video_frames: int = 14_400
    """Sampled."""
    video_decoded: int = 4_000_000
    """Frames decoded on the way."""
    video_work_seconds: float = 1800.0
    """Of decoding and hashing one video."""
    video_pixels: int = 36_000_000
    """Of one frame: what 8K has."""
    rows: int = 50_000_000
    """Rows of one file, or pictures of one folder."""
    line_bytes: int = MEBIBYTE
    """Of one NDJSON line, or of one CSV record with its quoted line breaks."""
    json_depth: int = 8
    """Brackets within brackets; a record needs three."""
    text_characters: int = 100_000
    """Of one text field."""
    links: int = 1_000
    """Of one item."""
    pictures: int = 1_000
    """Of one item."""


DEFAULT_LIMITS = Limits()
FAST_SIDE = 400
"""What `fast_side` is when speed is asked for: the hash then differs by 2 bits at most on our
photographs, where it is 0 to 16 without counting in what was left out."""
