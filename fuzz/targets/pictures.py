"""Pictures: decoding and hashing of every format and of animations, in full and scaled down."""

from __future__ import annotations

import io
from itertools import pairwise

from msgspec.structs import replace
from PIL import Image, ImageDraw
from promises import LIMITS

from lapwing.intake.media.hashing import hash_bytes
from lapwing.model.errors import InvalidInput

LONGEST = 16_384
MEGABYTES = 2048


def _drawn(
    form: str, mode: str = "RGB", size: tuple[int, int] = (70, 66), **options: object
) -> bytes:
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for step in range(6):
        draw.ellipse((step * 7, step * 9, step * 7 + 20, step * 9 + 15), fill=(step * 40, 90, 160))
    written = io.BytesIO()
    image.convert(mode).save(written, form, **options)
    return written.getvalue()


def _moving(form: str, **options: object) -> bytes:
    frames = [Image.new("RGB", (66, 70), (60 * step, 90, 200 - 50 * step)) for step in range(3)]
    for step, frame in enumerate(frames):
        ImageDraw.Draw(frame).rectangle((step * 9, 10, step * 9 + 25, 50), fill="white")
    written = io.BytesIO()
    frames[0].save(written, form, save_all=True, append_images=frames[1:], **options)
    return written.getvalue()


SEEDS = [
    _moving("GIF", duration=80),
    _moving("PNG", duration=80),
    _moving("WEBP", duration=80, quality=20),
    _moving("TIFF"),
    _drawn("JPEG", size=(301, 262), quality=30),
    _drawn("JPEG", quality=50),
    _drawn("JPEG", progressive=True),
    _drawn("JPEG", "CMYK"),
    _drawn("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"),
    _drawn("PNG"),
    _drawn("PNG", "P"),
    _drawn("PNG", "LA"),
    _drawn("PNG", "I;16"),
    _drawn("GIF", "P"),
    _drawn("WEBP", quality=30),
    _drawn("WEBP", lossless=True),
    _drawn("TIFF"),
    _drawn("TIFF", compression="tiff_lzw"),
    _drawn("TIFF", "1", compression="group4"),
    _drawn("BMP"),
    _drawn("AVIF", quality=20),
]


FAST = replace(LIMITS, fast_side=64)


def one(data: bytes) -> None:
    for limits in (LIMITS, FAST):
        try:
            hashed = hash_bytes(data, limits, name="a.png")
        except InvalidInput as error:
            assert error.message.strip(), "a refusal without a reason"
            return
        assert hashed.width > 0
        assert hashed.height > 0
        assert hashed.hashes.pdq is not None
        assert len(hashed.hashes.pdq) == 64
        assert 0 <= (hashed.hashes.quality or 0) <= 100
        assert len(hashed.frames) <= LIMITS.frames
        assert [frame.number for frame in hashed.frames] == list(range(len(hashed.frames)))
        assert all(one.at <= other.at for one, other in pairwise(hashed.frames))
        if not any(note.startswith("decoded for speed") for note in hashed.notes):
            continue
        assert hashed.mime == "image/jpeg"
