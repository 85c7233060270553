"""Opinions lower an indicator to a review until a person decides, and never unlist it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from lapwing.app import House, wire
from lapwing.bank.changes import NewList
from lapwing.bank.matching import HashQuery, Match, match_hashes
from lapwing.bank.opinion_records import Says
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import Conflict, InvalidInput, NotAllowed, NotFound
from lapwing.model.indicators import IndicatorKind, ListKind, NewIndicator
from lapwing.model.organisations import Member, Role
from lapwing.settings import Settings
from lapwing.store.clock import new_id
from lapwing.store.database import Database

MD5 = "aa" * 16


@pytest.fixture
def house(database: Database, home: Path) -> House:
    settings = Settings(home=home, secrets=home / "secrets", blobs_url=(home / "blobs").as_uri())
    return wire(settings, database)


@pytest.fixture
def indicator(house: House, organisation: UUID) -> int:
    new = NewList(
        name="from a hotline",
        kind=ListKind.BLOCK,
        source="Hotline",
        basis="b",
        category="c",
        verified=True,
    )
    listed = house.bank.create_list(organisation, SYSTEM, new)
    entry = NewIndicator(kind=IndicatorKind.MD5, value=MD5)
    return house.bank.add(organisation, SYSTEM, listed.id, [entry]).ids[0]


Person = Callable[[Role], Member]


@pytest.fixture
def person(house: House, organisation: UUID) -> Person:
    def add(role: Role) -> Member:
        return house.members.add_member(organisation, f"{role} {new_id()}", role, SYSTEM)

    return add


def match(house: House, organisation: UUID) -> Match:
    view = house.live.snapshot().view(organisation, house.clock())
    (found,) = match_hashes(view, [HashQuery(hash=MD5)])
    return found


def counts(house: House, organisation: UUID) -> tuple[str, str, str | None]:
    found = match(house, organisation)
    assert found.counted, "an opinion never makes an entry vanish"
    return found.level.value, found.asks.value, found.reason


KNOWN = ("known", "hold", None)
DISPUTED = ("near", "review", "disputed")


def test_false_from_somebody_trusted_lowers_it_until_a_person_decides(
    house: House, organisation: UUID, indicator: int, person: Person
) -> None:
    reviewer = person(Role.REVIEWER)
    assert counts(house, organisation) == KNOWN
    house.opinions.give(organisation, reviewer, indicator, Says.FALSE, "a drawing")
    assert counts(house, organisation) == DISPUTED
    (dispute,) = house.quarantine.acting(organisation)
    assert (dispute.cause, dispute.indicator, dispute.waits) == ("dispute", indicator, True)
    house.quarantine.release(organisation, person(Role.ADMIN), dispute.id, "it is what it says")
    assert counts(house, organisation) == KNOWN
    # What was said before the decision no longer speaks against it; what is said after does.
    house.opinions.give(organisation, person(Role.ANALYST), indicator, Says.INVESTIGATE, "hm")
    assert counts(house, organisation) == KNOWN
    house.opinions.give(organisation, reviewer, indicator, Says.FALSE, "look at it again")
    assert counts(house, organisation) == DISPUTED


def test_one_who_is_not_trusted_lowers_nothing_and_two_do_unless_others_disagree(
    house: House, organisation: UUID, indicator: int, person: Person
) -> None:
    def say(says: Says) -> None:
        house.opinions.give(organisation, person(Role.ANALYST), indicator, says, "looked")

    say(Says.TRUE)
    say(Says.FALSE)
    assert counts(house, organisation) == KNOWN
    say(Says.FALSE)
    assert counts(house, organisation) == DISPUTED
    say(Says.TRUE)
    assert counts(house, organisation) == KNOWN, "as many say true"


def test_partners_are_heard_and_the_one_it_came_from_is_trusted(
    house: House, organisation: UUID, indicator: int, person: Person
) -> None:
    analyst = person(Role.ANALYST)
    give = house.opinions.give
    other = give(organisation, analyst, indicator, Says.FALSE, "they wrote", "Another hotline")
    assert (other.partner, other.trusted) == ("Another hotline", False)
    assert counts(house, organisation) == KNOWN
    give(organisation, analyst, indicator, Says.INVESTIGATE, "they wrote", "Hotline")
    assert counts(house, organisation) == KNOWN
    theirs = give(organisation, analyst, indicator, Says.FALSE, "they were wrong", "hotline ")
    assert theirs.trusted
    assert counts(house, organisation) == DISPUTED
    reviewer = person(Role.REVIEWER)
    with pytest.raises(NotAllowed, match=r"bank\.write"):
        give(organisation, reviewer, indicator, Says.TRUE, "they say", "Hotline")


def test_who_retracts_ends_the_dispute_but_not_what_a_person_decided(
    house: House, organisation: UUID, indicator: int, person: Person
) -> None:
    reviewer, analyst = person(Role.REVIEWER), person(Role.ANALYST)
    given = house.opinions.give(organisation, reviewer, indicator, Says.FALSE, "a drawing")
    with pytest.raises(NotAllowed):
        house.opinions.retract(organisation, analyst, given.id, "no")
    done = house.opinions.retract(organisation, reviewer, given.id, "I was wrong")
    assert (done.retracted_by, done.retracted_why) == (reviewer.id, "I was wrong")
    assert counts(house, organisation) == KNOWN
    with pytest.raises(Conflict):
        house.opinions.retract(organisation, reviewer, given.id, "again")
    again = house.opinions.give(organisation, reviewer, indicator, Says.FALSE, "a drawing")
    (dispute,) = house.quarantine.acting(organisation)
    house.quarantine.confirm(organisation, person(Role.ADMIN), dispute.id, "yes, a drawing")
    house.opinions.retract(organisation, reviewer, again.id, "hm")
    assert counts(house, organisation) == DISPUTED
    assert [one.says for one in house.opinions.of(organisation, indicator)] == [Says.FALSE] * 2


def test_a_voice_says_one_thing_at_a_time(
    house: House, organisation: UUID, indicator: int, person: Person
) -> None:
    reviewer = person(Role.REVIEWER)
    for says in (Says.FALSE, Says.TRUE):
        house.opinions.give(organisation, reviewer, indicator, says, "looked")
    first, second = house.opinions.of(organisation, indicator)
    assert (first.retracted_why, second.retracted_at) == ("said anew", None)
    assert counts(house, organisation) == KNOWN


def test_an_opinion_stays_in_its_organisation(
    house: House,
    organisation: UUID,
    other_organisation: UUID,
    indicator: int,
    person: Person,
) -> None:
    new = NewList(name="same", kind=ListKind.BLOCK, source="s", basis="b", category="c")
    listed = house.bank.create_list(other_organisation, SYSTEM, new)
    entry = NewIndicator(kind=IndicatorKind.MD5, value=MD5)
    house.bank.add(other_organisation, SYSTEM, listed.id, [entry])
    house.opinions.give(organisation, person(Role.REVIEWER), indicator, Says.FALSE, "a drawing")
    assert match(house, other_organisation).reason == "list_not_verified"
    assert house.opinions.of(other_organisation, indicator) == []
    stranger = house.members.add_member(other_organisation, "Omar", Role.ADMIN, SYSTEM)
    with pytest.raises(NotFound):
        house.opinions.give(other_organisation, stranger, indicator, Says.FALSE, "to unlist it")
    assert len(house.opinions.of(organisation, indicator)) == 1


def test_opinions_at_the_same_time_are_weighed_together(
    house: House, organisation: UUID, indicator: int, person: Person
) -> None:
    people = [person(Role.ANALYST) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for done in [
            pool.submit(house.opinions.give, organisation, one, indicator, Says.FALSE, "no")
            for one in people
        ]:
            done.result(60)
    assert counts(house, organisation) == DISPUTED
    assert len(house.quarantine.acting(organisation)) == 1


def test_what_is_withdrawn_or_has_no_reason_gets_no_opinion(
    house: House, organisation: UUID, indicator: int, person: Person
) -> None:
    reviewer = person(Role.REVIEWER)
    with pytest.raises(InvalidInput):
        house.opinions.give(organisation, reviewer, indicator, Says.FALSE, " ")
    found = house.bank.indicator(organisation, indicator)
    house.bank.withdraw(organisation, SYSTEM, found.list, ids=[indicator], why="gone")
    with pytest.raises(Conflict, match="withdrawn"):
        house.opinions.give(organisation, reviewer, indicator, Says.FALSE, "a drawing")
