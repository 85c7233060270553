"""A checksum as fast as memory, so that a file of gigabytes can be checked each time it is opened.

It finds damage: every change within one word of 8 bytes, and any other but for a chance of 2^-64.
It is no defence against somebody who may write the file; must never be used where that matters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lapwing.bank.index.compiled import compiled

_LANES = 8
_ODD = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio, as in Knuth's multiplicative hashing (TAOCP 3, 6.4)."""


def _mixed(words: Any, lanes: Any) -> None:
    # Each step is one to one in the lane and in the word: no single change can cancel out.
    odd = np.uint64(_ODD)
    half = np.uint64(32)
    a, b, c, d = lanes[0], lanes[1], lanes[2], lanes[3]
    e, f, g, h = lanes[4], lanes[5], lanes[6], lanes[7]
    for i in range(0, words.shape[0], _LANES):
        a = (a ^ words[i]) * odd
        b = (b ^ words[i + 1]) * odd
        c = (c ^ words[i + 2]) * odd
        d = (d ^ words[i + 3]) * odd
        e = (e ^ words[i + 4]) * odd
        f = (f ^ words[i + 5]) * odd
        g = (g ^ words[i + 6]) * odd
        h = (h ^ words[i + 7]) * odd
        a ^= a >> half
        b ^= b >> half
        c ^= c >> half
        d ^= d >> half
        e ^= e >> half
        f ^= f >> half
        g ^= g >> half
        h ^= h >> half
    lanes[0], lanes[1], lanes[2], lanes[3] = a, b, c, d
    lanes[4], lanes[5], lanes[6], lanes[7] = e, f, g, h


_mix: Any = compiled(_mixed)


def checksum(data: NDArray[np.uint8]) -> str:
    """128 hex digits over `data: uint8[n]`, which may be read-only; differs by length too."""
    lanes = np.arange(1, _LANES + 1, dtype=np.uint64)
    lanes[0] ^= np.uint64(len(data))
    step = 8 * _LANES
    whole = len(data) // step * step
    last = np.zeros(step, np.uint8)
    last[: len(data) - whole] = data[whole:]
    for part in (data[:whole], last):
        words = (part if part.ctypes.data % 8 == 0 else part.copy()).view(np.uint64)
        words.setflags(write=False)  # one compiled form serves all
        _mix(words, lanes)
    return lanes.tobytes().hex()
