"""The measurements by name, in one shape: tables of rows, in a size for machines and one for CI."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lapwing.bench import (
    hashing,
    importing,
    indexes,
    ledger,
    matching,
    pdq_limits,
    rescanning,
    screening,
    serving,
    video,
)
from lapwing.bench import live as live_bank
from lapwing.bench.place import throwaway_house
from lapwing.settings import Settings

Row = dict[str, Any]


class Measured(NamedTuple):
    """One table. `rows` all have values for some of the same columns."""

    title: str
    rows: Sequence[Row]


Bench = Callable[[Settings, bool], Iterator[Measured]]
"""Called with where the database is and whether to be small."""


def measure_screening(settings: Settings, small: bool) -> Iterator[Measured]:
    size: dict[str, int] = (
        {"items": 1_000, "batch": 500, "pictures": 10, "indicators": 500, "rounds": 1}
        if small
        else {}
    )
    with throwaway_house(settings) as house:
        rows = screening.run(house, **size)
    yield Measured("Items a second through the main job, committed durably", rows)


def measure_hashing(settings: Settings, small: bool) -> Iterator[Measured]:
    rows = hashing.measure(rounds=1, seconds=0.05) if small else hashing.measure()
    yield Measured("Hashing pictures", rows)
    load = f"load average {os.getloadavg()[0]:.1f}"
    rows = hashing.measure_beside(1) if small else hashing.measure_beside()
    yield Measured(f"From the bytes of a JPEG to its hashes ({load})", rows)


def measure_video(settings: Settings, small: bool) -> Iterator[Measured]:
    load = f"load average {os.getloadavg()[0]:.1f}"
    rows = video.measure_hashing(2, (320, 240), 1) if small else video.measure_hashing()
    yield Measured(f"Hashing a video, a frame a second ({load})", rows)
    rows = video.measure_matching(50, 10, 10) if small else video.measure_matching()
    yield Measured("Videos beside a bank of videos", rows)


def measure_matching(
    settings: Settings,
    small: bool,
    sizes: Sequence[int] = (1_000_000,),
    others_up_to: int = 10_000_000,
) -> Iterator[Measured]:
    """`sizes`: codes in the Hamming index; above `others_up_to` no other index is measured."""
    sizes = (60_000,) if small else sizes
    queries = 40 if small else 1_000
    load = f"load average {os.getloadavg()[0]:.1f}"
    yield Measured(
        f"Hamming index, radius 31, random codes ({load})",
        indexes.measure_sides(sizes, queries, others_up_to),
    )
    yield Measured(
        "Recall against the scan",
        indexes.measure_recall(60_000 if small else 300_000, 20 if small else 200),
    )
    with tempfile.TemporaryDirectory(prefix="lapwing-bench-") as folder:
        rows = indexes.measure_changes(sizes, Path(folder), 10 if small else 200)
    yield Measured("The Hamming index as a file, and changed while it is searched", rows)
    yield Measured("Exact look-ups", matching.measure_look_ups(10_000 if small else 1_000_000))
    with throwaway_house(settings) as house:
        organisation = ledger.fresh_organisation(house.database)
        rows = matching.measure_live(
            house.database,
            organisation,
            listed=1_000 if small else 100_000,
            changes=3 if small else 20,
        )
    yield Measured("A bank that changes, in the database", rows)


def measure_live(settings: Settings, small: bool) -> Iterator[Measured]:
    sizes = (
        {"listed": 5_000, "mapped": 20_000, "workers": 2, "changes": 3}
        if small
        else {"listed": 1_000_000, "mapped": 10_000_000, "workers": 4, "changes": 50}
    )
    with throwaway_house(settings) as house:
        organisation = ledger.fresh_organisation(house.database)
        for title, rows in live_bank.measure(house, organisation, **sizes):
            yield Measured(f"{title} (load average {os.getloadavg()[0]:.1f})", rows)


def measure_ledger(settings: Settings, small: bool) -> Iterator[Measured]:
    with throwaway_house(settings) as house:
        organisation = ledger.fresh_organisation(house.database)
        rows = ledger.measure(house.database, organisation, events=1_000 if small else 20_000)
    yield Measured("The ledger", rows)


def measure_pdq(settings: Settings, small: bool) -> Iterator[Measured]:
    yield Measured("Where PDQ stops: changed photographs", pdq_limits.measure())
    yield Measured("Where PDQ stops: pictures with little to see", pdq_limits.measure_plain())


def measure_serving(
    settings: Settings, small: bool, sizes: Mapping[str, int] | None = None
) -> Iterator[Measured]:
    """`sizes`: those of `serving.measure`, by name."""
    sizes = dict(sizes or {})
    if small:
        sizes = {"codes": 5_000, "seconds": 1, "connections": 4} | sizes
    load = os.getloadavg()[0]
    with throwaway_house(settings) as house:
        rows = list(serving.measure(house, **sizes))
    yield Measured(f"Matching over HTTP (load average {load:.1f})", rows)


def measure_importing(settings: Settings, small: bool) -> Iterator[Measured]:
    sizes = {"parsed": 2_000, "imported": 500} if small else {"parsed": 500_000, "imported": 50_000}
    with throwaway_house(settings) as house:
        organisation = ledger.fresh_organisation(house.database)
        rows = list(importing.measure(house, organisation, **sizes))
    yield Measured("Hash lists read and imported, two hashes a row", rows)


def measure_rescanning(settings: Settings, small: bool) -> Iterator[Measured]:
    sizes = (
        {"listed": 1_000, "stored": 2_000, "tiled": 1_000}
        if small
        else {"listed": 100_000, "stored": 100_000, "tiled": 10_000}
    )
    with throwaway_house(settings) as house:
        organisation = ledger.fresh_organisation(house.database)
        rows = list(rescanning.measure(house, organisation, **sizes))
    yield Measured("A catalogue against the lists, all pairs", rows)


SUITE: dict[str, Bench] = {
    "screen": measure_screening,
    "hash": measure_hashing,
    "video": measure_video,
    "match": measure_matching,
    "live": measure_live,
    "ledger": measure_ledger,
    "pdq": measure_pdq,
    "serve": measure_serving,
    "import": measure_importing,
    "rescan": measure_rescanning,
}
