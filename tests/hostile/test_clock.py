"""A clock that leaps: everything is recorded, and no head's time goes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from leaping import LeapingClock

from lapwing.app import House, wire
from lapwing.evidence.heads import SignedHead
from lapwing.evidence.repository import heads
from lapwing.settings import Settings
from lapwing.store.database import Database
from web_world import KNOWN_SHA256, Client, Side, opened_client, session_of, settle


@pytest.fixture
def clock() -> LeapingClock:
    return LeapingClock()


@pytest.fixture
def house(database: Database, clock: LeapingClock, home: object) -> House:
    folder = str(home)
    settings = Settings.read({"LAPWING_HOME": folder})
    return wire(settings, database, clock=clock)


@pytest.fixture
def ours(house: House) -> Side:
    return settle(house, "leaping")


@pytest.fixture
def client(house: House) -> Iterator[Client]:
    with opened_client(house) as opened:
        yield opened


def newest(house: House, side: Side) -> SignedHead:
    with house.database.organisation(side.organisation) as connection:
        head = house.ledger.head(connection, side.organisation)
    assert head is not None
    return head


LEAPS = [
    timedelta(days=-1),
    timedelta(days=-1, minutes=5),
    timedelta(hours=3),
    timedelta(days=-400),
    timedelta(days=30),
    timedelta(),
    timedelta(days=-30),
]


def test_decisions_are_recorded_and_heads_never_go_back(
    house: House, ours: Side, client: Client, clock: LeapingClock
) -> None:
    kept = newest(house, ours)
    for number, off in enumerate(LEAPS):
        clock.off = off
        record = {"kind": "media", "id": f"leap {number}", "sha256": KNOWN_SHA256, "account": "a"}
        answer = client.post("/v1/screen", headers=ours.bearer, json=record)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert found["fresh"] == 1
        assert "hold" in found["decisions"][0]["actions"]
        head = newest(house, ours)
        assert head.at >= kept.at
        assert head.size > kept.size
        with house.database.organisation(ours.organisation) as connection:
            assert house.ledger.verify(connection, ours.organisation, kept).size == head.size
        kept = head
    with house.database.organisation(ours.organisation) as connection:
        times = [one.at for one in heads(connection, ours.organisation, -1, 2**62)]
    assert times == sorted(times)
    assert kept.at - clock() > timedelta(days=30), "the newest head is ahead of the clock"


def test_a_person_can_go_on_working_when_the_clock_is_set_back(
    house: House, ours: Side, client: Client, clock: LeapingClock
) -> None:
    session = session_of(house, ours.reviewer)
    headers = {"Authorization": f"Bearer {session}"}
    clock.off = timedelta(days=-1)
    for step, body in (
        ("claim", {}),
        ("note", {"text": "the clock is wrong"}),
        ("verdict", {"outcome": "harmless", "reason": "a test picture"}),
    ):
        answer = client.post(f"/v1/cases/{ours.case}/{step}", headers=headers, json=body)
        assert answer.status_code < 300, answer.text
    lines = client.get(f"/v1/cases/{ours.case}", headers=headers).json()["timeline"]
    assert [line["event"] for line in lines][-3:] == ["case.claimed", "case.noted", "case.verdict"]


def test_a_session_ends_when_the_clock_leaps_far_ahead(
    house: House, ours: Side, client: Client, clock: LeapingClock
) -> None:
    headers = {"Authorization": f"Bearer {session_of(house, ours.reviewer)}"}
    assert client.get("/v1/me", headers=headers).status_code == 200
    clock.off = timedelta(days=400)
    assert client.get("/v1/me", headers=headers).status_code == 401
