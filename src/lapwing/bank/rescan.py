"""A bank against what a platform stored long ago: every listed hash with every stored one.

First a finder names the rows that are within reach of anything, exactly and on whatever machine is
at hand; then the organisation's view judges those rows as it judges every match. So the answer does
not depend on the finder. A rescan only tells: it must never act on what it finds.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from lapwing.bank.index.view import BankView
from lapwing.bank.matching import HashQuery, Match, match_hashes
from lapwing.model.catalogues import CatalogueRow
from lapwing.model.indicators import IndicatorKind, ListKind
from lapwing.model.refusals import Refusal

BATCH = 8_192
"""Rows of the catalogue that are searched together."""
CODE_BYTES = 32
_TOGETHER = 2_000
"""Rows judged in one call."""

Codes = NDArray[np.uint8]
Finder = Callable[[Codes], NDArray[np.int64]]
"""`uint8[m, 32]` to the rows of it that have a listed code within reach; more may be named."""


class RescanHit(Struct, frozen=True, kw_only=True):
    """A stored thing that matches. `row` is its place in the catalogue."""

    row: int
    id: str
    match: Match


class Searched(Struct, frozen=True, kw_only=True):
    """What became of a batch, in the catalogue's order."""

    rows: tuple[CatalogueRow, ...]
    refused: tuple[Refusal, ...]
    hits: tuple[RescanHit, ...]


def by_view(view: BankView) -> Finder:
    """Finds with the node's own index, which is in memory already."""

    def find(codes: Codes) -> NDArray[np.int64]:
        return np.unique(np.fromiter((hit.query for hit in view.near(codes)), np.int64))

    return find


def rescan(
    view: BankView,
    entries: Iterable[CatalogueRow | Refusal],
    find: Finder | None = None,
    *,
    workers: int | None = None,
    batch: int = BATCH,
) -> Iterator[Searched]:
    """Search a catalogue batch by batch, several at a time, answered in order.

    Memory holds a few batches, whatever the catalogue's size. `workers` are threads; as many as
    there are processors unless given.
    """
    finder = find or by_view(view)
    workers = workers or os.cpu_count() or 1
    entries = iter(entries)
    waiting: deque[Future[Searched]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            while part := list(islice(entries, batch)):
                waiting.append(pool.submit(_search, view, finder, part))
                if len(waiting) > workers + 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()


def _search(view: BankView, find: Finder, part: Sequence[CatalogueRow | Refusal]) -> Searched:
    rows = tuple(entry for entry in part if isinstance(entry, CatalogueRow))
    refused = tuple(entry for entry in part if isinstance(entry, Refusal))
    by_kind: dict[IndicatorKind, tuple[list[int], list[bytes]]] = {}
    for place, row in enumerate(rows):
        for kind, value in row.hashes:
            places, values = by_kind.setdefault(kind, ([], []))
            places.append(place)
            values.append(value)
    wanted: set[int] = set()
    for kind, (places, values) in by_kind.items():
        if kind is IndicatorKind.PDQ:
            codes = np.frombuffer(b"".join(values), np.uint8).reshape(-1, CODE_BYTES)
            found: Iterable[int] = find(codes).tolist()
        else:
            found = {hit.query for hit in view.exact(kind, values)}
        wanted.update(places[number] for number in found)
    chosen = [rows[place] for place in sorted(wanted)]
    hits: list[RescanHit] = []
    for start in range(0, len(chosen), _TOGETHER):
        hits += _judged(view, chosen[start : start + _TOGETHER])
    return Searched(rows=rows, refused=refused, hits=tuple(hits))


def _judged(view: BankView, rows: Sequence[CatalogueRow]) -> Iterator[RescanHit]:
    owner: list[CatalogueRow] = []
    queries: list[HashQuery] = []
    for row in rows:
        for kind, value in row.hashes:
            quality = row.quality if kind is IndicatorKind.PDQ else None
            owner.append(row)
            queries.append(HashQuery(hash=value.hex(), kind=kind, quality=quality))
    for match in match_hashes(view, queries):
        if match.level != "none":
            row = owner[match.query]
            yield RescanHit(row=row.number, id=row.id, match=match)


_CODES = text(
    """
    select string_agg(value, ''::bytea)
      from indicators
     where list_id = any(cast(:lists as uuid[])) and kind = 'pdq' and withdrawn_at is null
     group by id >> 12
    """
)


def listed_codes(connection: Connection, view: BankView) -> Codes:
    """`uint8[n, 32]`: every PDQ hash that can be near anything in this view, for other finders.

    Read in the organisation's own transaction.
    """
    lists = [str(one.id) for one in view.lists if one.kind is not ListKind.ALLOW]
    found = connection.execute(_CODES, {"lists": lists}, execution_options={"yield_per": 100})
    data = b"".join(bytes(row[0]) for row in found)
    return np.frombuffer(data, np.uint8).reshape(-1, CODE_BYTES)


def widest_reach(view: BankView) -> int:
    """Bits within which some list of this view still counts; -1 where none takes part."""
    near = [one.near_distance for one in view.lists if one.kind is not ListKind.ALLOW]
    return max(near, default=-1)
