"""PDQ: a 256-bit hash of what a picture looks like.

Written from the description in "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing
Algorithm" (Facebook, 2019). The result is equal to Facebook's C++ implementation bit for bit, which
needs its order of float32 operations: a picture whose DCT coefficients lie close to their median
(flat ones do) would otherwise get other bits. Nothing here may be compiled with `fastmath`.

The steps: luma, two passes of a box filter along rows and columns, 64 rows and columns taken from
the result, 16x16 low frequencies of its DCT, and one bit for each: above the median or not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lapwing.intake.media.compile import compiled
from lapwing.intake.media.shrink import MARGIN, WINDOWS, doubtful_quality, shrunk
from lapwing.intake.media.shrink import SIDE as SHRUNK_SIDE

BITS = 256
SIDE = SHRUNK_SIDE
"""The picture is brought down to SIDE x SIDE before the transform."""
LEAST_SIDE = 5
"""A picture with a side below this many pixels has no hash: all bits 0, quality 0."""

DIHEDRAL = (
    "as it is",
    "turned left",
    "turned by half",
    "turned right",
    "upside down",
    "mirrored",
    "swapped",
    "swapped and turned by half",
)
"""The eight ways a picture can lie: `swapped` has rows for columns."""

Ways = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], ...]]

_WINDOWS = WINDOWS
_LOW = 16
_TOGETHER = 4


def pdq(rgb: NDArray[np.uint8], *, whole: tuple[int, int] | None = None) -> tuple[bytes, int]:
    """The hash (32 bytes) and its quality (0..100) of an RGB picture, uint8[height, width, 3].

    The hex of the bytes is the form that hash lists exchange. Quality counts gradients: below 50
    a picture has too little structure for its hash to say much, and a flat one has quality 0.
    `whole` is (height, width) of a picture that was decoded at 1/2, 1/4 or 1/8 of it.
    Safe to call from several threads; the work is done without the interpreter's lock.
    """
    flat, quality, _ = _coefficients(rgb, whole, _one_way)
    return _bits(flat), quality


def pdq_dihedral(rgb: NDArray[np.uint8]) -> tuple[dict[str, bytes], int]:
    """The hashes of the picture turned and mirrored, by name in the order of DIHEDRAL.

    All come from one transform: turning a picture swaps and negates its coefficients. They equal
    `pdqhash.compute_dihedral`, and are within some bits of hashing the turned pixels.
    """
    flat, quality, _ = _coefficients(rgb, None, _eight_ways)
    return dict(zip(DIHEDRAL, map(_bits, _eight_ways(flat)), strict=True)), quality


def pdq_direct(
    rgb: NDArray[np.uint8], whole: tuple[int, int] | None = None
) -> tuple[NDArray[np.float32], int, bool]:
    """(256 coefficients, quality, whether the bits are sure) by the direct way of `shrink`."""
    rows, columns, _ = rgb.shape
    height, width = whole or (rows, columns)
    scale = max(1, round(height / rows), round(width / columns))
    small = shrunk(np.ascontiguousarray(rgb), height, width, scale)
    coefficients, quality = _finish(small, _DCT, _DCT_TURNED)
    return coefficients.reshape(BITS), int(quality), not doubtful_quality(small)


def _coefficients(
    rgb: NDArray[np.uint8], whole: tuple[int, int] | None, ways: Ways
) -> tuple[NDArray[np.float32], int, bool]:
    """As `pdq_direct`; the bits of each of `ways` are those of the reference unless scaled."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError("rgb must be uint8[height, width, 3]")
    height, width, _ = rgb.shape
    if min(height, width) < LEAST_SIDE:
        return np.zeros(BITS, np.float32), 0, True
    scaled = whole is not None and whole != (height, width)
    if min(height, width) > SIDE or scaled:
        direct = pdq_direct(rgb, whole)
        if scaled or (direct[2] and all(map(_sure, ways(direct[0])))):
            return direct
    coefficients, quality = _transform(np.ascontiguousarray(rgb), _DCT, _DCT_TURNED)
    return coefficients.reshape(BITS), int(quality), True


