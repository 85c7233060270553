"""The SQL of match history: hourly counts and their weighted mean, of indicators and lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, text

WEIGHT = 0.05
"""Of the newest closed hour in the mean: an hour's trace halves within 14 hours."""


class Counted(Struct, frozen=True):
    """`rate` is the mean of the closed hours. `fresh`: it was counted for the first time."""

    list_id: UUID
    indicator_id: int
    count: int
    rate: float
    seen: int
    allowed: float
    fresh: bool = False


# The first closed hour is the mean; later ones are weighed in, and hours without a match as zero.
# In rising order, so that two batches never wait for each other in a circle.
_COUNT = text(
    f"""
    insert into match_history as h
           (organisation_id, list_id, indicator_id, hour, count, rate, hours, seen)
    select :organisation, list_id, indicator_id, :hour, count, 0, 0, seen
      from unnest(cast(:lists as uuid[]), cast(:indicators as bigint[]), cast(:counts as int[]),
                  cast(:seen as int[])) as n (list_id, indicator_id, count, seen)
     order by list_id, indicator_id
    on conflict (organisation_id, list_id, indicator_id) do update set
      count = case when excluded.hour > h.hour then excluded.count
                   else least(h.count::bigint + excluded.count, 2000000000) end,
      rate = case when excluded.hour > h.hour
                  then (case when h.hours = 0 then h.count
                             else h.rate * (1 - {WEIGHT}) + h.count * {WEIGHT} end)
                       * power(1 - {WEIGHT}, least(excluded.hour - h.hour - 1, 10000))
                  else h.rate end,
      hours = least(h.hours + greatest(excluded.hour - h.hour, 0), 1000000),
      hour = greatest(h.hour, excluded.hour),
      seen = h.seen + excluded.seen
    returning list_id, indicator_id, count, rate, seen, allowed, xmax = 0 as fresh
    """
)


def count_indicators(
    connection: Connection, organisation: UUID, matches: Mapping[tuple[UUID, int], int], hour: int
) -> list[Counted]:
    """Add to each indicator's count of this hour; an earlier hour is counted in the newest one."""
    rows = [(listed, indicator, number, 0) for (listed, indicator), number in matches.items()]
    return _count(connection, organisation, rows, hour)


def count_lists(
    connection: Connection,
    organisation: UUID,
    counted: Sequence[Counted],
    matches: Mapping[tuple[UUID, int], int],
    hour: int,
) -> dict[UUID, Counted]:
    """The same for the lists as a whole."""
    totals: Counter[UUID] = Counter()
    for (listed, _), number in matches.items():
        totals[listed] += number
    fresh = Counter(one.list_id for one in counted if one.fresh)
    rows = [(listed, 0, number, fresh[listed]) for listed, number in totals.items()]
    return {one.list_id: one for one in _count(connection, organisation, rows, hour)}


def allow_count(connection: Connection, list_id: UUID, indicator_id: int) -> None:
    """Take the count of the hour, or the mean, as one that a person let stand."""
    connection.execute(
        text(
            "update match_history set allowed = greatest(allowed, count, rate) "
            "where list_id = :list and indicator_id = :indicator"
        ),
        {"list": list_id, "indicator": indicator_id},
    )


def _count(
    connection: Connection,
    organisation: UUID,
    rows: Sequence[tuple[UUID, int, int, int]],
    hour: int,
) -> list[Counted]:
    found = connection.execute(
        _COUNT,
        {
            "organisation": organisation,
            "hour": hour,
            "lists": [row[0] for row in rows],
            "indicators": [row[1] for row in rows],
            "counts": [row[2] for row in rows],
            "seen": [row[3] for row in rows],
        },
    )
    return [Counted(*row) for row in found]
