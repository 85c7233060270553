from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lapwing.demo.photographs import photographs
from lapwing.evidence.cover import CELLS, SIDE, cover_of


def encoded(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def opened(cover: bytes | None) -> Image.Image:
    assert cover is not None
    picture = Image.open(io.BytesIO(cover))
    picture.load()
    return picture


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    return Image.open(photographs()["china"])


def test_a_cover_is_small_grey_and_carries_no_metadata(photograph: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    cover = cover_of(encoded(photograph, "JPEG", exif=exif, comment=b"a comment"), "image/jpeg")
    assert cover is not None
    assert len(cover) < 2000
    assert b"a description" not in cover
    assert b"a comment" not in cover
    picture = opened(cover)
    assert (picture.format, picture.mode) == ("JPEG", "L")
    assert max(picture.size) == SIDE
    assert picture.size[0] / picture.size[1] == pytest.approx(640 / 427, abs=0.05)


def test_detail_finer_than_a_cell_is_gone(photograph: Image.Image) -> None:
    """Whatever is drawn inside the cells, only their average reaches the cover."""
    grey = np.asarray(photograph.convert("L").resize((640, 640)), dtype=np.float64)
    side = 640 // CELLS
    averages = grey.reshape(CELLS, side, CELLS, side).mean(axis=(1, 3))
    flat = np.kron(averages, np.ones((side, side)))
    detailed, plain = (
        np.asarray(
            opened(cover_of(encoded(Image.fromarray(a.round().astype(np.uint8))), "image/png")),
            dtype=np.int64,
        )
        for a in (grey, flat)
    )
    assert np.abs(detailed - plain).max() <= 6


def test_no_edge_survives(photograph: Image.Image) -> None:
    stripes = Image.fromarray(np.tile(np.repeat([0, 255], 20), (640, 16)).astype(np.uint8))
    for sharp in (photograph, stripes):
        cover = np.asarray(opened(cover_of(encoded(sharp), "image/png")), dtype=np.int64)
        assert np.abs(np.diff(cover, axis=0)).max() < 40
        assert np.abs(np.diff(cover, axis=1)).max() < 40
    assert cover.std() < 3


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16"])
def test_every_kind_of_picture_gets_a_cover(photograph: Image.Image, mode: str) -> None:
    picture = photograph.convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 256)
    cover = np.asarray(opened(cover_of(encoded(picture, "TIFF"), "image/tiff")))
    assert cover.std() > 3


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1)])
def test_thin_and_tiny_pictures_get_a_cover(size: tuple[int, int]) -> None:
    assert max(opened(cover_of(encoded(Image.new("RGB", size, "red")), "image/png")).size) == SIDE


def test_what_cannot_be_read_gets_an_even_square(photograph: Image.Image) -> None:
    whole = encoded(photograph, "JPEG")
    huge = encoded(Image.new("1", (20_000, 20_000)))
    for content in (b"", b"not a picture", whole[:200], whole[:3000], huge):
        cover = opened(cover_of(content, "image/png"))
        assert cover.size == (SIDE, SIDE)
        assert np.asarray(cover).std() == 0


def test_text_has_no_cover() -> None:
    assert cover_of(b"words", "text/plain") is None