def _sure(flat: NDArray[np.float32]) -> bool:
    """Whether the coefficients on either side of the median lie so far apart that rounding cannot
    have changed which are above."""
    middle = np.partition(flat, (BITS // 2 - 1, BITS // 2))[BITS // 2 - 1 : BITS // 2 + 1]
    return bool(middle[1] - middle[0] > MARGIN)


def _bits(flat: NDArray[np.float32]) -> bytes:
    median = np.partition(flat, BITS // 2 - 1)[BITS // 2 - 1]
    return np.packbits((flat > median)[::-1]).tobytes()


def _one_way(flat: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    return (flat,)


def _eight_ways(flat: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Row and column i hold frequency i + 1: mirroring negates the odd ones, turning also swaps."""
    plain = flat.reshape(_LOW, _LOW)
    swapped = plain.T
    odd = np.where(np.arange(_LOW) % 2 == 0, np.float32(-1), np.float32(1))
    across, down = odd[np.newaxis, :], odd[:, np.newaxis]
    turned = (
        plain,
        swapped * down,
        plain * across * down,
        swapped * across,
        plain * down,
        plain * across,
        swapped,
        swapped * across * down,
    )
    return tuple(np.ascontiguousarray(one).reshape(BITS) for one in turned)


def _dct() -> NDArray[np.float32]:
    """Rows 1 to 16 of the 64-point DCT-II; row 0, the mean, is left out."""
    scale = float(np.float32(math.sqrt(2.0 / SIDE)))
    rows = [
        [scale * math.cos(math.pi / 2 / SIDE * i * (2 * j + 1)) for j in range(SIDE)]
        for i in range(1, _LOW + 1)
    ]
    return np.array(rows, dtype=np.float32)


_DCT = _dct()
_DCT_TURNED = np.ascontiguousarray(_DCT.T)


@compiled
def _transform(rgb: Any, dct: Any, dct_turned: Any) -> Any:
    """(float32[16, 16] coefficients, quality), added up in the order of the reference."""
    small = np.empty((SIDE, SIDE), np.float32)
    if rgb.shape[0] == SIDE and rgb.shape[1] == SIDE:
        for y in range(SIDE):
            _luma(rgb, y, small[y])
    else:
        _shrink(rgb, small)
    return _finish(small, dct, dct_turned)


@compiled
def _finish(small: Any, dct: Any, dct_turned: Any) -> Any:
    """(float32[16, 16] coefficients, quality) of the 64 x 64 luma."""
    across = np.zeros((_LOW, SIDE), np.float32)
    for i in range(_LOW):
        for k in range(SIDE):
            for j in range(SIDE):
                across[i, j] += dct[i, k] * small[k, j]
    low = np.zeros((_LOW, _LOW), np.float32)
    for i in range(_LOW):
        for k in range(SIDE):
            for j in range(_LOW):
                low[i, j] += across[i, k] * dct_turned[k, j]
    return low, _quality(small)


@compiled
def _quality(small: Any) -> Any:
    """Sum of whole-numbered gradients in percent of the range, by 90, at most 100."""
    total = 0
    for y in range(SIDE):
        for x in range(SIDE):
            if y < SIDE - 1:
                total += abs(_percent(small[y, x], small[y + 1, x]))
            if x < SIDE - 1:
                total += abs(_percent(small[y, x], small[y, x + 1]))
    return min(total // 90, 100)


@compiled
def _percent(a: Any, b: Any) -> Any:
    return int((a - b) * np.float32(100) / np.float32(255))


@compiled
def _luma(rgb: Any, y: int, into: Any) -> None:
    for x in range(rgb.shape[1]):
        into[x] = rgb[y, x, 0] * 0.299 + rgb[y, x, 1] * 0.587 + rgb[y, x, 2] * 0.114


@compiled
def _shrink(rgb: Any, small: Any) -> None:
    """Luma of `rgb`, box-filtered twice in both directions, at SIDE x SIDE places, into `small`.

    One pass over the picture: rows go through the filter in groups, and only as many filtered rows
    are kept as the window along columns needs.
    """
    height, width = rgb.shape[0], rgb.shape[1]
    across = (width + _WINDOWS - 1) // _WINDOWS
    down = (height + _WINDOWS - 1) // _WINDOWS
    ahead = (down + 2) // 2 - 1
    lead = across - (across + 2) // 2 + 1
    luma = np.zeros((_TOGETHER, width + across), np.float32)
    once = np.zeros((_TOGETHER, width), np.float32)
    both = np.zeros((_TOGETHER, width + across), np.float32)
    again = np.zeros((_TOGETHER, width), np.float32)
    recent = np.zeros((down, width), np.float32)
    sums = np.zeros(width, np.float32)
    thin = np.empty((height, SIDE), np.float32)
    waiting = 0
    for start in range(0, height + ahead, _TOGETHER):
        rows = min(_TOGETHER, height + ahead - start)
        for row in range(min(rows, height - start)):
            _luma(rgb, start + row, luma[row, lead:])
        _box_across(luma, across, once)
        for row in range(rows):
            at = start + row
            if at >= height:
                once[row, :] = 0
            _box_down(once[row], sums, recent[at % down])
            at -= ahead
            if at < 0:
                continue
            _mean(sums, _count(at, height, down), both[waiting, lead:])
            waiting += 1
            if waiting == _TOGETHER or at == height - 1:
                _box_across(both, across, again)
                for done in range(waiting):
                    _take(again[done], thin[at - waiting + 1 + done])
                waiting = 0
    _shrink_down(thin, down, small)


@compiled
def _shrink_down(thin: Any, down: int, small: Any) -> None:
    """The second filter along columns, needed only at the SIDE columns that were taken."""
    height = thin.shape[0]
    ahead = (down + 2) // 2 - 1
    nothing = np.zeros(SIDE, np.float32)
    recent = np.zeros((down, SIDE), np.float32)
    sums = np.zeros(SIDE, np.float32)
    y = 0
    for step in range(height + ahead):
        _box_down(thin[step] if step < height else nothing, sums, recent[step % down])
        at = step - ahead
        while y < SIDE and at == int((y + 0.5) * height / SIDE):
            _mean(sums, _count(at, height, down), small[y])
            y += 1


@compiled
def _count(at: int, length: int, window: int) -> Any:
    """How many of `length` values lie in the window around `at` (it reaches further ahead)."""
    half = (window + 2) // 2
    return np.float32(min(at + half, length) - max(at - (window - half), 0))


@compiled
def _box_across(padded: Any, window: int, into: Any) -> None:
    """Means over the window along each row of a group.

    Rows advance together, so that the additions of one hide the latency of the others. Padding
    with zeros changes no sum and saves the border cases.
    """
    length = into.shape[1]
    a = b = c = d = np.float32(0)
    for x in range(window):
        a += padded[0, x]
        b += padded[1, x]
        c += padded[2, x]
        d += padded[3, x]
    for x in range(length):
        a = a + padded[0, x + window] - padded[0, x]
        b = b + padded[1, x + window] - padded[1, x]
        c = c + padded[2, x + window] - padded[2, x]
        d = d + padded[3, x + window] - padded[3, x]
        into[0, x] = a
        into[1, x] = b
        into[2, x] = c
        into[3, x] = d
    half = (window + 2) // 2
    full = np.float32(window)
    for row in range(_TOGETHER):
        for x in range(half):
            into[row, x] /= _count(x, length, window)
        for x in range(half, length - half):
            into[row, x] /= full
        for x in range(max(half, length - half), length):
            into[row, x] /= _count(x, length, window)


@compiled
def _box_down(row: Any, sums: Any, oldest: Any) -> None:
    """Move the window down by one row: `row` comes in, `oldest` goes out and is overwritten."""
    for x in range(row.shape[0]):
        sums[x] = sums[x] + row[x] - oldest[x]
        oldest[x] = row[x]


@compiled
def _mean(sums: Any, count: Any, into: Any) -> None:
    for x in range(sums.shape[0]):
        into[x] = sums[x] / count


@compiled
def _take(row: Any, into: Any) -> None:
    """SIDE values, evenly from the middle of each part."""
    for i in range(SIDE):
        into[i] = row[int((i + 0.5) * row.shape[0] / SIDE)]
