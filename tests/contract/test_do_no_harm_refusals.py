"""Rules 8 and 9 of "Do no harm": what must be refused is, and every refusal says why."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from command_line import command_line, set_environment
from harm_world import WORDS, send_everything, unkept
from lapwing.app import House
from lapwing.intake.readers import read_items
from lapwing.intake.records import ItemBuilder
from lapwing.law.registry import Refused, countries, may_scan_private, rules
from lapwing.law.rows import Switch
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import InvalidInput, NotAllowed
from lapwing.model.items import Surface
from lapwing.model.organisations import OrganisationKind
from lapwing.model.refusals import Refusal
from lapwing.model.submissions import Submission
from lapwing.store.clock import new_id
from remains import files_of, places_of, rows_of
from web_world import KNOWN_SHA256, KNOWN_URL, NDJSON, Client, Side, lines, opened_client


def test_rule_8_no_law_here_lets_anyone_scan_private_messages(house: House) -> None:
    for kind in OrganisationKind:
        for country in (*countries(), "ZZ"):
            answer = may_scan_private(kind, country)
            assert isinstance(answer, Refused)
            assert answer.reason
            made = house.members.create_organisation(name=str(new_id()), kind=kind, country=country)
            for row in rules():
                with pytest.raises((NotAllowed, InvalidInput)):
                    house.members.change_organisation(made.id, SYSTEM, scan_private=row.id)
    assert not [
        row for row in rules() if row.in_force_for(OrganisationKind.PLATFORM, Switch.SCAN_PRIVATE)
    ]


PRIVATE = [surface.value for surface in Surface if surface is not Surface.PUBLIC]


@pytest.mark.parametrize("surface", PRIVATE)
def test_rule_8_private_messages_are_refused_at_every_door(
    own: House,
    empty_database: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    surface: str,
) -> None:
    side = unkept(own)
    record = {"kind": "message", "id": "p", "text": f"{WORDS} {KNOWN_URL}", "surface": surface}
    with own.database.owner() as owner:
        before = owner.execute(text("select count(*) from items")).scalar_one()
    with opened_client(own) as client:
        alone = client.post("/v1/screen", headers=side.bearer, json=record)
        assert alone.status_code == 403
        assert "private messages" in alone.json()["message"]
        batch = client.post("/v1/screen", headers=side.bearer | NDJSON, content=lines(record))
        assert "private messages" in batch.json()["refused"][0]["reason"]
    set_environment(monkeypatch, tmp_path, empty_database)
    lapwing = command_line(capfd, monkeypatch)
    answer = lapwing("screen", "-", "--kind", "messages", "--json", stdin=lines(record))
    assert answer.code == 3
    assert "private messages" in answer.json["refused"][0]["reason"]
    # Also where someone has written a basis into the table that the law does not give.
    with own.database.owner() as owner:
        owner.execute(text("update organisations set scan_private = 'us.private_messages'"))
    (submission,) = read_items(io.BytesIO(lines(record)), "message", builder_of(own, side))
    assert isinstance(submission, Submission)
    screened = own.screening.screen(side.organisation, SYSTEM, [submission])
    assert "private messages" in screened.refused[0].reason
    with own.database.owner() as owner:
        assert owner.execute(text("select count(*) from items")).scalar_one() == before
    assert places_of(WORDS.encode(), rows_of(own.database), files_of(tmp_path)) == set()


def builder_of(house: House, side: Side) -> ItemBuilder:
    return ItemBuilder(
        organisation=side.organisation,
        source=str(new_id()),
        account_secret=house.keyring.account_secret(side.organisation),
        platform="test",
        clock=house.clock,
        new_id=new_id,
    )


GOOD = {
    "advert": {"text": "a bicycle"},
    "message": {"text": "the train", "surface": "public"},
    "payment": {"amount": "1.50", "currency": "EUR"},
    "url": {"url": "https://shop.example/1"},
    "media": {"sha256": KNOWN_SHA256},
}
BAD: list[dict[str, Any]] = [{"at": "yesterday"}, {"nonsense": "1"}, {"account": "x" * 600}]


def mixed(kind: str, chance: random.Random, count: int = 60) -> tuple[list[dict[str, Any]], int]:
    """Good and bad records in any order, and how many are bad."""
    records = []
    bad = 0
    for number in range(count):
        record = {"id": f"r{number}"} | GOOD[kind]
        if chance.random() < 0.4:
            record |= chance.choice(BAD)
            bad += 1
        records.append(record)
    return records, bad


@pytest.mark.parametrize("kind", sorted(GOOD))
@pytest.mark.parametrize("form", ["ndjson", "csv", "api"])
def test_rule_9_what_was_taken_and_what_was_refused_add_up_to_what_was_sent(
    house: House, client: Client, ours: Side, kind: str, form: str
) -> None:
    chance = random.Random(f"{kind} {form}")  # noqa: S311
    records, bad = mixed(kind, chance)
    if form == "csv":
        # One unknown column would refuse the whole file, so bad rows are bad by their cells.
        columns = list(dict.fromkeys(["id", *GOOD[kind], "at", "account"]))
        rows = [[str(record.get(column, "")) for column in columns] for record in records]
        bad = sum(1 for record in records if {"at", "account"} & set(record))
        body = "\n".join(",".join(row) for row in [columns, *rows]).encode() + b"\n"
    else:
        broken = chance.randrange(len(records))
        encoded = [json.dumps(record).encode() for record in records]
        encoded.insert(broken, b'{"id": "cut off", ')
        bad += 1
        body = b"\n".join(encoded) + b"\n"
    if form == "api":
        headers = ours.bearer | NDJSON
        named = body.replace(b'{"id"', f'{{"kind": "{kind}", "id"'.encode())
        params = {"source": str(new_id())}
        answer = client.post("/v1/screen", headers=headers, content=named, params=params).json()
        taken, refused = len(answer["decisions"]), answer["refused"]
    else:
        entries = list(read_items(io.BytesIO(body), kind, builder_of(house, ours)))
        submissions = [one for one in entries if isinstance(one, Submission)]
        screened = house.screening.screen(ours.organisation, SYSTEM, submissions)
        refusals = [one for one in entries if isinstance(one, Refusal)] + list(screened.refused)
        taken = len(screened.decisions)
        refused = [{"reason": one.reason, "line": one.line} for one in refusals]
    sent = len(records) + (form != "csv")
    assert (taken, len(refused)) == (sent - bad, bad)
    assert all(one["reason"] and one["line"] for one in refused)
    assert len({one["line"] for one in refused}) == bad


def test_rule_9_what_no_detector_looks_at_is_counted(house: House, ours: Side) -> None:
    body = lines({"id": "1", "text": "only words"}, {"id": "2", "text": f"see {KNOWN_URL}"})
    entries = read_items(io.BytesIO(body), "advert", builder_of(house, ours))
    submissions = [one for one in entries if isinstance(one, Submission)]
    screened = house.screening.screen(ours.organisation, SYSTEM, submissions)
    assert screened.no_detector == {"advert": 1}


def test_rule_9_every_action_says_which_rule_asked_for_it_and_why(own: House) -> None:
    side = unkept(own)
    with opened_client(own) as client:
        send_everything(client, side)
    with own.database.owner() as owner:
        rows = owner.execute(text("select actions, rules, why from decisions")).all()
    for actions, named, why in rows:
        assert actions == ["allow"] or (named and len(why) == len(named) and all(why))
