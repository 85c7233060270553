"""PDQ against `pdqhash`, which wraps Facebook's C++: equal bit for bit, quality too."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pdqhash
import pytest
from numpy.typing import NDArray

from lapwing.intake.media.pdq import pdq

Picture = NDArray[np.uint8]


def oracle(rgb: Picture) -> tuple[bytes, int]:
    bits, quality = pdqhash.compute(np.ascontiguousarray(rgb))
    return np.packbits(bits.astype(np.uint8)).tobytes(), int(quality)


def differing(found: Iterator[Picture]) -> tuple[int, list[tuple[int, ...]]]:
    """How many pictures there were, and the shapes of those on which the two disagree."""
    count, wrong = 0, []
    for rgb in found:
        count += 1
        if pdq(rgb) != oracle(rgb):
            wrong.append(rgb.shape)
    return count, wrong


def test_noise_of_every_small_size_hashes_as_pdqhash_does() -> None:
    chance = np.random.default_rng(1)
    sizes = [(height, width) for height in range(1, 13) for width in range(1, 13)]
    count, wrong = differing(chance.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes)
    assert (count, wrong) == (144, [])


def test_narrow_odd_and_window_edge_sizes_hash_as_pdqhash_does() -> None:
    chance = np.random.default_rng(2)
    sides = (5, 7, 63, 64, 65, 127, 128, 129, 255, 256, 257, 384, 385)
    sizes = [(height, width) for height in sides for width in sides]
    sizes += [(5, 3000), (3000, 5), (1, 900), (900, 4), (1025, 771)]
    count, wrong = differing(chance.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes)
    assert (count, wrong) == (174, [])


def synthetic(chance: np.random.Generator, number: int) -> Picture:
    """Flat, graded, striped and chequered pictures: their coefficients lie at the median, so that
    one addition in another order would give other bits."""
    height, width = chance.integers(5, 400, 2)
    y, x = np.indices((height, width))
    kind = number % 5
    if kind == 0:
        return np.full((height, width, 3), chance.integers(0, 256, 3), np.uint8)
    if kind == 1:
        grey = (y * chance.integers(0, 5) + x * chance.integers(1, 5)) % 256
    elif kind == 2:
        grey = np.linspace(0, chance.integers(1, 256), width)[None].repeat(height, axis=0)
    elif kind == 3:
        grey = ((y + x) // chance.integers(1, 20)) % 2 * 255
    else:
        colours = chance.integers(0, 256, 3)
        return (
            (np.linspace(0, 1, height)[:, None, None] * colours).repeat(width, 1).astype(np.uint8)
        )
    return grey.astype(np.uint8)[..., None].repeat(3, axis=2)


def test_degenerate_pictures_hash_as_pdqhash_does() -> None:
    chance = np.random.default_rng(3)
    count, wrong = differing(synthetic(chance, number) for number in range(250))
    assert (count, wrong) == (250, [])


def test_parts_of_photographs_hash_as_pdqhash_does(pictures: dict[str, Picture]) -> None:
    chance = np.random.default_rng(4)

    def parts() -> Iterator[Picture]:
        for photograph in pictures.values():
            yield photograph
            height, width, _ = photograph.shape
            for _ in range(60):
                top, left = chance.integers(0, height - 1), chance.integers(0, width - 1)
                down, along = (
                    chance.integers(1, height - top + 1),
                    chance.integers(1, width - left + 1),
                )
                yield photograph[top : top + down, left : left + along]

    count, wrong = differing(parts())
    assert (count, wrong) == (244, [])


def test_turned_and_strided_views_hash_as_their_copies_do(pictures: dict[str, Picture]) -> None:
    china = pictures["china"]
    for view in (china[::-1], china[:, ::-1], china.transpose(1, 0, 2), china[::2, ::3]):
        assert pdq(view) == oracle(view)


def test_a_picture_of_64_by_64_is_not_filtered() -> None:
    rgb = np.random.default_rng(5).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert pdq(rgb) == oracle(rgb)


def test_a_side_below_five_pixels_has_no_hash() -> None:
    rgb = np.random.default_rng(6).integers(0, 256, (4, 500, 3), dtype=np.uint8)
    assert pdq(rgb) == (bytes(32), 0)


def test_a_flat_picture_has_quality_zero() -> None:
    assert pdq(np.full((200, 300, 3), 127, np.uint8))[1] == 0


def test_threads_get_the_same_hashes(pictures: dict[str, Picture]) -> None:
    work = [*pictures.values()] * 8
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(pdq, work)) == [oracle(rgb) for rgb in work]


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((9, 9), np.uint8),
        np.zeros((9, 9, 4), np.uint8),
        np.zeros((9, 9, 3), np.float32),
    ],
)
def test_what_is_not_rgb_is_refused(wrong: NDArray[np.generic]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        pdq(wrong)  # type: ignore[arg-type]
