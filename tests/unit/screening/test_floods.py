"""Flood quarantine: what floods is held, never visible; its matches go to people; nothing else
changes, and a person ends it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from screening_samples import KNOWN_PDQ, OTHER_PDQ, Items, found, sent
from sqlalchemy import text

from lapwing.app import House, wire
from lapwing.bank.changes import ListChange
from lapwing.bank.flood import FLOOR
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import Conflict, InvalidInput, NotAllowed, NotFound
from lapwing.model.indicators import IndicatorKind, ListAction, NewIndicator
from lapwing.model.organisations import Member, Organisation, Role
from lapwing.settings import Settings
from lapwing.store.database import Database


class Hands:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def house(database: Database, home: Path, hands: Hands) -> House:
    settings = Settings(home=home, secrets=home / "secrets", blobs_url=(home / "blobs").as_uri())
    return wire(settings, database, clock=hands)


@pytest.fixture
def removing(house: House) -> Organisation:
    """An organisation whose verified list of two pictures asks for removal."""
    made = found(house)
    (listed,) = house.bank.lists(made.id)
    entry = NewIndicator(kind=IndicatorKind.PDQ, value=OTHER_PDQ, quality=100)
    house.bank.add(made.id, SYSTEM, listed.id, [entry])
    change = ListChange(action=ListAction.REMOVE, why="the board decided")
    house.bank.change_list(made.id, SYSTEM, listed.id, change)
    return made


@pytest.fixture
def reviewer(house: House, removing: Organisation) -> Member:
    return house.members.add_member(removing.id, "Rosa", Role.REVIEWER, SYSTEM)


def screen(house: House, organisation: UUID, name: str, count: int, pdq: str) -> list[list[str]]:
    """The actions on each of so many uploads of one picture, by accounts of their own."""
    items = Items(organisation)
    batch = [items.picture(f"{name}-{n}", pdq, account=f"{name}-{n}") for n in range(count)]
    screened = house.screening.screen(organisation, SYSTEM, sent(*batch))
    return [[action.value for action in one.actions] for one in screened.decisions]


def leaves(house: House, organisation: UUID) -> list[Any]:
    with house.database.organisation(organisation) as connection:
        return list(
            connection.execute(
                text(
                    "select kind from ledger_events where kind like 'indicator.%' order by position"
                )
            ).scalars()
        )


REMOVED, HELD = ["remove", "case"], ["hold", "case"]


def test_a_flood_is_held_and_queued_and_another_entry_is_unaffected(
    house: House, removing: Organisation
) -> None:
    assert screen(house, removing.id, "a", FLOOR - 1, KNOWN_PDQ) == [REMOVED] * (FLOOR - 1)
    # The batch that trips it is decided with it, and so is everything after.
    assert screen(house, removing.id, "b", 1, KNOWN_PDQ) == [HELD]
    flooded = screen(house, removing.id, "c", 500, KNOWN_PDQ)
    assert flooded == [HELD] * 500, "held and queued; never visible, never dropped"
    assert screen(house, removing.id, "d", 1, OTHER_PDQ) == [REMOVED]
    with house.database.organisation(removing.id) as connection:
        queued = connection.execute(text("select count(*) from case_items")).scalar_one()
    assert queued == FLOOR + 501
    (quarantined,) = house.quarantine.acting(removing.id)
    assert (quarantined.cause, quarantined.value, quarantined.waits) == ("flood", KNOWN_PDQ, True)
    assert leaves(house, removing.id) == ["indicator.quarantined"]


def test_a_flood_in_one_batch_is_held_whole_and_the_finding_says_why(
    house: House, removing: Organisation
) -> None:
    items = Items(removing.id)
    batch = [items.picture(str(n), KNOWN_PDQ, account=str(n)) for n in range(FLOOR)]
    batch.append(items.picture("other", OTHER_PDQ, account="other"))
    screened = house.screening.screen(removing.id, SYSTEM, sent(*batch))
    actions = [[action.value for action in one.actions] for one in screened.decisions]
    assert actions == [HELD] * FLOOR + [REMOVED]
    item = house.screening.item(removing.id, screened.decisions[0].item)
    (finding,) = item.findings
    assert (finding.kind, finding.reasons[0].short) == ("known_media", "quarantined")


def test_flooding_never_lowers_a_hold_or_a_review(house: House, removing: Organisation) -> None:
    (listed,) = house.bank.lists(removing.id)
    for action, expected in ((ListAction.HOLD, HELD), (ListAction.REVIEW, ["review", "case"])):
        change = ListChange(action=action, why="test")
        house.bank.change_list(removing.id, SYSTEM, listed.id, change)
        answers = screen(house, removing.id, action.value, 300, KNOWN_PDQ)
        assert answers == [expected] * 300
        assert screen(house, removing.id, f"{action.value} later", 1, KNOWN_PDQ) == [expected]


def test_an_entry_that_always_matched_much_is_no_flood(
    house: House, removing: Organisation, hands: Hands
) -> None:
    for hour in range(4):
        assert screen(house, removing.id, f"hour {hour}", FLOOR - 1, KNOWN_PDQ)[0] == REMOVED
        hands.now += timedelta(hours=1)
    assert screen(house, removing.id, "today", 7 * (FLOOR - 1), KNOWN_PDQ)[-1] == REMOVED
    assert house.quarantine.acting(removing.id) == []
    assert screen(house, removing.id, "more", FLOOR - 1, KNOWN_PDQ)[-1] == HELD


def test_a_person_releases_it_and_its_count_becomes_its_history(
    house: House, removing: Organisation, reviewer: Member
) -> None:
    screen(house, removing.id, "a", FLOOR, KNOWN_PDQ)
    (quarantined,) = house.quarantine.acting(removing.id)
    with pytest.raises(InvalidInput):
        house.quarantine.release(removing.id, reviewer, quarantined.id, " ")
    analyst = house.members.add_member(removing.id, "Ada", Role.ANALYST, SYSTEM)
    with pytest.raises(NotAllowed):
        house.quarantine.release(removing.id, analyst, quarantined.id, "looks right")
    released = house.quarantine.release(removing.id, reviewer, quarantined.id, "a known wave")
    assert (released.released_by, released.released_why) == (reviewer.id, "a known wave")
    assert screen(house, removing.id, "b", 7 * FLOOR - 1, KNOWN_PDQ)[-1] == REMOVED
    assert screen(house, removing.id, "c", 1, KNOWN_PDQ) == [HELD], "eight times what was let stand"
    with pytest.raises(Conflict):
        house.quarantine.release(removing.id, reviewer, quarantined.id, "again")
    assert leaves(house, removing.id) == [
        "indicator.quarantined",
        "indicator.quarantine_released",
        "indicator.quarantined",
    ]


def test_a_confirmed_one_stays_until_it_is_released(
    house: House, removing: Organisation, reviewer: Member
) -> None:
    screen(house, removing.id, "a", FLOOR, KNOWN_PDQ)
    (quarantined,) = house.quarantine.acting(removing.id)
    house.quarantine.confirm(removing.id, reviewer, quarantined.id, "a popular picture")
    assert house.quarantine.waiting(removing.id) == 0
    assert screen(house, removing.id, "b", 1, KNOWN_PDQ) == [HELD]
    with pytest.raises(Conflict):
        house.quarantine.confirm(removing.id, reviewer, quarantined.id, "again")
    house.quarantine.release(removing.id, reviewer, quarantined.id, "it was right after all")
    assert screen(house, removing.id, "c", 1, KNOWN_PDQ) == [REMOVED]


def test_what_one_organisation_floods_counts_in_full_for_another(
    house: House, removing: Organisation, reviewer: Member
) -> None:
    other = found(house)
    screen(house, removing.id, "a", FLOOR, KNOWN_PDQ)
    (quarantined,) = house.quarantine.acting(removing.id)
    assert house.quarantine.acting(other.id) == []
    with pytest.raises(NotFound):
        house.quarantine.release(other.id, reviewer, quarantined.id, "not mine")
    (listed,) = house.bank.lists(other.id)
    change = ListChange(action=ListAction.REMOVE, why="test")
    house.bank.change_list(other.id, SYSTEM, listed.id, change)
    assert screen(house, other.id, "a", 1, KNOWN_PDQ) == [REMOVED]


def test_a_batch_that_is_not_recorded_is_not_counted(house: House, removing: Organisation) -> None:
    items = Items(removing.id)
    one = items.picture("again", KNOWN_PDQ, account="a")
    for _ in range(2 * FLOOR):
        house.screening.screen(removing.id, SYSTEM, sent(one))
    assert house.quarantine.acting(removing.id) == []


def test_many_workers_count_together(
    database: Database, house: House, removing: Organisation, hands: Hands
) -> None:
    """Two houses over one database, eight senders: none waits for ever, and every match counts."""
    other = wire(house.settings, Database(database.url), clock=hands)

    def send(number: int) -> None:
        for turn in range(5):
            for pdq in (KNOWN_PDQ, OTHER_PDQ):
                by = (house, other)[number % 2]
                screen(by, removing.id, f"{number}-{turn}-{pdq}", 3, pdq)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(send, number) for number in range(8)]:
            done.result(120)
    other.close()
    with house.database.organisation(removing.id) as connection:
        counts = connection.execute(
            text("select count from match_history where indicator_id > 0 order by 1")
        ).scalars()
        assert list(counts) == [120, 120]
    assert len(house.quarantine.acting(removing.id)) == 2
