"""The measurements by name, in one shape: tables of rows, in a size for machines and one for CI."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from lapwing.bench import hashing, ledger, matching, pdq_limits, screening
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


def measure_matching(settings: Settings, small: bool) -> Iterator[Measured]:
    sizes = (10_000,) if small else (100_000, 1_000_000)
    yield Measured("Matching in memory", matching.measure_index(sizes))
    with throwaway_house(settings) as house:
        organisation = ledger.fresh_organisation(house.database)
        rows = matching.measure_live(
            house.database,
            organisation,
            listed=1_000 if small else 100_000,
            changes=3 if small else 20,
        )
    yield Measured("A bank that changes, in the database", rows)


def measure_ledger(settings: Settings, small: bool) -> Iterator[Measured]:
    with throwaway_house(settings) as house:
        organisation = ledger.fresh_organisation(house.database)
        rows = ledger.measure(house.database, organisation, events=1_000 if small else 20_000)
    yield Measured("The ledger", rows)


def measure_pdq(settings: Settings, small: bool) -> Iterator[Measured]:
    yield Measured("Where PDQ stops: changed photographs", pdq_limits.measure())
    yield Measured("Where PDQ stops: pictures with little to see", pdq_limits.measure_plain())


SUITE: dict[str, Bench] = {
    "screen": measure_screening,
    "hash": measure_hashing,
    "match": measure_matching,
    "ledger": measure_ledger,
    "pdq": measure_pdq,
}
