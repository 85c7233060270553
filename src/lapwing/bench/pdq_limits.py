"""Where PDQ stops: what a change to a picture does to its hash, and pictures that say too little.

Answers with distances, not with claims: the four photographs under growing changes, then flat,
textured and text pictures, whose hashes have a low quality or lie close to one another.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from lapwing.demo.copies import cropped, encode, exif_turned, grey_16_bit, scaled, with_alpha
from lapwing.demo.photographs import photographs
from lapwing.intake.media.hashing import hash_bytes
from lapwing.model.indicators import KNOWN_DISTANCE, MIN_QUALITY, NEAR_DISTANCE

Row = dict[str, Any]
Change = Callable[[Image.Image], bytes]

_SEED = 20_260_501
_WORDS = "The lapwing lures danger away from its nest. "


def measure() -> list[Row]:
    """One row a change: median and largest distance to the original over the four photographs,
    distance to the nearest of the others, lowest quality, and how many are known, near or missed.

    *known* is within 10 bits at quality 50 or more, *near* within 31, all else *missed*.
    """
    pictures = {name: _open(str(path)) for name, path in photographs().items()}
    originals = {name: _hash(_lossless(picture))[0] for name, picture in pictures.items()}
    rows = []
    for what, change in changes():
        own, others, qualities = [], [], []
        for name, picture in pictures.items():
            code, quality = _hash(change(picture))
            own.append(_distance(code, originals[name]))
            others.append(min(_distance(code, originals[n]) for n in originals if n != name))
            qualities.append(quality)
        verdicts = [_verdict(d, q) for d, q in zip(own, qualities, strict=True)]
        rows.append(
            {
                "change": what,
                "distance": statistics.median(own),
                "largest": max(own),
                "other": min(others),
                "quality": min(qualities),
                **{word: verdicts.count(word) for word in ("known", "near", "missed")},
            }
        )
    return rows


def measure_plain() -> list[Row]:
    """One row a kind of picture with little to see: lowest and highest quality over a dozen of
    them, smallest distance between two different ones, and the pairs that would match (near).
    """
    rows = []
    for what, pictures in plain_pictures():
        hashed = [_hash(_lossless(picture)) for picture in pictures]
        apart = [_distance(a, b) for (a, _), (b, _) in combinations(hashed, 2)]
        rows.append(
            {
                "pictures": what,
                "quality from": min(quality for _, quality in hashed),
                "quality to": max(quality for _, quality in hashed),
                "may be known": sum(quality >= MIN_QUALITY for _, quality in hashed),
                "pairs": len(apart),
                "closest": min(apart),
                "pairs within 31": sum(d <= NEAR_DISTANCE for d in apart),
            }
        )
    return rows


def changes() -> Iterator[tuple[str, Change]]:
    """Every change that is measured, mildest first within each kind."""
    yield from _series(
        "scaled to {} %", (200, 150, 75, 50, 25, 10), lambda p, v: scaled(p, v / 100)
    )
    for quality in (90, 70, 50, 30, 20, 10):
        yield f"JPEG quality {quality}", partial(encode, form="JPEG", quality=quality)
    yield "EXIF-turned", partial(exif_turned, orientation=6)
    yield "CMYK JPEG", lambda p: encode(p.convert("CMYK"), "JPEG", quality=90)
    yield from _series("palette, {} colours", (256, 64, 8), lambda p, v: p.quantize(int(v)))
    yield "grey", _then(lambda p: p.convert("L"))
    yield "16 bits, grey", _then(grey_16_bit)
    yield "half transparent", _then(with_alpha)
    yield from _series(
        "{} % cropped, all sides", (1, 2, 5, 10, 20), lambda p, v: cropped(p, v / 100)
    )
    yield from _series("{} % cropped, left side", (1, 2, 5, 10), _cut_left)
    yield from _series("border of {} %", (1, 2, 5, 10), _bordered)
    yield from _series("caption, letters {} % high", (4, 15, 40), _written)
    yield from _series(
        "brightness {}", (0.5, 0.8, 1.2, 1.5), lambda p, v: ImageEnhance.Brightness(p).enhance(v)
    )
    yield from _series(
        "contrast {}", (0.5, 0.8, 1.2, 1.5), lambda p, v: ImageEnhance.Contrast(p).enhance(v)
    )
    yield from _series(
        "turned by {}°", (0.5, 1, 2, 5), lambda p, v: p.rotate(v, Image.Resampling.BICUBIC)
    )
    yield "turned by 90°", _then(lambda p: p.transpose(Image.Transpose.ROTATE_90))
    yield "mirrored", _then(ImageOps.mirror)
    yield "inverted", _then(ImageOps.invert)


def _series(
    name: str,
    values: Iterable[float],
    change: Callable[[Image.Image, float], Image.Image],
) -> Iterator[tuple[str, Change]]:
    def changing(value: float) -> Change:
        return _then(lambda picture: change(picture, value))

    for value in values:
        yield name.format(value), changing(value)


def plain_pictures() -> Iterator[tuple[str, list[Image.Image]]]:
    """Kinds of pictures with little structure, a dozen different ones each."""
    chance = np.random.default_rng(_SEED)
    shades = [tuple(int(c) for c in chance.integers(0, 256, 3)) for _ in range(12)]
    yield "flat colours", [Image.new("RGB", (320, 240), shade) for shade in shades]
    yield "left-to-right shades", [_shaded(shade) for shade in shades]
    yield "noise", [_grey(chance.integers(0, 256, (240, 320))) for _ in range(12)]
    yield "fine stripes", [_stripes(width) for width in range(1, 13)]
    yield "broad stripes", [_stripes(width) for width in range(20, 32)]
    yield "pages of text", [_page(number) for number in range(12)]
    yield "one word on white", [_word(number) for number in range(12)]


def _then(change: Callable[[Image.Image], Image.Image]) -> Change:
    return lambda picture: _lossless(change(picture))


def _lossless(picture: Image.Image) -> bytes:
    return encode(picture, "PNG", compress_level=0)


def _open(path: str) -> Image.Image:
    with Image.open(path) as opened:
        return opened.convert("RGB")


def _hash(data: bytes) -> tuple[int, int]:
    hashes = hash_bytes(data).hashes
    return int(hashes.pdq or "0", 16), hashes.quality or 0


def _distance(one: int, other: int) -> int:
    return (one ^ other).bit_count()


def _verdict(distance: int, quality: int) -> str:
    if distance <= KNOWN_DISTANCE and quality >= MIN_QUALITY:
        return "known"
    return "near" if distance <= NEAR_DISTANCE else "missed"


def _cut_left(picture: Image.Image, percent: float) -> Image.Image:
    return picture.crop((round(picture.width * percent / 100), 0, picture.width, picture.height))


def _bordered(picture: Image.Image, percent: float) -> Image.Image:
    return ImageOps.expand(picture, round(picture.width * percent / 100), "white")


def _written(picture: Image.Image, percent: float) -> Image.Image:
    """A caption, white on black, across the lower part; `percent` is the height of its letters."""
    written = picture.copy()
    height = max(8, round(picture.height * percent / 100))
    top = picture.height - round(height * 1.5)
    draw = ImageDraw.Draw(written)
    draw.rectangle((0, top, picture.width, picture.height), fill="black")
    draw.text((8, top), "A harmless caption", font=ImageFont.load_default(height), fill="white")
    return written


def _grey(values: Any) -> Image.Image:
    return Image.fromarray(np.asarray(values).astype(np.uint8)).convert("RGB")


def _shaded(shade: tuple[int, ...]) -> Image.Image:
    ramp = np.linspace(0, 1, 320)[None, :, None] * np.array(shade)
    return Image.fromarray(np.repeat(ramp, 240, axis=0).astype(np.uint8))


def _stripes(width: int) -> Image.Image:
    return _grey(np.repeat((np.arange(320) // width % 2 * 255)[None], 240, axis=0))


def _page(number: int) -> Image.Image:
    """A page of forty lines, each page with other words in another order."""
    chance = np.random.default_rng(number)
    page = Image.new("RGB", (600, 800), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(14)
    words = _WORDS.split()
    for line in range(40):
        said = " ".join(chance.choice(words) for _ in range(11))
        draw.text((40, 30 + line * 18), said, font=font, fill="black")
    return page


def _word(number: int) -> Image.Image:
    card = Image.new("RGB", (320, 240), "white")
    font = ImageFont.load_default(24)
    ImageDraw.Draw(card).text((110, 105), f"room {number + 10}", font=font, fill="black")
    return card
