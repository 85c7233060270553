"""Flood quarantine: an indicator that suddenly matches far above its own history.

It may be a wrong entry or an attack, so what it would remove is held until a person has decided;
never less than held (DESIGN, Do no harm 11). The statistic and its sources: docs/rules.md. Counts
are kept in the database, so that all workers and nodes count together, and time comes from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from lapwing.bank import marks, quarantine_rows, repository
from lapwing.bank.history_rows import Counted, count_indicators, count_lists
from lapwing.model.actors import SYSTEM
from lapwing.model.events import Event, EventKind
from lapwing.model.indicators import Mark

FLOOR = 50
"""Matches in one hour below which nothing is a flood."""
FACTOR = 8.0
"""Times what is expected."""
LEAST = 1.0
"""Matches an hour that are expected of any indicator."""
MOST_GROWTH = 4.0
"""A busy hour of the whole list explains this many times as much, so that a flood of many
indicators at once cannot hide each of them behind the others."""

Matches = Mapping[tuple[UUID, int], int]
"""How often each (list, indicator) matched."""


class Tripped(Struct, frozen=True):
    """Indicators that were quarantined, and what the ledger is to record of it."""

    indicators: frozenset[int]
    events: tuple[Event, ...]


NOTHING = Tripped(frozenset(), ())


def expected(own: Counted, whole: Counted) -> float:
    """Matches to be expected of an indicator in this hour, from its own and its list's history."""
    rest = (whole.count - own.count) / max(whole.rate - own.rate, LEAST)
    growth = min(max(rest, 1.0), MOST_GROWTH)
    usual = whole.rate / max(whole.seen, 1)
    return max(own.rate * growth, usual, LEAST, own.allowed)


def is_flood(own: Counted, whole: Counted) -> bool:
    return own.count >= FLOOR and own.count >= FACTOR * expected(own, whole)


def count(connection: Connection, organisation: UUID, matches: Matches, at: datetime) -> Tripped:
    """Add a batch's matches to the history, and quarantine what they make a flood.

    Two statements a batch, and more only when something trips. In the caller's transaction, before
    it takes any lock of cases or ledger.
    """
    if not matches:
        return NOTHING
    hour = int(at.timestamp()) // 3600
    counted = count_indicators(connection, organisation, matches, hour)
    lists = count_lists(connection, organisation, counted, matches, hour)
    flooded = [one for one in counted if one.count >= FLOOR and is_flood(one, lists[one.list_id])]
    if not flooded:
        return NOTHING
    facts = {one.indicator_id: _facts(one, lists[one.list_id]) for one in flooded}
    generation = repository.hold_generation(connection)
    opened = quarantine_rows.open_rows(
        connection,
        organisation,
        [(one.list_id, one.indicator_id) for one in flooded],
        "flood",
        facts,
        at,
    )
    if not opened:
        return NOTHING
    generation = repository.raise_generation(connection)
    marks.mark(connection, organisation, opened, generation=generation, on=Mark.FLOODED)
    return Tripped(
        frozenset(opened),
        tuple(
            Event(
                kind=EventKind.INDICATOR_QUARANTINED,
                at=at,
                actor=SYSTEM,
                subject=str(indicator),
                data={"cause": "flood", "generation": generation, **facts[indicator]},
            )
            for indicator in sorted(opened)
        ),
    )


def _facts(own: Counted, whole: Counted) -> dict[str, Any]:
    return {
        "matches_this_hour": own.count,
        "expected": round(expected(own, whole), 2),
        "rate": round(own.rate, 3),
        "list_matches_this_hour": whole.count,
        "list_rate": round(whole.rate, 3),
    }
