"""Blocks of indicators, as the database packs them, into columns.

A block shares list, kind, category and source; its records stand one after another as bytes, so
that a million indicators are read without a million rows of Python objects.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from lapwing.bank.index.columns import Columns
from lapwing.bank.index.exact import text_keys
from lapwing.bank.index.hits import HASH_WIDTHS
from lapwing.model.errors import IntegrityBroken
from lapwing.model.indicators import IndicatorKind

HEAD = struct.Struct(">qhqqi")
"""id, quality, valid_from, valid_until (`columns`), length of the value that follows."""

_HEAD_FIELDS: list[tuple[str, Any]] = [
    ("id", ">i8"),
    ("quality", ">i2"),
    ("valid_from", ">i8"),
    ("valid_until", ">i8"),
    ("length", ">i4"),
]


class Block(NamedTuple):
    """`records`: for each indicator its HEAD and its value, big-endian, without gaps."""

    kind: str
    list: UUID
    category: str
    source: str
    records: bytes


class Vocabulary:
    """Words by number and numbers by word; it only grows, so that old numbers stay true."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._words = list(words)
        self._numbers = {word: number for number, word in enumerate(self._words)}

    def number(self, word: str) -> int:
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self._words)
            self._words.append(word)
        return number

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self._words)


def columns_of(
    blocks: Iterable[Block], list_numbers: Mapping[UUID, int], vocabulary: Vocabulary
) -> dict[IndicatorKind, Columns]:
    """All indicators of the blocks as columns, by kind.

    Raises KeyError for a list that is not in `list_numbers`, IntegrityBroken for a hash of the
    wrong length.
    """
    parts: dict[IndicatorKind, list[Columns]] = {}
    for block in blocks:
        kind = IndicatorKind(block.kind)
        width = HASH_WIDTHS.get(kind)
        heads, keys = _texts(block) if width is None else _hashes(block, width)
        n = len(heads)
        parts.setdefault(kind, []).append(
            Columns(
                ids=heads["id"].astype(np.int64),
                keys=keys,
                list_no=np.full(n, list_numbers[block.list], np.int32),
                quality=heads["quality"].astype(np.int8),
                category=np.full(n, vocabulary.number(block.category), np.int32),
                source=np.full(n, vocabulary.number(block.source), np.int32),
                valid_from=heads["valid_from"].astype(np.int64),
                valid_until=heads["valid_until"].astype(np.int64),
            )
        )
    return {kind: Columns.joined(columns) for kind, columns in parts.items()}


def _hashes(block: Block, width: int) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """(heads, keys) of records that are all equally long."""
    record = np.dtype([*_HEAD_FIELDS, ("value", np.uint8, (width,))])
    whole, rest = divmod(len(block.records), record.itemsize)
    records = np.frombuffer(block.records, record, whole)
    if rest or (records["length"] != width).any():
        raise IntegrityBroken(f"list {block.list} holds a {block.kind} value of a wrong length")
    return records, records["value"]


def _texts(block: Block) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    heads: list[bytes] = []
    values: list[bytes] = []
    for head, value in _split(block.records):
        heads.append(head)
        values.append(value)
    return np.frombuffer(b"".join(heads), np.dtype(_HEAD_FIELDS)), text_keys(values)


def _split(records: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = 0
    while start < len(records):
        end = start + HEAD.size
        length = HEAD.unpack_from(records, start)[-1]
        yield records[start:end], records[end : end + length]
        start = end + length
