"""Equal values: cryptographic hashes, URLs and domains in a sorted array of 64-bit probes.

A probe (a key's first eight bytes) only nominates; a hit is given when the whole key is equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lapwing.model.errors import InvalidInput

PROBE_BYTES = 8
TEXT_KEY_BYTES = 32
"""A text's key is its SHA-256: equal in every process, and nobody can make texts whose probes
collide."""

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


def text_keys(values: Sequence[bytes]) -> NDArray[np.uint8]:
    """uint8[n, 32]: the keys of texts of any length."""
    digests = b"".join([hashlib.sha256(value).digest() for value in values])
    return np.frombuffer(digests, np.uint8).reshape(-1, TEXT_KEY_BYTES)


def hash_keys(values: Sequence[bytes], width: int) -> NDArray[np.uint8]:
    """uint8[n, width] of hashes that are all `width` bytes long; InvalidInput otherwise."""
    for number, value in enumerate(values):
        if len(value) != width:
            raise InvalidInput(f"hash {number} must be {width} bytes, not {len(value)}")
    return np.frombuffer(b"".join(values), np.uint8).reshape(-1, width)


class ExactIndex:
    """Keys of one width and the ids that go with each. Equal keys may repeat."""

    def __init__(
        self,
        probes: NDArray[np.uint64],
        rows: NDArray[np.uint32],
        keys: NDArray[np.uint8],
        ids: NDArray[np.int64],
    ) -> None:
        """As `build` made them: `probes` in rising order, and the row that each belongs to."""
        self._probes = probes
        self._rows = rows
        self._keys = keys
        self._ids = ids

    @classmethod
    def build(cls, keys: NDArray[np.uint8], ids: NDArray[np.int64]) -> Self:
        """An index over `keys: uint8[n, width ≥ 8]` with `ids: int64[n]`; keeps both uncopied."""
        if keys.dtype != np.uint8 or keys.ndim != 2 or keys.shape[1] < PROBE_BYTES:
            raise InvalidInput("keys must be uint8 of shape (n, width ≥ 8)", field="keys")
        if ids.dtype != np.int64 or ids.shape != (len(keys),):
            raise InvalidInput("ids must be int64, one a key", field="ids")
        probes = _probes_of(keys)
        rows = np.argsort(probes, kind="stable").astype(np.uint32)
        return cls(probes[rows], rows, keys, ids)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> NDArray[np.int64]:
        """int64[n], in the order of `build`."""
        return self._ids

    @property
    def probes(self) -> NDArray[np.uint64]:
        """uint64[n], in rising order."""
        return self._probes

    @property
    def rows(self) -> NDArray[np.uint32]:
        """uint32[n], the row of each probe."""
        return self._rows

    @property
    def keys(self) -> NDArray[np.uint8]:
        """uint8[n, width], in the order of `build`."""
        return self._keys

    def search(self, keys: NDArray[np.uint8]) -> Pairs:
        """(query_no, id) of every equal key, ordered by query, then by row as built."""
        query_no, row = self.search_rows(keys)
        return query_no, self._ids[row]

    def search_rows(self, keys: NDArray[np.uint8]) -> Pairs:
        """(query_no, row) of every equal key."""
        if keys.dtype != np.uint8 or keys.ndim != 2 or keys.shape[1] != self._keys.shape[1]:
            width = self._keys.shape[1]
            raise InvalidInput(f"keys must be uint8 of shape (n, {width})", field="keys")
        query_no, row = self.nominated(_probes_of(keys))
        equal = (self._keys[row] == keys[query_no]).all(axis=1)
        return query_no[equal], row[equal]

    def search_texts(self, values: Sequence[bytes]) -> Pairs:
        """(query_no, row) of every equal text."""
        return self.search_rows(text_keys(values))

    def nominated(self, probes: NDArray[np.uint64]) -> Pairs:
        """(query_no, row) of every row whose probe is equal."""
        left = np.searchsorted(self._probes, probes, side="left")
        inside = np.flatnonzero(left < len(self._probes))
        hit = inside[self._probes[left[inside]] == probes[inside]]
        right = np.searchsorted(self._probes, probes[hit], side="right")
        counts = right - left[hit]
        query_no = np.repeat(hit, counts)
        offset = np.arange(len(query_no)) - np.repeat(np.cumsum(counts) - counts, counts)
        return query_no, self._rows[np.repeat(left[hit], counts) + offset].astype(np.int64)


def _probes_of(keys: NDArray[np.uint8]) -> NDArray[np.uint64]:
    head = np.ascontiguousarray(keys[:, :PROBE_BYTES])
    return head.view(np.uint64).reshape(len(keys))
