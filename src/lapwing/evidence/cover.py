"""Covers: what a reviewer sees before uncovering. Small, grey, and too blurred to recognise.

A cover is made once, on keeping, from at most 8 by 8 averaged cells of the picture, so that no
browser trick brings detail back: it is not there. Pure.
"""

from __future__ import annotations

import io
import struct

from PIL import Image, ImageFilter, ImageOps

SIDE = 48
"""Pixels of a cover's longer side; the page scales it up."""
CELLS = 8
"""Cells of the picture along its longer side that a cover can tell apart."""
MAX_PIXELS = 100_000_000
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
MIME = "image/jpeg"

# Pillow's readers meet broken files with all of these.
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    OverflowError,
    LookupError,
    TypeError,
    struct.error,
    Image.DecompressionBombError,
)


def cover_of(content: bytes, mime: str) -> bytes | None:
    """A JPEG of at most 48 by 48 grey pixels; None for what is not said to be a picture.

    A picture that cannot be read, or is larger than 100 megapixels, gets an even grey square.
    """
    if not mime.startswith("image/"):
        return None
    try:
        small = _shrunk(content)
    except _UNREADABLE:
        small = Image.new("L", (SIDE, SIDE), 128)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=70)
    return out.getvalue()


def _shrunk(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise ValueError("the picture is too large")
        picture.draft("L", (8 * SIDE, 8 * SIDE))
        upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I"):
        upright = upright.convert("I").point(lambda value: value * (1 / 256))
    grey = upright.convert("L")
    cells = grey.resize(_within(grey.size, CELLS), Image.Resampling.BOX)
    blown = cells.resize(_within(grey.size, SIDE), Image.Resampling.BICUBIC)
    blurred = blown.filter(ImageFilter.GaussianBlur(SIDE / CELLS / 2))
    # A fresh picture: Pillow would carry comments and the like over into the cover.
    return Image.frombytes("L", blurred.size, blurred.tobytes())


def _within(size: tuple[int, int], side: int) -> tuple[int, int]:
    """The size scaled so that its longer side is `side`."""
    longer = max(size)
    return max(1, round(size[0] * side / longer)), max(1, round(size[1] * side / longer))
