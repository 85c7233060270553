"""The bank out of the database: all of it once, and then only what changed.

Hashes come as blocks of bytes in ranges of ids, so that no indicator becomes a Python object and
neither server nor reader holds more than a range beside the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

import numpy as np
from sqlalchemy import Connection

from lapwing.bank import repository
from lapwing.bank.index.blocks import Vocabulary, columns_of
from lapwing.bank.index.columns import Columns
from lapwing.bank.index.snapshot import Snapshot
from lapwing.logs import log
from lapwing.model.indicators import BankList, IndicatorKind

RANGE = 1 << 18
"""Ids that are read at a time."""
TOLD_EVERY = 5.0
"""Seconds between two lines in the log about how far it has come."""

_NONE_GONE = np.empty(0, np.int64)


def load(connection: Connection, newest: int, lists: Sequence[BankList]) -> Snapshot:
    """Everything that stands. The transaction must see one moment: generation `newest`."""
    began = told = monotonic()
    numbers = {listed.id: number for number, listed in enumerate(lists)}
    vocabulary = Vocabulary()
    parts: dict[IndicatorKind, list[Columns]] = {}
    last, read = repository.last_id(connection), 0
    for after in range(0, last, RANGE):
        blocks = repository.blocks_by_id(connection, after, after + RANGE)
        for kind, columns in columns_of(blocks, numbers, vocabulary).items():
            narrow = Columns.widened(columns.ids, columns.keys, columns.narrow())
            parts.setdefault(kind, []).append(narrow)
            read += len(columns)
        if monotonic() - told >= TOLD_EVERY:
            told = monotonic()
            log.info("bank.loading", count=read, milliseconds=_since(began))
    added = {kind: Columns.joined(parts.pop(kind)) for kind in list(parts)}
    marks = repository.changed_marks(connection, 0, newest)
    standing = {indicator: mark for indicator, mark in marks.items() if mark}
    loaded = Snapshot.empty().changed(newest, lists, vocabulary.words, _NONE_GONE, added, standing)
    if read >= RANGE:
        log.info("bank.loaded", count=read, milliseconds=_since(began))
    return loaded


def follow(
    connection: Connection, held: Snapshot, newest: int, lists: Sequence[BankList]
) -> Snapshot:
    """`held` with everything that changed after its generation, up to `newest`.

    `lists` are all there are; every list that `held` knows must be among them.
    """
    by_id = {listed.id: listed for listed in lists}
    kept = [by_id.pop(listed.id) for listed in held.lists]
    numbered = [*kept, *by_id.values()]
    numbers = {listed.id: number for number, listed in enumerate(numbered)}
    vocabulary = Vocabulary(held.words)
    blocks = repository.standing_blocks(connection, held.generation, newest)
    added = columns_of(blocks, numbers, vocabulary)
    withdrawn = repository.withdrawn_ids(connection, held.generation, newest) if len(held) else ()
    again = [columns.ids for columns in added.values()]
    gone = np.concatenate((np.array(withdrawn, np.int64), *again))
    changed = repository.changed_marks(connection, held.generation, newest)
    marks = {**held.marks, **changed} if changed else held.marks
    marks = {indicator: mark for indicator, mark in marks.items() if mark} if changed else marks
    return held.changed(newest, numbered, vocabulary.words, gone, added, marks)


def _since(began: float) -> int:
    return round((monotonic() - began) * 1000)
