"""Bounded decoding of pictures to 8-bit RGB.

The format is told from the content. Sizes are checked in the header, before pixels are made. Of an
animation or a multi-page file `decode` takes the first frame and says so; `decode_frames` goes on.

Choices that change a hash, made so that the hash equals what others have on their lists: colours
are converted without colour profiles, and transparency is dropped rather than laid on a background
(both as the reference `threatexchange` does). Two choices differ from it on purpose: the EXIF
orientation is applied, since that is what people see, and a palette stands for its colours.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from lapwing.intake.limits import DEFAULT_LIMITS, Limits
from lapwing.intake.media.formats import AVIF, BMP, GIF, JPEG, PNG, TIFF, WEBP, describe, format_of
from lapwing.intake.media.quiet import keep_libtiff_quiet, keep_pillow_quiet
from lapwing.model.errors import InvalidInput, LimitExceeded

# The classes are called directly: Image.open would look at every format and warn about sizes.
_OPENERS: dict[str, type[ImageFile.ImageFile]] = {
    JPEG.mime: JpegImagePlugin.JpegImageFile,
    PNG.mime: PngImagePlugin.PngImageFile,
    GIF.mime: GifImagePlugin.GifImageFile,
    WEBP.mime: WebPImagePlugin.WebPImageFile,
    AVIF.mime: AvifImagePlugin.AvifImageFile,
    TIFF.mime: TiffImagePlugin.TiffImageFile,
    BMP.mime: BmpImagePlugin.BmpImageFile,
}

_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow's parsers raise on bytes that are not what they claim to be."""

_ORIENTATION = 0x0112
MORE_FRAMES = "has more than one frame: only the first was hashed"

_STRIP = 256
_AT_ONCE = 8_000_000
"""Pixels of which a whole copy costs less than making it strip by strip."""
_START_OF_SCAN = b"\xff\xda"

keep_libtiff_quiet()


class Decoded(Struct, frozen=True, kw_only=True):
    """An upright picture: `rgb` is uint8[height, width, 3], smaller than the stated size when
    `scaled` (2, 4 or 8) is more than 1. `notes` say what was not looked at.
    """

    rgb: NDArray[np.uint8]
    mime: str
    width: int
    height: int
    scaled: int = 1
    notes: tuple[str, ...] = ()


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Decoded:
    """Decode the first frame of a picture.

    Raises InvalidInput for bytes that are no picture, a broken or a truncated one; LimitExceeded
    where `limits` do not allow it. Says nothing on standard error. Safe in several threads.
    """
    if len(data) > limits.file_bytes:
        raise LimitExceeded(f"the file has {len(data)} bytes, more than {limits.file_bytes}")
    found = format_of(data)
    if found is None:
        raise InvalidInput(f"cannot be decoded as a picture: it is {describe(data)}")
    keep_pillow_quiet()
    try:
        stored, orientation, about = _read(found.mime, data, limits)
    except Image.DecompressionBombError as error:
        raise LimitExceeded(f"the picture has more pixels than allowed: {error}") from error
    except MemoryError as error:
        raise LimitExceeded("the picture needs more memory than there is") from error
    except _BROKEN as error:
        reason = str(error) or type(error).__name__
        raise InvalidInput(f"broken or truncated {found.name} picture: {reason}") from error
    width, height, scale, notes = about
    if orientation >= 5:
        width, height = height, width
    return Decoded(
        rgb=_upright(stored, orientation),
        mime=found.mime,
        width=width,
        height=height,
        scaled=scale,
        notes=notes,
    )


def decode_frames(
    data: bytes, mime: str, limits: Limits = DEFAULT_LIMITS
) -> Iterator[tuple[NDArray[np.uint8], float]]:
    """(upright RGB, seconds it is shown) of each frame of a picture that `decode` took.

    Raises LimitExceeded at the frame that is one too many or passes the pixels of an animation,
    and InvalidInput at a broken one; the frames before it have been handed on.
    """
    keep_pillow_quiet()
    spent = 0
    try:
        with _OPENERS[mime](io.BytesIO(data)) as image:
            for number in range(limits.frames + 1):
                try:
                    image.seek(number)
                except EOFError:
                    return
                spent += image.width * image.height
                if number == limits.frames:
                    raise LimitExceeded(f"has more than {number} frames")
                if spent > limits.animation_pixels or image.width * image.height > limits.pixels:
                    raise LimitExceeded(f"has more pixels than allowed from frame {number} on")
                image.load()
                shown = image.info.get("duration", 0)
                seconds = float(shown) / 1000 if isinstance(shown, int | float) else 0.0
                yield _upright(_rgb(image), _orientation(image)), min(max(seconds, 0.0), 3600.0)
    except (Image.DecompressionBombError, MemoryError) as error:
        raise LimitExceeded("has a frame of more pixels than allowed") from error
    except _BROKEN as error:
        raise InvalidInput(f"has a broken frame: {error or type(error).__name__}") from error


