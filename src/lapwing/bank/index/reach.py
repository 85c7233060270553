"""How far one caller reaches into the node's lists: worked out once, used by every call until it
changes.

Without it each call would walk over all lists of all organisations.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from lapwing.bank.index.columns import ALWAYS, FOR_EVER, microseconds
from lapwing.bank.index.shelf import Shelf
from lapwing.model.indicators import BankList, IndicatorKind, ListKind

MOST_KEPT = 1_024
"""Reaches kept of one snapshot; more callers than that at once begin anew."""


class Reach:
    """Lists by their number in the snapshot. `counts` holds from `since` until before `until`."""

    def __init__(
        self,
        lists: Sequence[BankList],
        organisation: UUID,
        only: frozenset[UUID] | None,
        at: int,
    ) -> None:
        n = len(lists)
        self.mine: NDArray[np.bool_] = np.fromiter(
            (
                listed.organisation == organisation and (only is None or listed.id in only)
                for listed in lists
            ),
            np.bool_,
            n,
        )
        """The caller's, valid or not."""
        self.start = np.full(n, ALWAYS, np.int64)
        self.end = np.full(n, FOR_EVER, np.int64)
        self.near = np.full(n, -1, np.int32)
        """Bits up to which a list resembles; -1 for lists that take no part in resembling."""
        for number in np.flatnonzero(self.mine).tolist():
            listed = lists[number]
            if listed.valid_from is not None:
                self.start[number] = microseconds(listed.valid_from)
            if listed.valid_until is not None:
                self.end[number] = microseconds(listed.valid_until)
            if listed.kind is not ListKind.ALLOW:
                self.near[number] = listed.near_distance
        self.counts: NDArray[np.bool_] = self.mine & (self.start <= at) & (at < self.end)
        """The caller's lists that are valid now."""
        resembling = self.counts & (self.near >= 0)
        self.resembling: NDArray[np.bool_] = resembling
        self.radius = int(self.near[resembling].max()) if resembling.any() else -1
        self._holding: dict[tuple[IndicatorKind, bool, bool], bool] = {}
        edges = np.concatenate((self.start[self.mine], self.end[self.mine]))
        passed, to_come = edges[edges <= at], edges[edges > at]
        self.since = int(passed.max()) if len(passed) else ALWAYS
        self.until = int(to_come.min()) if len(to_come) else FOR_EVER

    def holds_any(self, shelf: Shelf, *, every: bool, resembling: bool = False) -> bool:
        """Whether one of the lists holds anything of the shelf's kind: the caller's valid ones, all
        of them, or those that take part in resembling. A reach knows one snapshot, so the answer
        stays."""
        asked = (shelf.kind, every, resembling)
        known = self._holding.get(asked)
        if known is None:
            chosen = self.mine if every else self.resembling if resembling else self.counts
            known = self._holding[asked] = shelf.holds_any_of(chosen)
        return known

    def holds_at(self, at: int) -> bool:
        return self.since <= at < self.until
