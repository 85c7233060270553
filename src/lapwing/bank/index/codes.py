"""What an index takes: codes as bytes, their ids, a radius; checked, and as words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lapwing.model.errors import InvalidInput, LimitExceeded

WORD_BYTES = 8
MOST_ROWS = 2**32 - 1
"""Rows are numbered in 32 bits; an index of more is refused."""


def design_radius(width: int) -> int:
    """The radius in bits that codes of `width` bytes are indexed for: 31 of 256."""
    return max(1, 31 * 8 * width // 256)


def as_words(codes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """uint64[n, words]; widths that fill no whole words are filled up with zeros."""
    n, width = codes.shape
    words = -(-width // WORD_BYTES)
    if width == words * WORD_BYTES:
        return np.ascontiguousarray(codes).view(np.uint64)
    filled = np.zeros((n, words * WORD_BYTES), np.uint8)
    filled[:, :width] = codes
    return filled.view(np.uint64)


def checked(codes: NDArray[np.uint8], field: str, width: int | None = None) -> NDArray[np.uint8]:
    if not isinstance(codes, np.ndarray) or codes.dtype != np.uint8:
        raise InvalidInput(f"{field} must be an array of uint8", field=field)
    if codes.ndim != 2 or not codes.shape[1] or width not in (None, codes.shape[1]):
        raise InvalidInput(f"{field} must have the shape (n, {width or 'width'})", field=field)
    return codes


def check_ids(ids: NDArray[np.int64], count: int) -> None:
    if not isinstance(ids, np.ndarray) or ids.dtype != np.int64 or ids.ndim != 1:
        raise InvalidInput("ids must be an array of int64", field="ids")
    if len(ids) != count:
        raise InvalidInput("ids must hold one id a code", field="ids")


def check_room(rows: int) -> None:
    if rows > MOST_ROWS:
        raise LimitExceeded(f"an index holds at most {MOST_ROWS:,} codes", field="codes")


def checked_radius(radius: int, width: int) -> int:
    if not 0 <= radius <= 8 * width:
        raise InvalidInput(f"radius must lie between 0 and {8 * width}", field="radius")
    return radius
