"""The exact index finds equal keys only, however its probes fall."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapwing.bank.index.exact import ExactIndex, hash_keys, text_keys
from lapwing.model.errors import InvalidInput

# Few distinct first bytes, so that many keys share a probe and differ behind it.
clashing = st.builds(
    lambda head, tail: bytes([head]) * 8 + bytes([tail]) * 8, st.integers(0, 3), st.integers(0, 3)
)


@settings(max_examples=100, deadline=None)
@given(listed=st.lists(clashing, max_size=40), asked=st.lists(clashing, max_size=20))
def test_equal_keys_are_found_and_clashing_probes_are_not(
    listed: list[bytes], asked: list[bytes]
) -> None:
    ids = np.arange(len(listed), dtype=np.int64) + 100
    index = ExactIndex.build(hash_keys(listed, 16), ids)
    query_no, found = index.search(hash_keys(asked, 16))
    expected = [
        (number, 100 + row)
        for number, key in enumerate(asked)
        for row, other in enumerate(listed)
        if key == other
    ]
    assert list(zip(query_no.tolist(), found.tolist(), strict=True)) == expected


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=5), max_size=30), st.lists(st.text(max_size=5), max_size=30))
def test_texts_of_any_length_are_found(listed: list[str], asked: list[str]) -> None:
    values = [text.encode() for text in listed]
    index = ExactIndex.build(text_keys(values), np.arange(len(values), dtype=np.int64))
    query_no, rows = index.search_texts([text.encode() for text in asked])
    expected = [
        (number, row)
        for number, text in enumerate(asked)
        for row, other in enumerate(listed)
        if text == other
    ]
    assert list(zip(query_no.tolist(), rows.tolist(), strict=True)) == expected


def test_a_text_with_the_same_probe_but_another_digest_is_not_found() -> None:
    keys = text_keys([b"example.com/a"]).copy()
    keys[0, 8:] = 0
    index = ExactIndex.build(keys, np.zeros(1, np.int64))
    assert len(index.search_texts([b"example.com/a"])[0]) == 0


def test_a_hash_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidInput, match="20 bytes"):
        hash_keys([bytes(20), bytes(16)], 20)
    index = ExactIndex.build(hash_keys([bytes(16)], 16), np.zeros(1, np.int64))
    with pytest.raises(InvalidInput):
        index.search(hash_keys([bytes(20)], 20))
