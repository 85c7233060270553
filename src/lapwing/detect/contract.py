"""What every detector is. `detect.checks` tests it, for our own and for those of others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from msgspec import Struct

from lapwing.bank.index.snapshot import Snapshot
from lapwing.bank.index.view import BankView
from lapwing.model.findings import Family, Finding, FindingKind
from lapwing.model.indicators import BankList, Indicator
from lapwing.model.items import Item

EXAMPLE_TIME = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment at which examples are looked at."""


class Example(Struct, frozen=True, kw_only=True):
    """Items beside what is listed, and for each item the kinds of finding it must give.

    Neutral material only (DESIGN, Do no harm 1). All belongs to one organisation.
    """

    name: str
    items: tuple[Item, ...]
    lists: tuple[BankList, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    expects: tuple[tuple[FindingKind, ...], ...]

    def bank(self) -> BankView:
        snapshot = Snapshot.build(1, self.lists, self.indicators)
        return snapshot.view(self.items[0].organisation, EXAMPLE_TIME)


@runtime_checkable
class Detector(Protocol):
    """Pure: the same items and the same bank give the same findings, and nothing is changed.

    `detect` gets whole batches (thousands of items) and must do its heavy work once a batch.
    """

    @property
    def name(self) -> str:
        """Unique among detectors, `[a-z0-9_]`."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever the same input may give another answer."""
        ...

    @property
    def family(self) -> Family: ...

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of item it looks at (`lapwing.model.items.ITEM_KINDS`); it never gets others."""
        ...

    def detect(self, items: Sequence[Item], bank: BankView) -> list[tuple[Finding, ...]]:
        """One tuple an item, in the items' order; empty where there is nothing to say."""
        ...

    def examples(self) -> Sequence[Example]:
        """Its table of examples: at least one that finds something and one that does not."""
        ...
