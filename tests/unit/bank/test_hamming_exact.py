"""The tables find exactly what the scan finds: any data, any width, any radius, any history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lapwing.bank.index import plans
from lapwing.bank.index.codes import as_words
from lapwing.bank.index.found import frozen
from lapwing.bank.index.hamming import HammingIndex
from lapwing.bank.index.scanning import scan
from lapwing.bank.index.tables import Tables

Codes = NDArray[np.uint8]
SHAPES = ["uniform", "clustered", "balanced", "lopsided", "equal"]


@contextmanager
def tables_always() -> Iterator[None]:
    """As if a scan took for ever, so that a few hundred codes are asked through tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "SCAN_WORD_NS", 1e12)
        yield


def flipped(rng: np.random.Generator, codes: Codes, most: int) -> Codes:
    """Each code with 0 to `most` of its bits changed."""
    bits = np.unpackbits(codes, axis=1)
    for row in bits:
        chosen = rng.choice(len(row), int(rng.integers(0, most + 1)), replace=False)
        row[chosen] ^= 1
    return np.packbits(bits, axis=1)


def made(rng: np.random.Generator, shape: str, n: int, width: int) -> Codes:
    bits = 8 * width
    if shape == "uniform":
        return rng.integers(0, 256, (n, width), dtype=np.uint8)
    if shape == "clustered":
        centres = rng.integers(0, 256, (5, width), dtype=np.uint8)
        return flipped(rng, centres[rng.integers(0, 5, n)], bits // 4)
    if shape == "balanced":  # as PDQ: exactly half of the bits are set, and neighbours agree
        smooth = np.cumsum(rng.normal(size=(n, bits)), axis=1)
        return np.packbits(smooth > np.median(smooth, axis=1, keepdims=True), axis=1)
    if shape == "lopsided":
        return np.packbits(rng.random((n, bits)) < 0.06, axis=1)
    return np.zeros((n, width), np.uint8)


def asked(rng: np.random.Generator, codes: Codes, m: int) -> Codes:
    """Queries of which about half lie near to a code."""
    n, width = codes.shape
    queries = rng.integers(0, 256, (m, width), dtype=np.uint8)
    if n and m:
        half = m // 2 + 1
        near = codes[rng.integers(0, n, half)]
        queries[:half] = flipped(rng, near, min(8 * width, width + 8))
    return queries


def by_scan(codes: Codes, ids: NDArray[np.int64], queries: Codes, radius: int) -> Any:
    query_no, row, distance = scan(
        frozen(as_words(codes)), frozen(as_words(queries)), radius, threads=1
    )
    order = np.lexsort((row, ids[row], distance, query_no))
    return list(zip(query_no[order], ids[row[order]], distance[order], strict=True))


def found(index: HammingIndex, queries: Codes, radius: int, threads: int = 1) -> Any:
    return list(zip(*index.search(queries, radius, threads=threads), strict=True))


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.sampled_from(SHAPES),
    n=st.integers(30, 500),
    radius=st.integers(0, 31),
)
def test_recall_is_one_for_every_radius_up_to_the_recommended(
    seed: int, shape: str, n: int, radius: int
) -> None:
    rng = np.random.default_rng(seed)
    codes = made(rng, shape, n, 32)
    ids = rng.integers(0, 50, n)
    queries = asked(rng, codes, 9)
    with tables_always():
        index = HammingIndex.build(codes, ids)
        assert "offsets" in index.arrays()
        assert found(index, queries, radius) == by_scan(codes, ids, queries, radius)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.sampled_from(SHAPES),
    width=st.sampled_from([1, 7, 8, 9, 12, 32, 33, 64, 144]),
    design=st.floats(0, 1),
    share=st.floats(0, 1),
)
def test_every_width_and_every_radius_is_exact_whatever_radius_it_was_built_for(
    seed: int, shape: str, width: int, design: float, share: float
) -> None:
    rng = np.random.default_rng(seed)
    codes = made(rng, shape, int(rng.integers(1, 400)), width)
    ids = rng.permutation(len(codes)).astype(np.int64)
    queries = asked(rng, codes, 5)
    radius = round(share**3 * 8 * width)
    with tables_always():
        index = HammingIndex.build(codes, ids, radius=round(design**2 * 8 * width))
        assert found(index, queries, radius) == by_scan(codes, ids, queries, radius)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), widths=st.lists(st.integers(1, 14), min_size=1, max_size=12))
