"""Against the published vectors of Certificate Transparency's reference implementation, against
pymerkle, and against the recursive definition of RFC 6962 §2.1."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from lapwing.evidence.merkle import (
    EMPTY_ROOT,
    check_consistency,
    check_inclusion,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    root_of,
)

# github.com/google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
LEAVES = [leaf_hash(data) for data in INPUTS]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def tree_hash(data: list[bytes]) -> bytes:
    """MTH(D[n]) word for word."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = 1
    while k * 2 < len(data):
        k *= 2
    return hashlib.sha256(b"\x01" + tree_hash(data[:k]) + tree_hash(data[k:])).digest()


def path(m: int, data: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) word for word."""
    if len(data) == 1:
        return []
    k = 1
    while k * 2 < len(data):
        k *= 2
    if m < k:
        return [*path(m, data[:k]), tree_hash(data[k:])]
    return [*path(m - k, data[k:]), tree_hash(data[:k])]


def subproof(m: int, data: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) word for word."""
    if m == len(data):
        return [] if whole else [tree_hash(data)]
    k = 1
    while k * 2 < len(data):
        k *= 2
    if m <= k:
        return [*subproof(m, data[:k], whole), tree_hash(data[k:])]
    return [*subproof(m - k, data[k:], False), tree_hash(data[:k])]


def hashes(ranges: list[tuple[int, int]], leaves: list[bytes]) -> list[bytes]:
    return [root_of(leaves[start:end]) for start, end in ranges]


def some(count: int) -> list[bytes]:
    return [i.to_bytes(4, "big") for i in range(count)]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert root_of(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("position", "size"), INCLUSION)
def test_inclusion_proofs_are_the_published_ones(position: int, size: int) -> None:
    proof = hashes(inclusion_ranges(position, size), LEAVES[:size])
    assert [step.hex() for step in proof] == INCLUSION[position, size]
    root = bytes.fromhex(ROOTS[size])
    assert check_inclusion(LEAVES[position], position, size, proof, root)


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(old: int, new: int) -> None:
    proof = hashes(consistency_ranges(old, new), LEAVES[:new])
    assert [step.hex() for step in proof] == CONSISTENCY[old, new]
    roots = bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new])
    assert check_consistency(old, new, *roots, proof)


@given(st.integers(0, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, max(n - 1, 0)))))
def test_roots_and_proofs_follow_the_recursive_definition(sizes: tuple[int, int]) -> None:
    size, other = sizes
    data = some(size)
    leaves = [leaf_hash(entry) for entry in data]
    root = root_of(leaves)
    assert root == tree_hash(data)
    if size:
        proof = hashes(inclusion_ranges(other, size), leaves)
        assert proof == path(other, data)
        assert check_inclusion(leaves[other], other, size, proof, root)
    if other:
        proof = hashes(consistency_ranges(other, size), leaves)
        assert proof == subproof(other, data, True)
        assert check_consistency(other, size, root_of(leaves[:other]), root, proof)


def test_roots_agree_with_pymerkle() -> None:
    theirs = InmemoryTree(algorithm="sha256")
    data = some(130)
    for size, entry in enumerate(data, start=1):
        theirs.append_entry(entry)
        assert theirs.get_root() == root_of([leaf_hash(one) for one in data[:size]])


@given(st.integers(1, 40), st.data())
def test_a_changed_inclusion_proof_does_not_hold(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(entry) for entry in some(size)]
    position = data.draw(st.integers(0, size - 1))
    root = root_of(leaves)
    proof = hashes(inclusion_ranges(position, size), leaves)
    assert not check_inclusion(leaf_hash(b"other"), position, size, proof, root)
    assert not check_inclusion(leaves[position], position, size, [*proof, EMPTY_ROOT], root)
    assert not check_inclusion(leaves[position], size, size, proof, root)
    if proof:
        assert not check_inclusion(leaves[position], position, size, proof[:-1], root)
        step = data.draw(st.integers(0, len(proof) - 1))
        bent = [*proof]
        bent[step] = node_hash(bent[step], bent[step])
        assert not check_inclusion(leaves[position], position, size, bent, root)
        elsewhere = data.draw(st.integers(0, size - 1).filter(lambda other: other != position))
        assert not check_inclusion(leaves[position], elsewhere, size, proof, root)


@given(st.integers(2, 40), st.data())
def test_a_changed_consistency_proof_does_not_hold(new: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(entry) for entry in some(new)]
    old = data.draw(st.integers(1, new - 1))
    old_root, new_root = root_of(leaves[:old]), root_of(leaves)
    proof = hashes(consistency_ranges(old, new), leaves)
    rewritten = root_of([leaf_hash(b"rewritten"), *leaves[1:]])
    assert not check_consistency(old, new, old_root, rewritten, proof)
    assert not check_consistency(old, new, leaf_hash(b"x"), new_root, proof)
    assert not check_consistency(old, new, old_root, new_root, [*proof, EMPTY_ROOT])
    assert not check_consistency(old, new, old_root, new_root, proof[:-1])
    assert not check_consistency(new, old, new_root, old_root, proof)


def test_an_empty_tree_begins_every_tree() -> None:
    assert check_consistency(0, 8, EMPTY_ROOT, bytes.fromhex(ROOTS[8]), [])
    assert not check_consistency(0, 8, LEAVES[0], bytes.fromhex(ROOTS[8]), [])


@pytest.mark.parametrize(("position", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_proof_is_planned_outside_the_tree(position: int, size: int) -> None:
    with pytest.raises(ValueError, match="within the tree"):
        inclusion_ranges(position, size)