def _read(
    mime: str, data: bytes, limits: Limits
) -> tuple[NDArray[np.uint8], int, tuple[int, int, int, tuple[str, ...]]]:
    """Pixels as stored, their orientation, and (width, height, scale, notes)."""
    with _OPENERS[mime](io.BytesIO(data)) as image:
        scale = _scale(image, data, limits)
        width, height = image.size
        if scale > 1:
            image.draft("RGB", (width // scale, height // scale))
            scale = round(width / image.width)
        image.load()
        return (
            _rgb(image),
            _orientation(image),
            (width, height, scale, _notes(image, scale, limits)),
        )


def _scale(image: ImageFile.ImageFile, data: bytes, limits: Limits) -> int:
    """By how much a JPEG must be decoded smaller to stay in the limit; 1 for all others."""
    pixels = image.width * image.height
    jpeg = isinstance(image, JpegImagePlugin.JpegImageFile)
    progressive = jpeg and "progressive" in image.info
    if progressive and data.count(_START_OF_SCAN) > limits.jpeg_scans:
        raise LimitExceeded(f"the JPEG has more than {limits.jpeg_scans} scans")
    if pixels <= limits.pixels:
        return _quick(image, limits.fast_side) if jpeg and limits.fast_side else 1
    # A progressive JPEG is held whole at full size whatever size is asked for.
    if jpeg and not progressive and pixels <= limits.scaled_pixels:
        for scale in (2, 4, 8):
            if pixels // (scale * scale) <= limits.pixels:
                return scale
    bound = limits.scaled_pixels if jpeg and not progressive else limits.pixels
    raise LimitExceeded(
        f"the picture has {image.width} x {image.height} pixels, more than {bound} in all"
    )


def _quick(image: ImageFile.ImageFile, least: int) -> int:
    """The largest fraction that leaves `least` pixels on the short side."""
    short = min(image.size)
    return next((scale for scale in (8, 4, 2) if short // scale >= least), 1)


def _rgb(image: ImageFile.ImageFile) -> NDArray[np.uint8]:
    """uint8[height, width, 3], made strip by strip: whole copies would double the memory."""
    if image.mode == "RGB" and image.width * image.height <= _AT_ONCE:
        return np.asarray(image)
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    largest = image.getextrema()[1] if image.mode in ("I", "F") else None
    for top in range(0, image.height, _STRIP):
        strip = image.crop((0, top, image.width, min(top + _STRIP, image.height)))
        rgb[top : top + _STRIP] = _eight_bits(strip, largest)
    return rgb


def _eight_bits(strip: Image.Image, largest: Any) -> NDArray[np.uint8]:
    """Wide samples keep their high byte; 32-bit ones that stay below 256, and real ones up to 1,
    are taken for what they can only be: 8 bits, and shares of white."""
    if strip.mode == "I" or strip.mode.startswith("I;16"):
        wide = np.clip(np.asarray(strip), 0, 65535)
        grey = wide if strip.mode == "I" and largest <= 255 else wide >> 8
    elif strip.mode == "F":
        real = np.nan_to_num(np.asarray(strip), nan=0.0, posinf=255.0, neginf=0.0)
        grey = np.clip(real * 255 if largest <= 1 else real, 0, 255)
    else:
        return np.asarray(strip if strip.mode == "RGB" else strip.convert("RGB"))
    return np.repeat(grey.astype(np.uint8)[:, :, np.newaxis], 3, axis=2)


def _orientation(image: ImageFile.ImageFile) -> int:
    """1..8 (EXIF 2.32 §4.6.4). Unreadable counts as upright; Pillow has turned a TIFF already."""
    try:
        turned = image.getexif().get(_ORIENTATION, 1)
    except _BROKEN:
        return 1
    return turned if isinstance(turned, int) and 1 <= turned <= 8 else 1


def _upright(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    if orientation in (5, 6, 7, 8):
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)


def _notes(image: ImageFile.ImageFile, scale: int, limits: Limits) -> tuple[str, ...]:
    notes = []
    if scale > 1:
        why = "decoded for speed" if limits.fast_side else "too large to decode in full"
        notes.append(f"{why}: hashed at 1/{scale} of its size")
    try:
        image.seek(1)
    except _BROKEN:
        pass
    else:
        notes.append(MORE_FRAMES)
    return tuple(notes)
