"""The Hamming scan finds every code within the radius, and nothing else, in a fixed order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lapwing.bank.index.hamming import HammingIndex
from lapwing.model.errors import InvalidInput

Hits = list[tuple[int, int, int]]


def codes_near(rng: np.random.Generator, n: int, groups: int) -> NDArray[np.uint8]:
    """Codes scattered around a few centres, so that small distances do occur."""
    centres = rng.integers(0, 256, (groups, 32), dtype=np.uint8)
    codes = centres[rng.integers(0, groups, n)].copy()
    for code in codes:
        for bit in rng.integers(0, 256, int(rng.integers(0, 40))):
            code[bit // 8] ^= np.uint8(1 << (bit % 8))
    return codes


def brute_force(
    codes: NDArray[np.uint8], ids: NDArray[np.int64], queries: NDArray[np.uint8], radius: int
) -> Hits:
    found = []
    for number, query in enumerate(queries):
        distances = np.unpackbits(codes ^ query, axis=1).sum(axis=1)
        found += [
            (number, int(identity), int(distance))
            for identity, distance in zip(ids, distances, strict=True)
            if distance <= radius
        ]
    return sorted(found, key=lambda hit: (hit[0], hit[2], hit[1]))


def search(index: HammingIndex, queries: NDArray[np.uint8], radius: int) -> Hits:
    query_no, ids, distance = index.search(queries, radius)
    assert (query_no.dtype, ids.dtype, distance.dtype) == (np.int64, np.int64, np.int32)
    return list(zip(query_no.tolist(), ids.tolist(), distance.tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(0, 300),
    m=st.integers(0, 8),
    radius=st.integers(0, 256),
)
def test_the_scan_finds_what_brute_force_finds(seed: int, n: int, m: int, radius: int) -> None:
    rng = np.random.default_rng(seed)
    codes = codes_near(rng, n, 3)
    ids = rng.permutation(n).astype(np.int64) * 7 - 3
    queries = codes_near(rng, m, 3) if m % 2 or not n else codes[rng.integers(0, n, m)]
    index = HammingIndex.build(codes, ids)
    assert len(index) == n
    assert search(index, queries, radius) == brute_force(codes, ids, queries, radius)


@pytest.mark.parametrize("n", [2047, 2048, 2049, 5000])
def test_codes_on_both_sides_of_a_block_edge_are_found(n: int) -> None:
    rng = np.random.default_rng(n)
    codes = rng.integers(0, 256, (n, 32), dtype=np.uint8)
    index = HammingIndex.build(codes, np.arange(n, dtype=np.int64))
    rows = [0, 2046, n - 1]
    assert search(index, codes[rows], 31) == [(k, row, 0) for k, row in enumerate(rows)]


def test_equal_codes_with_different_ids_are_all_found_and_more_than_the_first_buffer_holds() -> (
    None
):
    codes = np.zeros((3000, 32), np.uint8)
    index = HammingIndex.build(codes, np.arange(3000, dtype=np.int64)[::-1].copy())
    assert search(index, codes[:1], 0) == [(0, identity, 0) for identity in range(3000)]


def test_the_radius_is_inclusive() -> None:
    codes = np.zeros((1, 32), np.uint8)
    query = np.packbits(np.arange(256) < 31).reshape(1, 32)
    index = HammingIndex.build(codes, np.array([5], np.int64))
    assert search(index, query, 31) == [(0, 5, 31)]
    assert search(index, query, 30) == []


def test_nothing_is_found_in_nothing() -> None:
    none = np.empty((0, 32), np.uint8)
    some = np.zeros((2, 32), np.uint8)
    empty = HammingIndex.build(none, np.empty(0, np.int64))
    assert search(empty, some, 256) == []
    assert search(HammingIndex.build(some, np.arange(2, dtype=np.int64)), none, 256) == []


def test_arrays_that_are_read_only_or_strided_are_taken_as_they_are() -> None:
    wide = np.zeros((4, 64), np.uint8)
    frozen = np.frombuffer(bytes(64), np.uint8).reshape(2, 32)
    index = HammingIndex.build(wide[:, ::2], np.arange(4, dtype=np.int64))
    assert len(search(index, frozen, 0)) == 8


@pytest.mark.parametrize(
    ("codes", "ids", "field"),
    [
        (np.zeros((2, 0), np.uint8), np.arange(2), "codes"),
        (np.zeros(32, np.uint8), np.arange(1), "codes"),
        (np.zeros((2, 32), np.int8), np.arange(2), "codes"),
        (np.zeros((2, 32), np.uint8), np.arange(3), "ids"),
        (np.zeros((2, 32), np.uint8), np.arange(2, dtype=np.int32), "ids"),
    ],
)
def test_other_shapes_and_types_are_refused(
    codes: NDArray[np.uint8], ids: NDArray[np.int64], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        HammingIndex.build(codes, ids)
    assert refused.value.field == field


@pytest.mark.parametrize("radius", [-1, 257])
def test_a_radius_outside_the_code_is_refused(radius: int) -> None:
    index = HammingIndex.build(np.zeros((1, 32), np.uint8), np.arange(1))
    with pytest.raises(InvalidInput):
        index.search(np.zeros((1, 32), np.uint8), radius)
