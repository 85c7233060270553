"""Merkle trees as in RFC 6962 §2.1, over SHA-256: hashes, roots, proofs and their checks. Pure.

A tree of n leaves splits at the largest power of two below n. Every proof is a list of hashes of
*ranges* [start, end) of leaves, so a proof is planned first (`inclusion_ranges`,
`consistency_ranges`) and filled in by whoever stores the hashes. The checks are the algorithms of
RFC 9162 §2.1.3.2 and §2.1.4.2 and need nothing but the proof.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

Range = tuple[int, int]
"""Leaves [start, end); start is a multiple of the largest power of two that fits."""

EMPTY_ROOT = hashlib.sha256().digest()
_sha256 = hashlib.sha256


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data)."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return _sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two smaller than `size` (which is at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def perfect_parts(start: int, end: int) -> list[tuple[int, int]]:
    """The perfect subtrees of a range as (height, index), left to right, largest first.

    A subtree of height h and index i covers the leaves [i·2^h, (i+1)·2^h).
    """
    parts: list[tuple[int, int]] = []
    while start < end:
        height = (end - start).bit_length() - 1
        parts.append((height, start >> height))
        start += 1 << height
    return parts


def join(parts: Iterable[bytes]) -> bytes:
    """The hash of a range from the hashes of its perfect subtrees, in the order above."""
    rest = list(parts)
    if not rest:
        return EMPTY_ROOT
    root = rest.pop()
    while rest:
        root = node_hash(rest.pop(), root)
    return root


def range_hash(start: int, end: int, subtree: Callable[[int, int], bytes]) -> bytes:
    """The hash of a range, asking `subtree(height, index)` for its perfect subtrees."""
    return join(subtree(height, index) for height, index in perfect_parts(start, end))


def reduce_level(hashes: Sequence[bytes]) -> list[bytes]:
    """The level above: pairs hashed together; a last odd one is left out, for it is incomplete."""
    return [
        _sha256(b"\x01" + hashes[i] + hashes[i + 1]).digest() for i in range(0, len(hashes) - 1, 2)
    ]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes held in memory."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        levels.append(reduce_level(levels[-1]))
    return range_hash(0, len(leaves), lambda height, index: levels[height][index])


def inclusion_ranges(position: int, size: int) -> list[Range]:
    """The ranges whose hashes prove the leaf at `position` in a tree of `size`, leaf to root."""
    if not 0 <= position < size:
        raise ValueError("position must be within the tree")
    ranges: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if position < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    ranges.reverse()
    return ranges


def consistency_ranges(old: int, new: int) -> list[Range]:
    """The ranges whose hashes prove that a tree of `old` leaves begins the one of `new`."""
    if not 0 <= old <= new:
        raise ValueError("the old size must be between 0 and the new size")
    if old in (0, new):
        return []
    ranges: list[Range] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, whole = middle, False
    if not whole:
        ranges.append((start, end))
    ranges.reverse()
    return ranges


def inclusion_root(leaf: bytes, position: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root to which the proof leads; None when it does not fit the position and size."""
    if not 0 <= position < size:
        return None
    node, last, found = position, size - 1, leaf
    for step in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    return found if last == 0 else None


def check_inclusion(
    leaf: bytes, position: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Whether the proof shows the leaf hash at `position` of the tree with this size and root."""
    return inclusion_root(leaf, position, size, path) == root


def check_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether the proof shows that the old tree is the beginning of the new one."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, step)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
