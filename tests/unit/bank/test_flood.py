"""When a count is a flood: against the indicator's own history and its list's."""

from __future__ import annotations

from uuid import UUID

import pytest

from lapwing.bank.flood import FACTOR, FLOOR, expected, is_flood
from lapwing.bank.history_rows import WEIGHT, Counted, allow_count, count_indicators, count_lists
from lapwing.store.clock import new_id
from lapwing.store.database import Database

LIST = new_id()


def counted(count: int, rate: float = 0.0, seen: int = 1, allowed: float = 0.0) -> Counted:
    return Counted(LIST, 1, count, rate, seen, allowed)


@pytest.mark.parametrize(
    ("own", "whole", "flood"),
    [
        (counted(FLOOR - 1), counted(FLOOR - 1), False),
        (counted(FLOOR), counted(FLOOR), True),
        # Eight times its own rate, in an hour that is quiet for the rest of the list.
        (counted(799, 100.0), counted(899, 200.0, 10), False),
        (counted(800, 100.0), counted(900, 200.0, 10), True),
        # The whole list is four times as busy, so four times as much is expected of each.
        (counted(800, 100.0), counted(1200, 200.0, 10), False),
        (counted(3200, 100.0), counted(3600, 200.0, 10), True),
        # A new entry of a list whose entries usually match ten times an hour.
        (counted(79), counted(1079, 1000.0, 100), False),
        (counted(80), counted(1080, 1000.0, 100), True),
        # A person let 500 an hour stand.
        (counted(3999, 1.0, allowed=500), counted(3999, 1.0), False),
        (counted(4000, 1.0, allowed=500), counted(4000, 1.0), True),
    ],
)
def test_a_flood_is_far_above_what_is_expected(own: Counted, whole: Counted, flood: bool) -> None:
    assert is_flood(own, whole) == flood


def test_a_flood_of_the_whole_list_cannot_hide_each_of_its_entries() -> None:
    """However busy the rest is, it explains four times as much and no more."""
    own = counted(1_000, 1.0)
    assert expected(own, counted(10**9, 100.0, 100)) == 4.0
    assert is_flood(own, counted(10**9, 100.0, 100))
    assert FACTOR * 4.0 < 1_000


def test_history_is_a_weighted_mean_of_whole_hours(database: Database, organisation: UUID) -> None:
    pair = (new_id(), 7)

    def count(number: int, hour: int) -> Counted:
        with database.organisation(organisation) as connection:
            (found,) = count_indicators(connection, organisation, {pair: number}, hour)
        return found

    def count_and_rate(number: int, hour: int) -> tuple[int, float]:
        found = count(number, hour)
        return found.count, found.rate

    assert count_and_rate(10, 100) == (10, 0.0)
    assert count_and_rate(5, 100) == (15, 0.0)
    first = count(1, 101)
    assert (first.count, first.rate) == (1, 15.0)
    # Hour 101 had 1 match, hours 102 and 103 none.
    later = count(2, 104)
    assert later.rate == pytest.approx((15 * (1 - WEIGHT) + 1 * WEIGHT) * (1 - WEIGHT) ** 2)
    # A clock that goes back adds to the newest hour and does not lose it.
    assert count_and_rate(3, 50) == (5, later.rate)
    far = count(1, 10**9)
    assert (far.count, far.rate) == (1, pytest.approx(0.0))


def test_the_history_of_a_list_knows_how_many_of_it_ever_matched(
    database: Database, organisation: UUID
) -> None:
    listed = new_id()
    with database.organisation(organisation) as connection:
        for matches in ({(listed, 1): 3, (listed, 2): 4}, {(listed, 2): 1, (listed, 3): 1}):
            found = count_indicators(connection, organisation, matches, 9)
            whole = count_lists(connection, organisation, found, matches, 9)[listed]
    assert (whole.count, whole.seen) == (9, 3)


def test_organisations_count_apart(
    database: Database, organisation: UUID, other_organisation: UUID
) -> None:
    other, pair = other_organisation, (new_id(), 7)
    for mine in (organisation, other):
        with database.organisation(mine) as connection:
            (found,) = count_indicators(connection, mine, {pair: 30}, 100)
            assert found.count == 30
    with database.organisation(other) as connection:
        allow_count(connection, *pair)
    with database.organisation(organisation) as connection:
        (found,) = count_indicators(connection, organisation, {pair: 1}, 100)
    assert found.allowed == 0.0
