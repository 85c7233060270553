"""A picture brought down to 64 x 64 in one step, where PDQ's own way takes four passes over it.

PDQ filters rows and columns twice and then looks at 64 of each. All of that is linear, so each of
the 64 x 64 values is a weighted mean of pixels around it, the same weights for every picture of one
size. The result differs from PDQ's running sums only by the rounding of those sums: `doubtful` says
when that could have turned a bit, and `pdq` then goes the long way.

A picture decoded at a fraction of its size is weighed as if each of its pixels were the block of
original ones it stands for: so its hash stays close to that of the whole.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lapwing.intake.media.compile import compiled

SIDE = 64
WINDOWS = 2 * SIDE

MARGIN = 0.02
"""Coefficients at the median nearer to each other than this may come in another order the long way.
The largest difference seen between both ways is a tenth of it (tests/unit/intake/test_pdq.py)."""
SLACK = 0.005
"""A gradient this close to a whole percent may be counted as the next one the long way."""

Weights = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]


@lru_cache(maxsize=256)
def weights(length: int, scale: int = 1) -> Weights:
    """(first, count, weight[64, most]) of the pixels that make each of 64 values along a side.

    `length` is that of the whole picture, decoded at 1/`scale`; `first` and `count` then count
    pixels of the smaller one, of which there are `length` / `scale`, rounded up.
    """
    window = (length + WINDOWS - 1) // WINDOWS
    ahead = (window + 2) // 2
    places = np.arange(length)
    low, high = np.maximum(places - (window - ahead), 0), np.minimum(places + ahead, length)
    parts: list[tuple[int, NDArray[np.float64]]] = []
    for i in range(SIDE):
        at = int((i + 0.5) * length / SIDE)
        start, end = int(low[low[at]]), int(high[high[at] - 1])
        start -= start % scale
        one = np.zeros(end - start)
        for inside in range(low[at], high[at]):
            share = 1.0 / (high[inside] - low[inside]) / (high[at] - low[at])
            one[low[inside] - start : high[inside] - start] += share
        parts.append((start // scale, np.add.reduceat(one, np.arange(0, len(one), scale))))
    table = np.zeros((SIDE, max(len(one) for _, one in parts)), np.float32)
    for row, (_, one) in zip(table, parts, strict=True):
        row[: len(one)] = one
    first = np.array([start for start, _ in parts], np.int64)
    count = np.array([len(one) for _, one in parts], np.int64)
    return first, count, table


def shrunk(pixels: NDArray[np.uint8], height: int, width: int, scale: int) -> NDArray[np.float32]:
    """Luma at SIDE x SIDE places of `pixels: uint8[rows, columns, 3 or 4]`, RGB first, which are
    a picture of `height` x `width` at 1/`scale`."""
    rows, columns, channels = pixels.shape
    flat = pixels.reshape(rows, columns * channels)
    return _weighed(flat, channels, *weights(height, scale), *weights(width, scale))  # type: ignore[no-any-return]


@compiled
def _weighed(
    flat: Any, channels: Any, top: Any, down: Any, below: Any, left: Any, along: Any, beside: Any
) -> Any:
    """Columns first: whole rows are added up, with no step between the colours of a pixel."""
    length = flat.shape[1]
    columns = length // channels
    row = np.empty(length, np.float32)
    luma = np.empty(columns, np.float32)
    small = np.empty((SIDE, SIDE), np.float32)
    for i in range(SIDE):
        row[:] = 0
        for k in range(0, down[i] - 1, 2):
            _add_two(flat[top[i] + k], below[i, k], flat[top[i] + k + 1], below[i, k + 1], row)
        if down[i] % 2:
            k = down[i] - 1
            _add_one(flat[top[i] + k], below[i, k], row)
        for x in range(columns):
            at = channels * x
            luma[x] = (
                row[at] * np.float32(0.299)
                + row[at + 1] * np.float32(0.587)
                + row[at + 2] * np.float32(0.114)
            )
        for j in range(SIDE):
            total = np.float32(0)
            for k in range(along[j]):
                total += beside[j, k] * luma[left[j] + k]
            small[i, j] = total
    return small


@compiled
def _add_two(one: Any, first: Any, other: Any, second: Any, into: Any) -> None:
    for x in range(into.shape[0]):
        into[x] += first * np.float32(one[x]) + second * np.float32(other[x])


@compiled
def _add_one(one: Any, weight: Any, into: Any) -> None:
    for x in range(into.shape[0]):
        into[x] += weight * np.float32(one[x])


@compiled
def doubtful_quality(small: Any) -> Any:
    """Whether another rounding of `small` could give another quality."""
    total = 0
    near = 0
    for y in range(SIDE):
        for x in range(SIDE):
            for step in range(2):
                if (y if step == 0 else x) == SIDE - 1:
                    continue
                other = small[y + 1, x] if step == 0 else small[y, x + 1]
                gradient = abs(small[y, x] - other) * np.float32(100) / np.float32(255)
                total += int(gradient)
                if gradient > 0.5 and abs(gradient - np.rint(gradient)) < SLACK:
                    near += 1
    return min((total - near) // 90, 100) != min((total + near) // 90, 100)
