"""Made-up 256-bit codes of three kinds, seeded: what an index finds easy, and what it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]

BITS = 256
_AT_ONCE = 50_000
_CENTRES = 1_000
_MOTIFS = 200


def uniform(rng: np.random.Generator, n: int) -> Codes:
    """Every bit by itself: uint8[n, 32]."""
    return rng.integers(0, 256, (n, BITS // 8), dtype=np.uint8)


def clustered(rng: np.random.Generator, n: int) -> Codes:
    """A thousand pictures in many versions, each bit of a version changed one time in ten."""
    centres = uniform(rng, _CENTRES)

    def some(count: int) -> Codes:
        changed = np.packbits(rng.random((count, BITS), np.float32) < 0.1, axis=1)
        return centres[rng.integers(0, _CENTRES, count)] ^ changed

    return _made(n, some)


def pdq_like(rng: np.random.Generator, n: int) -> Codes:
    """As PDQ makes them: the upper half of 256 coefficients, so that exactly half of the bits are
    set; coefficients follow 200 motifs, so that bits of one motif depend on each other."""
    motifs = rng.normal(size=(_MOTIFS, BITS)).astype(np.float32)

    def some(count: int) -> Codes:
        drawn = rng.standard_normal((count, BITS), np.float32)
        drawn += 0.8 * motifs[rng.integers(0, _MOTIFS, count)]
        return np.packbits(drawn > np.median(drawn, axis=1, keepdims=True), axis=1)

    return _made(n, some)


KINDS: dict[str, Callable[[np.random.Generator, int], Codes]] = {
    "uniform": uniform,
    "clustered": clustered,
    "PDQ-like": pdq_like,
}


def asked(rng: np.random.Generator, codes: Codes, m: int) -> Codes:
    """`m` queries: every other one lies 0 to 31 bits from a code, the rest are random."""
    queries = uniform(rng, m)
    near = np.unpackbits(codes[rng.integers(0, len(codes), len(queries[::2]))], axis=1)
    changes = rng.integers(0, 32, len(near))
    order = rng.random(near.shape).argsort(axis=1)
    near ^= (order < changes[:, None]).astype(np.uint8)
    queries[::2] = np.packbits(near, axis=1)
    return queries


def _made(n: int, some: Callable[[int], Codes]) -> Codes:
    codes = np.empty((n, BITS // 8), np.uint8)
    for start, count in _pieces(n):
        codes[start : start + count] = some(count)
    return codes


def _pieces(n: int) -> Iterator[tuple[int, int]]:
    for start in range(0, n, _AT_ONCE):
        yield start, min(_AT_ONCE, n - start)
