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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lapwing.intake.media.compile import compiled

BITS = 256
SIDE = 64
"""The picture is brought down to SIDE x SIDE before the transform."""
LEAST_SIDE = 5
"""A picture with a side below this many pixels has no hash: all bits 0, quality 0."""

_WINDOWS = 2 * SIDE
_LOW = 16
_TOGETHER = 4


def pdq(rgb: NDArray[np.uint8]) -> tuple[bytes, int]:
    """The hash (32 bytes) and its quality (0..100) of an RGB picture, uint8[height, width, 3].

    The hex of the bytes is the form that hash lists exchange. Quality counts gradients: below 50
    a picture has too little structure for its hash to say much, and a flat one has quality 0.
    Safe to call from several threads; the work is done without the interpreter's lock.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError("rgb must be uint8[height, width, 3]")
    height, width, _ = rgb.shape
    if min(height, width) < LEAST_SIDE:
        return bytes(BITS // 8), 0
    coefficients, quality = _transform(np.ascontiguousarray(rgb), _DCT, _DCT_TURNED)
    flat = coefficients.reshape(BITS)
    median = np.partition(flat, BITS // 2 - 1)[BITS // 2 - 1]
    return np.packbits((flat > median)[::-1]).tobytes(), int(quality)


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
    """(float32[16, 16] coefficients, quality)."""
    small = np.empty((SIDE, SIDE), np.float32)
    if rgb.shape[0] == SIDE and rgb.shape[1] == SIDE:
        for y in range(SIDE):
            _luma(rgb, y, small[y])
    else:
        _shrink(rgb, small)
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
