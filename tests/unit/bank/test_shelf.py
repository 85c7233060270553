"""A shelf that was changed many times answers as one that was made at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapwing.bank.index.blocks import HEAD, Block, Vocabulary, columns_of
from lapwing.bank.index.columns import ALWAYS, FOR_EVER, NO_QUALITY, Columns
from lapwing.bank.index.shelf import Shelf
from lapwing.model.errors import IntegrityBroken, InvalidInput
from lapwing.model.indicators import IndicatorKind
from lapwing.store.clock import new_id

LIST = new_id()
KINDS = (IndicatorKind.PDQ, IndicatorKind.MD5, IndicatorKind.URL)

Answers = list[tuple[int, int, int]]


def value_of(kind: IndicatorKind, number: int) -> bytes:
    """Few distinct values, so that many indicators share one."""
    if kind is IndicatorKind.URL:
        return f"example.com/{number % 7}".encode()
    return bytes([number % 7]) * (32 if kind is IndicatorKind.PDQ else 16)


def columns(kind: IndicatorKind, ids: list[int]) -> Columns:
    records = b""
    for identity in ids:
        value = value_of(kind, identity)
        records += HEAD.pack(identity, NO_QUALITY, ALWAYS, FOR_EVER, len(value)) + value
    return columns_of([Block(kind, LIST, "c", "s", records)], {LIST: 0}, Vocabulary())[kind]


def answers(shelf: Shelf, kind: IndicatorKind) -> Answers:
    found = shelf.equal([value_of(kind, number) for number in range(7)])
    return list(
        zip(
            found.query_no.tolist(),
            found.columns.ids.tolist(),
            found.distance.tolist(),
            strict=True,
        )
    )


def expected(kind: IndicatorKind, standing: Mapping[int, bool]) -> Answers:
    return [
        (number, identity, 0)
        for number in range(7)
        for identity in sorted(standing)
        if value_of(kind, identity) == value_of(kind, number)
    ]


changes = st.lists(
    st.tuples(st.integers(0, 60), st.lists(st.integers(1, 400), max_size=40)), max_size=12
)


@settings(max_examples=80, deadline=None)
@given(kind=st.sampled_from(KINDS), steps=changes)
def test_layers_marks_and_joins_never_change_the_answer(
    kind: IndicatorKind, steps: list[tuple[int, list[int]]]
) -> None:
    shelf, standing, following = Shelf(kind), dict[int, bool](), 1
    for fresh, gone in steps:
        added = list(range(following, following + fresh))
        following += fresh
        before, was = shelf, answers(shelf, kind)
        shelf = shelf.changed(np.array(gone, np.int64), columns(kind, added) if added else None)
        for identity in gone:
            standing.pop(identity, None)
        standing |= dict.fromkeys(added, True)
        assert len(shelf) == len(standing)
        assert answers(shelf, kind) == expected(kind, standing)
        assert shelf.holds_any_of(np.array([True])) is bool(standing)
        assert answers(before, kind) == was


def test_a_row_that_changed_replaces_itself() -> None:
    shelf = Shelf(IndicatorKind.MD5).changed(
        np.empty(0, np.int64), columns(IndicatorKind.MD5, [1, 2, 3])
    )
    shelf = shelf.changed(np.array([2]), columns(IndicatorKind.MD5, [2]))
    assert len(shelf) == 3
    assert answers(shelf, IndicatorKind.MD5) == [(1, 1, 0), (2, 2, 0), (3, 3, 0)]


def test_a_small_change_leaves_the_large_layer_alone() -> None:
    kind = IndicatorKind.PDQ
    large = Shelf(kind).changed(np.empty(0, np.int64), columns(kind, list(range(1, 101))))
    changed = large.changed(np.array([5, 6]), columns(kind, [101, 102]))
    assert changed._layers[0].layer is large._layers[0].layer
    assert len(changed._layers) == 2
    joined = changed.changed(np.empty(0, np.int64), columns(kind, list(range(103, 143))))
    assert len(joined._layers) == 1
    emptied = joined.changed(np.arange(1, 200), None)
    assert (len(emptied), len(emptied._layers)) == (0, 0)


def test_only_pdq_has_distances_and_a_hash_of_a_wrong_length_is_found_out() -> None:
    shelf = Shelf(IndicatorKind.MD5).changed(np.empty(0, np.int64), columns(IndicatorKind.MD5, [1]))
    with pytest.raises(InvalidInput):
        shelf.near(np.zeros((1, 32), np.uint8), 1)
    record = HEAD.pack(1, NO_QUALITY, ALWAYS, FOR_EVER, 15) + bytes(15)
    with pytest.raises(IntegrityBroken):
        columns_of([Block("md5", LIST, "c", "s", record)], {LIST: 0}, Vocabulary())


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from(KINDS), steps=changes, seed=st.integers(0, 2**32 - 1))
def test_tidying_beside_changes_never_changes_the_answer(
    kind: IndicatorKind, steps: list[tuple[int, list[int]]], seed: int
) -> None:
    """A shelf is tidied while it changes; what comes of it answers as if nobody had tidied."""
    chance = np.random.default_rng(seed)
    shelf, following = Shelf(kind), 1
    before = tidied = shelf
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lapwing.bank.index.shelf.JOIN_AT_ONCE", 9)
        patch.setattr("lapwing.bank.index.shelf._MAY_BE_JOINED", 8)
        for fresh, gone in steps:
            added = columns(kind, list(range(following, following + fresh))) if fresh else None
            following += fresh
            shelf = shelf.changed(np.array(gone, np.int64), added)
            said, size = answers(shelf, kind), len(shelf)
            if chance.random() < 0.5:
                before, tidied = shelf, shelf.tidied()
                assert answers(tidied, kind) == said
            if chance.random() < 0.5:
                shelf = shelf.caught_up(before, tidied)
            assert (answers(shelf, kind), len(shelf)) == (said, size)


def test_many_changes_leave_few_layers_once_tidied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lapwing.bank.index.shelf.JOIN_AT_ONCE", 90)
    monkeypatch.setattr("lapwing.bank.index.shelf._MAY_BE_JOINED", 80)
    shelf = Shelf(IndicatorKind.SHA1)
    for start in range(1, 2001, 85):
        shelf = shelf.changed(np.empty(0, np.int64), hashes(start, 85))
    assert len(shelf.layers) == 24
    tidied = shelf.tidied()
    assert len(tidied.layers) <= 3
    assert len(tidied) == len(shelf)
    assert tidied.tidied() is tidied


def hashes(first: int, count: int) -> Columns:
    records = b"".join(
        HEAD.pack(number, NO_QUALITY, ALWAYS, FOR_EVER, 20) + number.to_bytes(20, "big")
        for number in range(first, first + count)
    )
    block = Block(IndicatorKind.SHA1, LIST, "c", "s", records)
    return columns_of([block], {LIST: 0}, Vocabulary())[IndicatorKind.SHA1]