def test_any_chunks_are_exact(seed: int, widths: list[int]) -> None:
    rng = np.random.default_rng(seed)
    codes = made(rng, rng.choice(SHAPES), 300, 32)
    words, queries = frozen(as_words(codes)), frozen(as_words(asked(rng, codes, 6)))
    farthest = sum(min(width, plans.FARTHEST) + 1 for width in widths) - 1
    radius = int(rng.integers(0, min(3 * len(widths), farthest) + 1))
    with tables_always():
        tables = Tables.build(words, 256, tuple(widths), 2)
        rows, left = tables.search(words, queries, radius, 1)
    assert not len(left)
    told = sorted(zip(*rows, strict=True))
    assert told == sorted(zip(*scan(words, queries, radius), strict=True))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.sampled_from(SHAPES),
    width=st.sampled_from([8, 32, 144]),
    radius=st.integers(0, 60),
)
def test_adds_and_removals_in_any_order_then_saved_and_opened(
    seed: int, shape: str, width: int, radius: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng = np.random.default_rng(seed)
    codes = made(rng, shape, 400, width)
    ids = rng.integers(0, 300, 400)
    with tables_always(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("lapwing.bank.index.hamming.SEAL_AT", 40)
        start = int(rng.integers(0, 300))
        index = HammingIndex.build(codes[:start], ids[:start])
        stands = np.arange(400) < start
        for _ in range(8):
            if rng.random() < 0.5:
                end = min(400, start + int(rng.integers(0, 60)))
                index.add(codes[start:end], ids[start:end])
                stands[start:end] = True
                start = end
            else:
                gone = rng.integers(0, 300, int(rng.integers(0, 90)))
                hit = stands & np.isin(ids, gone)
                assert index.remove(gone) == hit.sum()
                stands &= ~hit
        queries = asked(rng, codes, 6)
        expected = by_scan(codes[stands], ids[stands], queries, radius)
        assert len(index) == stands.sum()
        assert found(index, queries, radius) == expected
        assert np.array_equal(index.standing, stands[:start])
        path = tmp_path_factory.mktemp("index") / "codes"
        index.save(path)
        HammingIndex.verify(path)
        opened = HammingIndex.open(path)
        assert found(opened, queries, radius) == expected
        assert np.array_equal(opened.ids, ids[stands])
        assert np.array_equal(opened.codes, codes[stands])


@pytest.mark.parametrize("shape", ["uniform", "clustered", "balanced"])
def test_what_the_planner_chooses_for_many_codes_is_exact(shape: str) -> None:
    rng = np.random.default_rng(7)
    codes = made(rng, shape, 60_000, 32)
    ids = rng.permutation(60_000).astype(np.int64)
    index = HammingIndex.build(codes, ids)
    assert "offsets" in index.arrays()
    queries = asked(rng, codes, 200)
    for radius in (*range(0, 32, 3), 31, 40, 60):
        expected = by_scan(codes, ids, queries, radius)
        assert found(index, queries, radius) == expected
        assert found(index, queries, radius, threads=2) == expected


def test_a_bucket_of_a_hundred_thousand_equal_codes_is_answered_exactly() -> None:
    rng = np.random.default_rng(3)
    codes = made(rng, "uniform", 130_000, 32)
    codes[10_000:110_000] = codes[0]
    index = HammingIndex.build(codes, np.arange(130_000))
    queries = np.concatenate((flipped(rng, codes[:1], 31), codes[120_000:120_020]))
    answer = index.search(queries, 31, threads=1)
    assert list(zip(*answer, strict=True)) == by_scan(codes, np.arange(130_000), queries, 31)
    assert (answer[0] == 0).sum() == 100_001


def test_a_query_that_would_visit_more_than_a_scan_is_scanned() -> None:
    rng = np.random.default_rng(3)
    codes = made(rng, "uniform", 100_000, 32)
    words, equal = frozen(as_words(codes)), codes.copy()
    equal[:, :24] = equal[0, :24]  # all but one word in four tell nothing
    tables = Tables.build(frozen(as_words(equal)), 256, (18,) * 14, 2)
    _, left = tables.search(frozen(as_words(equal)), frozen(as_words(equal[:3])), 31, 1)
    assert len(left) == 3
    index = HammingIndex.build(equal, np.arange(100_000))
    assert found(index, equal[:3], 31) == by_scan(equal, np.arange(100_000), equal[:3], 31)
    assert words.shape == (100_000, 4)


@pytest.mark.parametrize(("n", "radius"), [(0, 31), (1, 31), (1000, 31), (200_000, 256)])
def test_where_the_scan_is_faster_there_are_no_tables(n: int, radius: int) -> None:
    assert plans.planned(n, 256, radius) is None


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 2**32 - 1), words=st.sampled_from([1, 4, 18]), share=st.floats(0.001, 0.3))
def test_reaches_always_add_up_to_more_than_the_radius(n: int, words: int, share: float) -> None:
    bits = 64 * words
    radius = int(share * bits)
    plan = plans.planned(n, bits, radius)
    if plan is None:
        return
    assert sum(plan.widths) <= bits
    assert sum(reach + 1 for reach in plan.reaches) > radius
    for asked_radius in (0, radius // 2, radius, radius + 3):
        buckets = [n / 2**width for width in plan.widths]
        reaches, cost = plans.reaches_for(plan.widths, buckets, asked_radius)
        assert sum(reach + 1 for reach in reaches) > asked_radius or cost == float("inf")


def test_chunks_share_no_bit_and_lie_inside_the_code() -> None:
    widths = (23, 22, 21, 1, 17, 28)
    for bits in (8 * 14, 128, 256, 1152):
        chunks = plans.bits_of(widths, bits)
        assert [len(chunk) for chunk in chunks] == list(widths)
        taken = [bit for chunk in chunks for bit in chunk]
        assert len(set(taken)) == len(taken)
        assert 0 <= min(taken) <= max(taken) < bits


def test_the_order_of_bits_never_changes_as_saved_tables_depend_on_it() -> None:
    assert plans.bits_of((4, 3), 256) == [[93, 42, 196, 61], [130, 156, 45]]
