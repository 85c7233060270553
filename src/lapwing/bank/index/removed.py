"""Which rows were removed: one bit a row, None while there are none. Never changed in place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Gone = NDArray[np.uint64]

_ONE = np.uint64(1)


def gone_at(gone: Gone | None, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """bool[len(rows)]: whether each of these rows was removed."""
    if gone is None:
        return np.zeros(len(rows), np.bool_)
    bits: NDArray[np.uint64] = (gone[rows >> 6] >> (rows & 63).astype(np.uint64)) & _ONE
    return bits.astype(np.bool_)


def marked(gone: Gone | None, rows: int) -> NDArray[np.bool_]:
    """bool[rows]: whether each row was removed."""
    if gone is None:
        return np.zeros(rows, np.bool_)
    return np.unpackbits(gone.view(np.uint8), bitorder="little")[:rows].astype(np.bool_)


def with_rows(gone: Gone | None, rows: NDArray[np.int64], total: int) -> Gone:
    """These rows removed too, with a bit for each of `total` rows."""
    wide = np.zeros(-(-total // 64), np.uint64)
    if gone is not None:
        wide[: len(gone)] = gone
    np.bitwise_or.at(wide, rows >> 6, _ONE << (rows & 63).astype(np.uint64))
    return wide


def widened(gone: Gone | None, total: int) -> Gone | None:
    """The same with a bit for each of `total` rows."""
    if gone is None or 64 * len(gone) >= total:
        return gone
    wide = np.zeros(-(-total // 64), np.uint64)
    wide[: len(gone)] = gone
    return wide
