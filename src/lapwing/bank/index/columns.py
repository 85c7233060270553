"""Indicators of one kind as arrays: a million of them must not be a million Python objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

ALWAYS = np.iinfo(np.int64).min
FOR_EVER = np.iinfo(np.int64).max
NO_QUALITY = -1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970-01-01 UTC."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


class Columns(Struct, frozen=True, kw_only=True):
    """n indicators of one kind, row by row; on a shelf in rising order of id.

    `keys` is what the index searches: the hash, or a text's key. `list_no`, `category` and
    `source` are numbers into the snapshot's tables; times are microseconds since 1970. Numbers may
    stand in a narrower type than named here (`narrow`), and arrays may be read-only.
    """

    ids: NDArray[np.int64]
    keys: NDArray[np.uint8]
    list_no: NDArray[np.int32]
    quality: NDArray[np.int8]
    category: NDArray[np.int32]
    source: NDArray[np.int32]
    valid_from: NDArray[np.int64]
    valid_until: NDArray[np.int64]

    @classmethod
    def empty(cls, width: int) -> Self:
        return cls(
            ids=np.empty(0, np.int64),
            keys=np.empty((0, width), np.uint8),
            list_no=np.empty(0, np.int32),
            quality=np.empty(0, np.int8),
            category=np.empty(0, np.int32),
            source=np.empty(0, np.int32),
            valid_from=np.empty(0, np.int64),
            valid_until=np.empty(0, np.int64),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """The rows chosen by number or by mask."""
        return type(self)(**{name: getattr(self, name)[rows] for name in self.__struct_fields__})

    @classmethod
    def stacked(cls, parts: Sequence[Self]) -> Self:
        """The rows of all parts, one part after another."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            **{
                name: np.concatenate([getattr(part, name) for part in parts])
                for name in cls.__struct_fields__
            }
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The rows of all parts, in rising order of id. The ids must differ."""
        return cls.stacked(parts).in_order()

    def in_order(self) -> Self:
        """The same rows in rising order of id."""
        if (self.ids[1:] > self.ids[:-1]).all():
            return self
        return self.at(np.argsort(self.ids, kind="stable"))

    def without(self, rows: NDArray[np.int64]) -> Self:
        """All rows but these."""
        if not len(rows):
            return self
        stands = np.ones(len(self), np.bool_)
        stands[rows] = False
        return self.at(stands)

    def narrow(self) -> dict[str, NDArray[Any]]:
        """The columns that say something about a row, as small as they can be written.

        A column of whole numbers takes the narrowest type that holds them; one that is the same in
        every row is one number. `ids` and `keys` are left to the index.
        """
        return {name: _narrow(getattr(self, name)) for name in NARROWED}

    @classmethod
    def widened(
        cls,
        ids: NDArray[np.int64],
        keys: NDArray[np.uint8],
        narrow: Mapping[str, NDArray[Any]],
    ) -> Self:
        """The columns that `narrow` wrote, uncopied. Raises KeyError or ValueError when some are
        missing or do not fit."""
        n = len(ids)
        return cls(
            ids=ids, keys=keys, **{name: np.broadcast_to(narrow[name], n) for name in NARROWED}
        )


NARROWED = tuple(name for name in Columns.__struct_fields__ if name not in ("ids", "keys"))


def _narrow(column: NDArray[Any]) -> NDArray[Any]:
    if not len(column):
        return column
    low, high = column.min(), column.max()
    if low == high:
        return column[:1]
    for width in (np.int8, np.int16, np.int32):
        if np.iinfo(width).min <= low and high <= np.iinfo(width).max:
            return column.astype(width, copy=False)
    return column
