from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapwing.evidence.merkle import inclusion_ranges, leaf_hash, root_of
from lapwing.evidence.tiles import (
    HASH,
    Coordinate,
    coordinates,
    edge_of,
    grow,
    hash_ranges,
    root_of_edge,
)

LEAVES = [leaf_hash(i.to_bytes(4, "big")) for i in range(70_000)]


def tiles_of(batches: list[int]) -> tuple[int, dict[Coordinate, bytes], bytes]:
    tiles: dict[Coordinate, bytes] = {}
    size, root = 0, b""
    for batch in batches:
        edge = {at: tiles[at] for at in edge_of(size)}
        grown = grow(size, edge, LEAVES[size : size + batch])
        tiles.update(grown.tiles)
        size, root = grown.size, grown.root
    return size, tiles, root


def lookup(tiles: dict[Coordinate, bytes]) -> Callable[[int, int], bytes]:
    return lambda level, number: tiles[level, number]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=8))
def test_the_batches_in_which_a_tree_grew_leave_no_trace(batches: list[int]) -> None:
    size, tiles, root = tiles_of(batches)
    assert root == root_of(LEAVES[:size])
    assert tiles == tiles_of([size])[1]
    assert root_of_edge(size, {at: tiles[at] for at in edge_of(size)}) == root


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000])
def test_roots_are_right_where_tiles_and_levels_fill_up(size: int) -> None:
    _, tiles, root = tiles_of([size - 1, 1])
    assert root == root_of(LEAVES[:size])
    assert {at: len(tiles[at]) // HASH for at in edge_of(size)} == edge_of(size)


def test_a_proof_in_a_large_tree_reads_few_tiles_and_is_right() -> None:
    size, tiles, _ = tiles_of([70_000])
    for position in (0, 300, 65_535, 65_536, 69_999):
        for seen in (position + 1, 69_000, size):
            if position >= seen:
                continue
            ranges = inclusion_ranges(position, seen)
            assert len(coordinates(ranges)) <= 6
            wanted = {at: tiles[at] for at in coordinates(ranges)}
            expected = [root_of(LEAVES[start:end]) for start, end in ranges]
            assert hash_ranges(ranges, lookup(wanted)) == expected


def test_a_thousand_leaves_change_few_tiles() -> None:
    _, tiles, _ = tiles_of([65_000])
    edge = {at: tiles[at] for at in edge_of(65_000)}
    assert len(grow(65_000, edge, LEAVES[65_000:66_000]).tiles) <= 8


def test_an_edge_with_a_hole_is_refused() -> None:
    _, tiles, _ = tiles_of([300])
    with pytest.raises(KeyError):
        grow(300, {}, LEAVES[300:301])
    short = {at: tiles[at][:HASH] for at in edge_of(300)}
    with pytest.raises(ValueError, match="too short"):
        grow(300, short, LEAVES[300:301])
