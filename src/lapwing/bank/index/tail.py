"""What was just added: a short run of codes that is scanned, and that grows in place."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from lapwing.bank.index.found import Found, frozen
from lapwing.bank.index.scanning import scan

_LEAST = 64


class _Room:
    """Arrays with room to spare, and how much of them any tail has taken."""

    def __init__(self, capacity: int, words: int) -> None:
        self.codes = np.empty((capacity, words), np.uint64)
        self.ids = np.empty(capacity, np.int64)
        self.taken = 0
        self.lock = threading.Lock()


class Tail:
    """Frozen to those who hold it: `grown` writes only behind what any holder can see."""

    def __init__(self, room: _Room, count: int) -> None:
        self._room = room
        self._count = count

    @classmethod
    def empty(cls, words: int) -> Tail:
        return cls(_Room(0, words), 0)

    def __len__(self) -> int:
        return self._count

    @property
    def codes(self) -> NDArray[np.uint64]:
        return frozen(self._room.codes[: self._count])

    @property
    def ids(self) -> NDArray[np.int64]:
        return frozen(self._room.ids[: self._count])

    def grown(self, codes: NDArray[np.uint64], ids: NDArray[np.int64]) -> Tail:
        """These and then those, in a tail of its own; this one stays as it is."""
        count = self._count + len(codes)
        with self._room.lock:
            # Two tails may share a beginning; only the first to go on may do so in place.
            fits = self._room.taken == self._count and count <= len(self._room.ids)
            if fits:
                self._room.taken = count
        room = self._room if fits else self._moved(count)
        room.codes[self._count : count] = codes
        room.ids[self._count : count] = ids
        return Tail(room, count)

    def _moved(self, count: int) -> _Room:
        room = _Room(max(_LEAST, 2 * count), self._room.codes.shape[1])
        room.codes[: self._count] = self._room.codes[: self._count]
        room.ids[: self._count] = self._room.ids[: self._count]
        room.taken = count
        return room

    def near(self, queries: NDArray[np.uint64], radius: int) -> Found:
        """(query_no, row, distance) of every pair within `radius`, in no promised order."""
        return scan(self.codes, queries, radius)

    def rows_of(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.flatnonzero(np.isin(self.ids, ids))
