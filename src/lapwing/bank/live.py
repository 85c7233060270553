"""The node's index, kept level with the database.

A snapshot is asked for once a batch; that costs one small query, and only what changed since is
read. It must never answer from a generation older than one already committed when it was asked.
"""

from __future__ import annotations

import threading
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, text

from lapwing.bank import repository
from lapwing.bank.index.blocks import Vocabulary, columns_of
from lapwing.bank.index.snapshot import Snapshot
from lapwing.model.indicators import BankList
from lapwing.store.clock import utc_now
from lapwing.store.database import Database


class LiveBank:
    """Safe to share between threads; each process holds its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held = Snapshot.empty()
        self.levelled_at: datetime | None = None
        """When a change was last taken over; None until something was listed."""
        self._loading = threading.Lock()

    def snapshot(self) -> Snapshot:
        """Everything committed before this call, frozen. Raises Unavailable."""
        held = self._held
        with self._database.index() as connection:
            newest = repository.generation(connection)
        if newest == held.generation:
            return held
        with self._loading:
            if self._held.generation != newest:
                self._held = self._level(self._held)
                self.levelled_at = utc_now()
            return self._held

    def _level(self, held: Snapshot) -> Snapshot:
        with self._database.index() as connection:
            # One view of the database for all reads below, whatever commits meanwhile.
            connection.execute(text("set transaction isolation level repeatable read, read only"))
            newest = repository.generation(connection)
            if newest == held.generation:
                return held
            lists = repository.bank_lists(connection)
            if newest < held.generation or not _still_there(held.lists, lists):
                held = Snapshot.empty()
            return _next(connection, held, newest, lists)


def _still_there(held: tuple[BankList, ...], now: list[BankList]) -> bool:
    """False when the database is another one than before, or was set back."""
    return {listed.id for listed in held} <= {listed.id for listed in now}


def _next(connection: Connection, held: Snapshot, newest: int, lists: list[BankList]) -> Snapshot:
    """`held` with everything that changed since its generation."""
    by_id = {listed.id: listed for listed in lists}
    kept = [by_id.pop(listed.id) for listed in held.lists]
    numbered = [*kept, *by_id.values()]
    numbers = {listed.id: number for number, listed in enumerate(numbered)}
    vocabulary = Vocabulary(held.words)
    blocks = repository.standing_blocks(connection, held.generation, newest)
    added = columns_of(blocks, numbers, vocabulary)
    gone = np.empty(0, np.int64)
    if len(held):
        withdrawn = repository.withdrawn_ids(connection, held.generation, newest)
        again = [columns.ids for columns in added.values()]
        gone = np.concatenate((np.array(withdrawn, np.int64), *again))
    changed = repository.changed_marks(connection, held.generation, newest)
    marks = {**held.marks, **changed} if changed else held.marks
    marks = {indicator: mark for indicator, mark in marks.items() if mark} if changed else marks
    return held.changed(newest, numbered, vocabulary.words, gone, added, marks)
