"""The bank at one generation, frozen: what every organisation has listed, ready to search.

It is one index for the whole node. Only a view of it may be asked, because only a view knows whose
lists count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Self
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from lapwing.bank.index.blocks import HEAD, Block, Vocabulary, columns_of
from lapwing.bank.index.columns import ALWAYS, FOR_EVER, NO_QUALITY, Columns, microseconds
from lapwing.bank.index.hits import HASH_WIDTHS
from lapwing.bank.index.reach import MOST_KEPT, Reach
from lapwing.bank.index.shelf import Shelf
from lapwing.bank.index.view import BankView
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import BankList, Indicator, IndicatorKind


class Snapshot:
    """Frozen; safe to share between threads. A change makes another one (`changed`)."""

    def __init__(
        self,
        generation: int,
        lists: tuple[BankList, ...],
        words: tuple[str, ...],
        shelves: Mapping[IndicatorKind, Shelf],
        marks: Mapping[int, int] | None = None,
    ) -> None:
        self.generation = generation
        self.lists = lists
        """Numbered by position; a list keeps its number in every later snapshot."""
        self.words = words
        """Categories and sources, numbered by position."""
        self._shelves = shelves
        self.marks: Mapping[int, int] = {} if marks is None else marks
        """Marks by indicator; few have any (`model.indicators.Mark`)."""
        self._reaches: dict[tuple[UUID, frozenset[UUID] | None], Reach] = {}

    @classmethod
    def empty(cls) -> Self:
        """Nothing listed, generation 0."""
        return cls(0, (), (), {kind: Shelf(kind) for kind in IndicatorKind})

    @classmethod
    def build(
        cls,
        generation: int,
        lists: Sequence[BankList],
        indicators: Sequence[Indicator],
        marks: Mapping[int, int] | None = None,
    ) -> Self:
        """A snapshot of these lists and of those indicators that are not withdrawn.

        Raises InvalidInput for an indicator whose list is not among `lists`.
        """
        vocabulary = Vocabulary()
        numbers = {listed.id: number for number, listed in enumerate(lists)}
        for indicator in indicators:
            if indicator.list not in numbers:
                raise InvalidInput(f"list {indicator.list} is not there", field="list")
        blocks = [_block(indicator) for indicator in indicators if indicator.withdrawn_at is None]
        added = columns_of(blocks, numbers, vocabulary)
        start = cls.empty()
        gone = np.empty(0, np.int64)
        return start.changed(generation, lists, vocabulary.words, gone, added, marks)

    def changed(
        self,
        generation: int,
        lists: Iterable[BankList],
        words: tuple[str, ...],
        gone: NDArray[np.int64],
        added: Mapping[IndicatorKind, Columns],
        marks: Mapping[int, int] | None = None,
    ) -> Self:
        """The snapshot after a change; kinds that did not change share their index with this one.

        `gone`: ids to drop. `lists` and `words` begin with those of this snapshot, in its order.
        `marks` are all that stand then; None leaves them as they are.
        """
        shelves = {
            kind: shelf.changed(gone, added.get(kind)) for kind, shelf in self._shelves.items()
        }
        marked = self.marks if marks is None else marks
        return type(self)(generation, tuple(lists), words, shelves, marked)

    @property
    def shelves(self) -> Mapping[IndicatorKind, Shelf]:
        """By kind. Not for answers: only a view knows whose lists count."""
        return self._shelves

    def tidied(self) -> Self:
        """The same in fewer layers; this one when they are few. Takes as long as indexing them."""
        shelves = {kind: shelf.tidied() for kind, shelf in self._shelves.items()}
        if all(shelves[kind] is shelf for kind, shelf in self._shelves.items()):
            return self
        return self._with(shelves)

    def apart(self) -> int:
        """Indicators by which this differs from the file under it; all of them without a file."""
        return sum(shelf.apart() for shelf in self._shelves.values())

    def caught_up(self, before: Snapshot, tidied: Snapshot) -> Self:
        """`tidied`, which was made of `before`, with what changed from `before` to this one."""
        return self._with(
            {
                kind: shelf.caught_up(before.shelves[kind], tidied.shelves[kind])
                for kind, shelf in self._shelves.items()
            }
        )

    def _with(self, shelves: Mapping[IndicatorKind, Shelf]) -> Self:
        return type(self)(self.generation, self.lists, self.words, shelves, self.marks)

    def __len__(self) -> int:
        return sum(len(shelf) for shelf in self._shelves.values())

    def count(self, kind: IndicatorKind) -> int:
        """Indicators of this kind, of all organisations."""
        return len(self._shelves[kind])

    def view(
        self, organisation: UUID, at: datetime, lists: frozenset[UUID] | None = None
    ) -> BankView:
        """What this organisation may match against at this aware time.

        `lists` narrows it further to these (an API key may be bound to some); None means all.
        """
        if at.tzinfo is None:
            raise InvalidInput("time must be aware", field="at")
        moment = microseconds(at)
        reach = self._reaches.get((organisation, lists))
        if reach is None or not reach.holds_at(moment):
            reach = Reach(self.lists, organisation, lists, moment)
            if len(self._reaches) >= MOST_KEPT:
                self._reaches = {}
            self._reaches[organisation, lists] = reach
        return BankView(
            self.generation, self.lists, self.words, self._shelves, reach, moment, self.marks
        )


def _block(indicator: Indicator) -> Block:
    """A block of one, for a snapshot made by hand."""
    hashed = indicator.kind in HASH_WIDTHS
    value = bytes.fromhex(indicator.value) if hashed else indicator.value.encode()
    start, end = indicator.valid_from, indicator.valid_until
    head = HEAD.pack(
        indicator.id,
        NO_QUALITY if indicator.quality is None else indicator.quality,
        ALWAYS if start is None else microseconds(start),
        FOR_EVER if end is None else microseconds(end),
        len(value),
    )
    return Block(indicator.kind, indicator.list, indicator.category, indicator.source, head + value)
