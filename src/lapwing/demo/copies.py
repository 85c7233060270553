"""Changed copies of a photograph, as they turn up on platforms: same picture, other bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

_ORIENTATION = 0x0112
_TURNS = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}
"""How pixels are stored so that the EXIF orientation turns them upright again."""


def derive_copies(path: Path) -> list[tuple[str, bytes]]:
    """(file name, bytes) of copies that PDQ recognises: all within distance 31 of the original."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    copies = [
        ("original" + path.suffix, path.read_bytes()),
        ("scaled-25.jpg", encode(scaled(picture, 0.25), "JPEG", quality=85)),
        ("scaled-50.jpg", encode(scaled(picture, 0.5), "JPEG", quality=85)),
        ("scaled-75.png", encode(scaled(picture, 0.75), "PNG")),
        ("scaled-200.jpg", encode(scaled(picture, 2.0), "JPEG", quality=85)),
        ("recompressed-75.jpg", encode(picture, "JPEG", quality=75)),
        ("recompressed-30.jpg", encode(picture, "JPEG", quality=30)),
        ("scaled-and-recompressed.jpg", encode(scaled(picture, 0.4), "JPEG", quality=40)),
        ("progressive.jpg", encode(picture, "JPEG", quality=80, progressive=True)),
        *(
            (f"exif-orientation-{value}.jpg", exif_turned(picture, value))
            for value in sorted(_TURNS)
        ),
        ("cmyk.jpg", encode(picture.convert("CMYK"), "JPEG", quality=90)),
        ("cmyk.tif", encode(picture.convert("CMYK"), "TIFF")),
        ("palette.png", encode(picture.quantize(256), "PNG")),
        ("palette.gif", encode(picture.quantize(128), "GIF")),
        ("cropped-1-percent.jpg", encode(cropped(picture, 0.01), "JPEG", quality=90)),
        ("grey.jpg", encode(picture.convert("L"), "JPEG", quality=85)),
        ("grey-16-bit.png", encode(grey_16_bit(picture), "PNG")),
        ("alpha.png", encode(with_alpha(picture), "PNG")),
        ("lossy.webp", encode(picture, "WEBP", quality=70)),
        ("bitmap.bmp", encode(picture, "BMP")),
        ("wrong-extension.png", encode(picture, "JPEG", quality=85)),
    ]
    return copies


def encode(picture: Image.Image, form: str, **options: Any) -> bytes:
    """The picture's bytes in one of Pillow's formats."""
    into = io.BytesIO()
    picture.save(into, form, **options)
    return into.getvalue()


def scaled(picture: Image.Image, factor: float) -> Image.Image:
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def cropped(picture: Image.Image, share: float) -> Image.Image:
    """`share` of the width and of the height cut away, half of it at either side."""
    x, y = round(picture.width * share / 2), round(picture.height * share / 2)
    return picture.crop((x, y, picture.width - x, picture.height - y))


def exif_turned(picture: Image.Image, orientation: int) -> bytes:
    """A JPEG stored turned, as cameras do, whose EXIF tag says how to turn it back."""
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    return encode(picture.transpose(_TURNS[orientation]), "JPEG", quality=90, exif=exif)


def grey_16_bit(picture: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)


def with_alpha(picture: Image.Image) -> Image.Image:
    """Transparent to the right; what lies under it is still there."""
    ramp = np.linspace(255, 128, picture.width, dtype=np.uint8)
    alpha = Image.fromarray(np.repeat(ramp[np.newaxis], picture.height, axis=0))
    turned = picture.copy()
    turned.putalpha(alpha)
    return turned
