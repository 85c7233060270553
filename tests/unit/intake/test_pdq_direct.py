"""The direct way to PDQ: the same bits as the long way, hashes of turned pictures out of one
transform, and hashes of smaller decodings that stay close to that of the whole."""

from __future__ import annotations

import io

import numpy as np
import pdqhash
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from lapwing.intake.limits import FAST_SIDE, Limits
from lapwing.intake.media import pdq as module
from lapwing.intake.media.hashing import hash_bytes
from lapwing.intake.media.pdq import DIHEDRAL, pdq, pdq_dihedral, pdq_direct
from lapwing.intake.media.shrink import MARGIN, weights

Picture = NDArray[np.uint8]


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def the_long_way(rgb: Picture) -> NDArray[np.float32]:
    coefficients, _ = module._transform(np.ascontiguousarray(rgb), module._DCT, module._DCT_TURNED)
    return np.asarray(coefficients).reshape(256)


def resized(rgb: Picture, width: int, height: int) -> Picture:
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS))


SIZES = ((65, 70), (200, 300), (640, 427), (1023, 771), (1600, 1004), (2999, 130), (3000, 2000))


def test_both_ways_differ_by_far_less_than_the_margin(pictures: dict[str, Picture]) -> None:
    """An order at the median can only turn when two coefficients move by the margin together."""
    chance = np.random.default_rng(11)
    largest = 0.0
    for width, height in SIZES:
        noise = chance.integers(0, 256, (height, width, 3), dtype=np.uint8)
        for rgb in (noise, *(resized(one, width, height) for one in pictures.values())):
            largest = max(largest, np.abs(pdq_direct(rgb)[0] - the_long_way(rgb)).max())
    assert 0 < largest < MARGIN / 4


def test_most_photographs_need_no_second_way(pictures: dict[str, Picture]) -> None:
    sure = [
        module._sure(pdq_direct(resized(one, width, height))[0])
        for one in pictures.values()
        for width, height in SIZES
    ]
    assert sum(sure) / len(sure) > 0.8


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(65, 400),
    width=st.integers(65, 400),
    levels=st.sampled_from((2, 3, 9, 256)),
)
def test_any_picture_hashes_as_pdqhash_does(
    seed: int, height: int, width: int, levels: int
) -> None:
    """Few levels and few cells make many equal coefficients: where roundings decide."""
    chance = np.random.default_rng(seed)
    cells = chance.integers(0, levels, (8, 8, 3)) * (255 // (levels - 1))
    rgb = resized(cells.astype(np.uint8), width, height)
    bits, quality = pdqhash.compute(rgb)
    assert pdq(rgb) == (np.packbits(bits.astype(np.uint8)).tobytes(), quality)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(5, 300), width=st.integers(5, 300))
def test_the_eight_ways_hash_as_pdqhash_does(seed: int, height: int, width: int) -> None:
    chance = np.random.default_rng(seed)
    rgb = resized(chance.integers(0, 256, (9, 9, 3), dtype=np.uint8), width, height)
    theirs, quality = pdqhash.compute_dihedral(rgb)
    ours, told = pdq_dihedral(rgb)
    assert tuple(ours) == DIHEDRAL
    assert told == quality
    assert list(ours.values()) == [np.packbits(np.asarray(h, np.uint8)).tobytes() for h in theirs]


def test_each_way_is_near_to_the_hash_of_the_turned_pixels(pictures: dict[str, Picture]) -> None:
    for rgb in pictures.values():
        found, _ = pdq_dihedral(rgb)
        turned = (
            rgb,
            np.rot90(rgb),
            np.rot90(rgb, 2),
            np.rot90(rgb, 3),
            rgb[::-1],
            rgb[:, ::-1],
            rgb.transpose(1, 0, 2),
            np.rot90(rgb.transpose(1, 0, 2), 2),
        )
        for name, pixels in zip(DIHEDRAL, turned, strict=True):
            assert distance(found[name], pdq(pixels)[0]) <= 31, name
        assert len(set(found.values())) == 8


@settings(max_examples=60, deadline=None)
@given(length=st.integers(64, 9000), scale=st.sampled_from((1, 2, 4, 8)))
def test_weights_are_means_of_pixels_that_exist(length: int, scale: int) -> None:
    first, count, table = weights(length, scale)
    assert np.allclose(table.sum(axis=1), 1, atol=1e-5)
    assert (table >= 0).all()
    assert (first >= 0).all()
    assert (first + count <= -(-length // scale)).all()
    assert (np.diff(first) >= 0).all()


@pytest.mark.parametrize(("width", "height"), [(1600, 1004), (1999, 1333), (4000, 3000)])
def test_a_faster_decode_gives_nearly_the_same_hash(
    pictures: dict[str, Picture], width: int, height: int
) -> None:
    fast = Limits(fast_side=FAST_SIDE)
    for rgb in pictures.values():
        written = io.BytesIO()
        Image.fromarray(resized(rgb, width, height)).save(written, "JPEG", quality=85)
        data = written.getvalue()
        whole, quick = hash_bytes(data), hash_bytes(data, fast)
        assert quick.notes[0].startswith("decoded for speed: hashed at 1/")
        assert (quick.width, quick.height) == (width, height)
        assert quick.hashes.sha256 == whole.hashes.sha256
        apart = distance(
            bytes.fromhex(whole.hashes.pdq or ""), bytes.fromhex(quick.hashes.pdq or "")
        )
        assert apart <= 4


def test_what_was_left_out_is_counted_in(pictures: dict[str, Picture]) -> None:
    """Hashed as if it were the whole picture, a smaller decoding is much further away."""
    written = io.BytesIO()
    Image.fromarray(resized(pictures["coffee"], 1600, 1004)).save(written, "JPEG", quality=85)
    with JpegImagePlugin.JpegImageFile(io.BytesIO(written.getvalue())) as image:
        image.draft("RGB", (400, 251))
        rgb = np.asarray(image)
    whole = pdq(np.asarray(Image.open(written)))[0]
    assert distance(pdq(rgb, whole=(1004, 1600))[0], whole) < distance(pdq(rgb)[0], whole) - 4
