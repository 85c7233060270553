"""API keys that were looked up a moment ago, so that not every call asks the database who calls.

A key is remembered for a second at most, and not beyond the epoch in which it was looked up: who
revokes a key ends the epoch for every process of the node. Only keys that are good are remembered,
so that trying others neither fills the memory nor gets an answer from it. Secrets are not kept;
their digests are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from lapwing.model.organisations import ApiKey
from lapwing.store.epoch import Epoch

KEPT_SECONDS = 1.0
"""How long a key may still be taken for good after it was revoked on another node."""
STALE_SECONDS = 0.25
"""When it is time to look a key up again, beside the calls that still go on with it."""
MOST = 4096
"""Keys remembered; beyond that the oldest is forgotten."""


class _Entry(NamedTuple):
    key: ApiKey
    epoch: bytes
    at: float


class RememberedKeys:
    """By digest of the secret. Safe to share between threads."""

    def __init__(self, epoch: Epoch, seconds: Callable[[], float] = time.monotonic) -> None:
        self._epoch = epoch
        self._seconds = seconds
        self._entries: dict[bytes, _Entry] = {}

    def get(self, digest: bytes) -> tuple[ApiKey | None, bool]:
        """(the key or None where none is remembered, whether to look it up anew soon)."""
        entry = self._entries.get(digest)
        if entry is None:
            return None, True
        age = self._seconds() - entry.at
        if age >= KEPT_SECONDS or entry.epoch != self._epoch.current():
            self._entries.pop(digest, None)
            return None, True
        return entry.key, age >= STALE_SECONDS

    def look_up(self, digest: bytes, find: Callable[[], ApiKey | None]) -> ApiKey | None:
        """What `find` answers; a key is remembered, and what is no key any more forgotten."""
        epoch, at = self._epoch.current(), self._seconds()
        key = find()
        self._entries.pop(digest, None)
        if key is not None:
            self._entries[digest] = _Entry(key, epoch, at)
            if len(self._entries) > MOST:
                self._entries.pop(next(iter(self._entries), b""), None)
        return key

    def forget_all(self) -> None:
        """In this process and in every other of this node."""
        self._epoch.end()

    def __len__(self) -> int:
        return len(self._entries)
