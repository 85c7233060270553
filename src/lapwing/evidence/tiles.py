"""The tree's hashes in tiles of up to 256: an append writes and a proof reads few rows. Pure.

Tile `number` of level `l` holds the hashes of the perfect subtrees of height 8·l with the indexes
256·number … 256·number + 255. Level 0 holds the leaf hashes. Only complete subtrees are stored, so
only the last tile of a level may be short: together these are the *edge*, and the edge alone is
enough to append and to know the root. A tile's bytes are its hashes one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from lapwing.evidence.merkle import Range, join, perfect_parts, range_hash, reduce_level

HEIGHT = 8
WIDTH = 1 << HEIGHT
HASH = 32

Coordinate = tuple[int, int]
"""(level, number) of a tile."""


class Growth(Struct, frozen=True):
    """A tree after an append: its size and root, and every tile that changed or is new."""

    size: int
    root: bytes
    tiles: dict[Coordinate, bytes]


def edge_of(size: int) -> dict[Coordinate, int]:
    """The short last tiles of a tree, with the number of hashes in each."""
    edge: dict[Coordinate, int] = {}
    level = 0
    while size:
        if size % WIDTH:
            edge[level, size // WIDTH] = size % WIDTH
        size //= WIDTH
        level += 1
    return edge


def grow(size: int, tiles: Mapping[Coordinate, bytes], leaves: Sequence[bytes]) -> Growth:
    """Append leaf hashes to the tree of `size` leaves whose edge is in `tiles`.

    Raises KeyError when a tile of the edge is missing and ValueError when one is too short.
    """
    new_size = size + len(leaves)
    changed: dict[Coordinate, bytes] = {}
    edge: dict[int, list[bytes]] = {}
    fresh: list[bytes] = list(leaves)
    level, below = 0, size
    while fresh or below:
        number, held = divmod(below, WIDTH)
        row = hashes_of(tiles[level, number])[:held] if held else []
        if len(row) != held:
            raise ValueError(f"tile {number} of level {level} is too short")
        grown = bool(fresh)
        row.extend(fresh)
        fresh = []
        while len(row) >= WIDTH:
            full, row = row[:WIDTH], row[WIDTH:]
            changed[level, number] = b"".join(full)
            fresh.append(_tile_root(full))
            number += 1
        if row and grown:
            changed[level, number] = b"".join(row)
        edge[level] = row
        level, below = level + 1, below // WIDTH
    return Growth(new_size, _root_of_edge(new_size, edge), changed)


def root_of_edge(size: int, tiles: Mapping[Coordinate, bytes]) -> bytes:
    """The root of the tree of `size` leaves, from its edge alone. Errors as in `grow`."""
    return grow(size, tiles, ()).root


def hashes_of(tile: bytes) -> list[bytes]:
    """The hashes in a tile."""
    return [tile[i : i + HASH] for i in range(0, len(tile), HASH)]


def coordinates(ranges: Iterable[Range]) -> set[Coordinate]:
    """The tiles needed for the hashes of these ranges."""
    return {
        (height // HEIGHT, index * _span(height) // WIDTH)
        for start, end in ranges
        for height, index in perfect_parts(start, end)
    }


def hash_ranges(ranges: Iterable[Range], tile: Callable[[int, int], bytes]) -> list[bytes]:
    """The hash of each range, asking `tile(level, number)` for the tiles named by `coordinates`."""

    def subtree(height: int, index: int) -> bytes:
        span = _span(height)
        number, first = divmod(index * span, WIDTH)
        data = tile(height // HEIGHT, number)
        part = data[first * HASH : (first + span) * HASH]
        if len(part) != span * HASH:
            raise ValueError(f"tile {number} of level {height // HEIGHT} is too short")
        return _tile_root(hashes_of(part))

    return [range_hash(start, end, subtree) for start, end in ranges]


def _span(height: int) -> int:
    """How many hashes of its tile a subtree of this height covers."""
    return 1 << (height % HEIGHT)


def _tile_root(hashes: list[bytes]) -> bytes:
    """The root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = reduce_level(hashes)
    return hashes[0]


def _root_of_edge(size: int, edge: Mapping[int, list[bytes]]) -> bytes:
    parts: list[bytes] = []
    for height, _ in perfect_parts(0, size):
        row = edge[height // HEIGHT]
        span = _span(height)
        first = len(row) // (2 * span) * (2 * span)
        parts.append(_tile_root(row[first : first + span]))
    return join(parts)
