"""How fast a catalogue is compared with the lists: this node's index, Ray, tiles; same answers."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import ExitStack
from time import perf_counter
from typing import Any
from uuid import UUID

import numpy as np

from lapwing.app import House
from lapwing.bank.rescan import Codes, Finder, RescanHit, by_view, listed_codes, rescan
from lapwing.bank.rescan_ray import by_ray
from lapwing.bank.service import NewList
from lapwing.bank.tiles import by_tiles
from lapwing.model.actors import SYSTEM
from lapwing.model.catalogues import CatalogueRow
from lapwing.model.errors import Unavailable
from lapwing.model.indicators import NEAR_DISTANCE, IndicatorKind, ListKind, NewIndicator
from lapwing.store.clock import new_id

Row = dict[str, Any]
SEED = 20_260_501
NEAR_COPIES = 100
"""One row of the catalogue in so many lies near something listed."""


def measure(
    house: House, organisation: UUID, *, listed: int, stored: int, tiled: int
) -> Iterator[Row]:
    """Rows of what, rows/s, pairs/s, hits; tiles on a processor over the first `tiled` rows.

    Random codes. Ray and PyTorch are measured where they are installed. Writes to the organisation.
    """
    rng = np.random.default_rng(SEED)
    codes = rng.integers(0, 256, (listed, 32), dtype=np.uint8)
    _list(house, organisation, codes)
    rows = list(_catalogue(rng, codes, stored))
    view = house.live.snapshot().view(organisation, house.clock())
    with house.database.organisation(organisation) as connection:
        shared = listed_codes(connection, view)
    list(rescan(view, rows[:1000]))  # compiled, and the index loaded
    expected = None
    with ExitStack() as stack:
        ways: list[tuple[str, Finder, int | None, int]] = [
            ("this node's index, one thread", by_view(view), 1, stored),
            ("this node's index, a thread a processor", by_view(view), None, stored),
        ]
        if importlib.util.find_spec("ray") is not None:
            try:
                find, workers = stack.enter_context(by_ray(shared, NEAR_DISTANCE))
            except Unavailable as error:
                yield {"what": "Ray on this machine", "note": error.message}
            else:
                ways.append((f"Ray on this machine, {workers} workers", find, workers + 1, stored))
        if importlib.util.find_spec("torch") is not None:
            find = by_tiles(shared, NEAR_DISTANCE, device="cpu")
            ways.append(("tiles with PyTorch on the processor, not on a GPU", find, 1, tiled))
        for what, find, threads, some in ways:
            start = perf_counter()
            searched = rescan(view, rows[:some], find, workers=threads)
            hits = [hit for one in searched for hit in one.hits]
            seconds = perf_counter() - start
            expected = hits if expected is None else expected
            yield {
                "what": what,
                "rows/s": round(some / seconds),
                "pairs/s": f"{some * listed / seconds:.2g}",
                "hits": len(hits),
                "same answers": "yes" if hits == _first(expected, some) else "NO",
                "note": f"{listed:,} listed, {some:,} stored, radius {NEAR_DISTANCE}, "
                f"load average {os.getloadavg()[0]:.1f}",
            }


def _first(hits: list[RescanHit], rows: int) -> list[RescanHit]:
    return [hit for hit in hits if hit.row <= rows]


def _catalogue(rng: np.random.Generator, listed: Codes, stored: int) -> Iterator[CatalogueRow]:
    codes = rng.integers(0, 256, (stored, 32), dtype=np.uint8)
    for number in range(stored):
        code = codes[number]
        if number % NEAR_COPIES == 0:
            code = listed[number % len(listed)].copy()
            code[: 1 + number // NEAR_COPIES % 4] ^= 0x11
        yield CatalogueRow(number + 1, f"p{number}", ((IndicatorKind.PDQ, code.tobytes()),), 80)


def _list(house: House, organisation: UUID, codes: Codes) -> None:
    new = NewList(
        name=f"bench {new_id()}",
        kind=ListKind.BLOCK,
        source="bench",
        basis="measurement",
        category="random",
        verified=True,
    )
    made = house.bank.create_list(organisation, SYSTEM, new)
    for start in range(0, len(codes), 50_000):
        part = codes[start : start + 50_000]
        entries = [
            NewIndicator(kind=IndicatorKind.PDQ, value=code.tobytes().hex(), quality=90)
            for code in part
        ]
        house.bank.add(organisation, SYSTEM, made.id, entries)
