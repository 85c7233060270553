"""Codes come and go: each change is in the next search, whoever else is searching."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from lapwing.bank.index import codes as codes_taken
from lapwing.bank.index import hamming
from lapwing.bank.index.hamming import HammingIndex
from lapwing.bank.index.threads import in_parts
from lapwing.model.errors import InvalidInput, LimitExceeded


def some_codes(n: int, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (n, 32), dtype=np.uint8)


def ids_at(index: HammingIndex, code: NDArray[np.uint8], radius: int = 0) -> list[int]:
    return index.search(code.reshape(1, -1), radius)[1].tolist()


def test_an_added_code_is_found_and_a_removed_one_is_not() -> None:
    codes = some_codes(4)
    index = HammingIndex.build(codes[:2], np.array([7, 8]))
    assert index.add(codes[2:], np.array([9, 10])) == 2
    assert (ids_at(index, codes[3]), len(index)) == ([10], 4)
    assert index.remove(np.array([10, 7, 99])) == 2
    assert (ids_at(index, codes[3]), ids_at(index, codes[0]), len(index)) == ([], [], 2)
    assert index.remove(np.array([10])) == 0


def test_a_removed_id_may_be_added_again_with_another_code() -> None:
    codes = some_codes(2)
    index = HammingIndex.build(codes[:1], np.array([5]))
    index.remove(np.array([5]))
    index.add(codes[1:], np.array([5]))
    assert (ids_at(index, codes[0]), ids_at(index, codes[1])) == ([], [5])
    index.remove(np.array([5]))
    assert (ids_at(index, codes[1]), len(index)) == ([], 0)


def test_one_id_may_have_many_codes_and_goes_with_all_of_them() -> None:
    codes = some_codes(90_000)
    ids = np.random.default_rng(0).integers(0, 30_000, 90_000)
    index = HammingIndex.build(codes[:80_000], ids[:80_000])
    index.add(codes[80_000:], ids[80_000:])
    for gone in (ids[:3], ids[85_000:85_200]):
        standing = index.standing
        assert index.remove(gone) == (np.isin(ids, gone) & standing).sum()
    rows = np.flatnonzero(~index.standing)
    assert len(rows)
    assert not len(index.search(codes[rows], 0)[0])


def test_an_empty_index_grows_from_nothing() -> None:
    index = HammingIndex.build(np.empty((0, 8), np.uint8), np.empty(0, np.int64))
    assert (len(index), index.ids.shape, index.codes.shape) == (0, (0,), (0, 8))
    assert index.remove(np.array([1])) == 0
    code = np.arange(8, dtype=np.uint8).reshape(1, 8)
    assert index.add(code[:0], np.empty(0, np.int64)) == 0
    index.add(code, np.array([3]))
    assert index.search(code ^ np.uint8(1), 64)[1:][0].tolist() == [3]


def test_hits_come_by_query_then_distance_then_id_also_across_what_was_added() -> None:
    zero = np.zeros((6, 32), np.uint8)
    zero[1, 0] = zero[4, 0] = 1
    index = HammingIndex.build(zero[:3], np.array([30, 20, 10]))
    index.add(zero[3:], np.array([25, 5, 10]))
    query_no, ids, distance = index.search(np.zeros((2, 32), np.uint8), 1)
    assert query_no.tolist() == [0] * 6 + [1] * 6
    assert distance.tolist() == [0, 0, 0, 0, 1, 1] * 2
    assert ids.tolist() == [10, 10, 25, 30, 5, 20] * 2
    rows = index.search_rows(np.zeros((1, 32), np.uint8), 1)[1]
    assert rows.tolist() == [2, 5, 3, 0, 4, 1]
    assert index.ids[rows].tolist() == [10, 10, 25, 30, 5, 20]


def test_rows_keep_their_numbers_while_an_index_grows_and_shrinks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hamming, "SEAL_AT", 50)
    monkeypatch.setattr(hamming, "JOIN_LIMIT", 120)
    codes, ids = some_codes(1000), np.arange(1000)[::-1].copy()
    index = HammingIndex.build(codes[:100], ids[:100])
    for start in range(100, 1000, 30):
        index.add(codes[start : start + 30], ids[start : start + 30])
        index.remove(ids[start : start + 2])
    assert np.array_equal(index.codes, codes)
    assert np.array_equal(index.ids, ids)
    standing = index.standing
    assert len(index) == standing.sum() == 940
    query_no, row, _ = index.search_rows(codes, 0)
    assert query_no.tolist() == row.tolist() == np.flatnonzero(standing).tolist()
    merged = index.merged()
    assert np.array_equal(merged.ids, ids[standing])
    assert merged.search(codes, 0)[1].tolist() == index.search(codes, 0)[1].tolist()


def test_forks_change_apart_from_each_other() -> None:
    codes = some_codes(6)
    first = HammingIndex.build(codes[:2], np.arange(2))
    first.add(codes[2:3], np.array([2]))
    second = first.fork()
    first.add(codes[3:4], np.array([3]))
    second.add(codes[4:6], np.array([4, 5]))
    second.remove(np.array([0, 2]))
    assert [ids_at(first, code) for code in codes] == [[0], [1], [2], [3], [], []]
    assert [ids_at(second, code) for code in codes] == [[], [1], [], [], [4], [5]]


def test_what_was_passed_in_may_change_after_an_add() -> None:
    codes, ids = some_codes(2), np.array([1, 2])
    index = HammingIndex.build(np.empty((0, 32), np.uint8), np.empty(0, np.int64))
    index.add(codes, ids)
    kept = codes.copy()
    codes[:] = 0
    ids[:] = 9
    assert ids_at(index, kept[1]) == [2]


@pytest.mark.parametrize("threads", [1, 2, 3, 50])
def test_any_number_of_threads_gives_the_same_answer(threads: int) -> None:
    codes = some_codes(60_000)
    index = HammingIndex.build(codes, np.arange(60_000), threads=threads)
    queries = codes[:333].copy()
    queries[:, 3] ^= 17
    for radius in (31, 100):
        expected = index.search(queries, radius, threads=1)
        assert all(map(np.array_equal, index.search(queries, radius, threads=threads), expected))
    assert expected[2].min() == 2


@pytest.mark.parametrize(("count", "threads"), [(0, 2), (1, 2), (31, 2), (32, 2), (1000, 3)])
def test_parts_make_up_the_whole(count: int, threads: int) -> None:
    ends = in_parts(lambda start, end: list(range(start, end)), count, threads)
    assert [each for part in ends for each in part] == list(range(count))


def test_searches_during_changes_see_every_change_that_came_before() -> None:
    codes = some_codes(70_000)
    index = HammingIndex.build(codes[:60_000], np.arange(60_000))
    reached, stop = [60_000], threading.Event()
    wrong: list[str] = []

    def search() -> None:
        rng = np.random.default_rng()
        while not stop.is_set():
            end = reached[0]
            added = rng.integers(60_000, end, 3) if end > 60_000 else np.array([5])
            found = set(index.search(codes[added], 2)[1].tolist())
            if not set(added.tolist()) <= found:
                wrong.append(f"added {added} found {found}")
            gone = rng.integers(0, max(1, end - 60_001), 3) + 10
            if end > 60_100 and index.search(codes[gone], 0)[1].size:
                wrong.append(f"removed {gone} but found")

    readers = [threading.Thread(target=search) for _ in range(3)]
    for reader in readers:
        reader.start()
    for row in range(60_000, 61_500):
        index.remove(np.array([row - 60_000 + 10]))
        index.add(codes[row : row + 1], np.array([row]))
        reached[0] = row + 1
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong
    assert len(index) == 60_000


def test_other_codes_ids_and_radii_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    index = HammingIndex.build(some_codes(3), np.arange(3))
    with pytest.raises(InvalidInput) as refused:
        index.add(np.zeros((1, 31), np.uint8), np.arange(1))
    assert refused.value.field == "codes"
    with pytest.raises(InvalidInput) as refused:
        index.add(some_codes(2), np.arange(1))
    assert refused.value.field == "ids"
    with pytest.raises(InvalidInput) as refused:
        index.remove(np.arange(2, dtype=np.int32))
    assert refused.value.field == "ids"
    with pytest.raises(InvalidInput) as refused:
        index.search(np.zeros((1, 33), np.uint8), 3)
    assert refused.value.field == "queries"
    with pytest.raises(InvalidInput) as refused:
        HammingIndex.build(some_codes(3), np.arange(3), radius=257)
    assert refused.value.field == "radius"
    monkeypatch.setattr(codes_taken, "MOST_ROWS", 4)
    with pytest.raises(LimitExceeded):
        index.add(some_codes(2), np.arange(2))
    with pytest.raises(LimitExceeded):
        HammingIndex.build(some_codes(5), np.arange(5))
    assert len(index) == 3
