"""Pictures: decoding and hashing of every format, drawn for this and small."""

from __future__ import annotations

import io

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


SEEDS = [
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


def one(data: bytes) -> None:
    try:
        hashed = hash_bytes(data, LIMITS, name="a.png")
    except InvalidInput as error:
        assert error.message.strip(), "a refusal without a reason"
        return
    assert hashed.width > 0
    assert hashed.height > 0
    assert hashed.hashes.pdq is not None
    assert len(hashed.hashes.pdq) == 64
    assert 0 <= (hashed.hashes.quality or 0) <= 100
