"""Do no harm 10 and 11: no oracle for offenders, and no guard that becomes a door.

The details: `tests/unit/web/test_hosted.py`, `tests/unit/screening/test_floods.py`.
"""

from __future__ import annotations

import re
from typing import get_type_hints
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from lapwing.app import House
from lapwing.bank.changes import NewList
from lapwing.bank.hosted import HostedAnswer
from lapwing.bank.index.hits import Hit
from lapwing.detect.examples import bank_list
from lapwing.members.records import SignedIn
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import NotAllowed
from lapwing.model.indicators import (
    LIST_ACTIONS,
    IndicatorKind,
    ListAction,
    ListKind,
    Mark,
    NewIndicator,
)
from lapwing.model.organisations import Scope
from lapwing.store.clock import new_id
from lapwing.web.app import create_app
from lapwing.web.authority import handlers_of
from web_world import KNOWN_SHA256, Client, Side, bearer, session_of, settle


@pytest.fixture
def side(house: House) -> Side:
    return settle(house, "teasel")


def test_rule_10_a_hosted_answer_holds_match_and_action_and_nothing_else(
    house: House, client: Client
) -> None:
    assert set(get_type_hints(HostedAnswer)) == {"match", "action"}
    schema = client.get("/schema/openapi.json").json()
    answer = schema["paths"]["/v1/hosted/match"]["post"]["responses"]["200"]
    found = set(re.findall(r"#/components/schemas/(\w+)", msgspec.json.encode(answer).decode()))
    told: set[str] = set()
    while found:
        name = found.pop()
        shape = schema["components"]["schemas"][name]
        told |= set(shape.get("properties", ()))
        found |= set(re.findall(r"schemas/(\w+)", msgspec.json.encode(shape).decode())) - {name}
    assert told == {"answers", "match", "action"}
    reached = [
        f"{method} {path}"
        for path, method, handler in handlers_of(create_app(house))
        if handler.opt.get("scope") is Scope.HOSTED
    ]
    assert reached == ["POST /v1/hosted/match"]


def test_rule_10_a_hosted_key_can_do_nothing_else(house: House, client: Client, side: Side) -> None:
    _, secret = house.members.create_key(
        side.organisation, SYSTEM, "theirs", [Scope.HOSTED], [side.list_id]
    )
    for path, method, handler in handlers_of(create_app(house)):
        if "scope" not in handler.opt or handler.opt["scope"] in (None, Scope.HOSTED):
            continue
        filled = re.sub(r"\{\w+:int\}", "0", path)
        filled = re.sub(r"\{\w+:\w+\}", str(new_id()), filled)
        answer = client.request(method, filled, headers=bearer(secret))
        assert answer.status_code == 403, (method, path)


@pytest.mark.parametrize("action", ListAction)
def test_rule_11_a_flood_lowers_removal_to_hold_and_never_further(action: ListAction) -> None:
    listed = bank_list("verified", action=action)
    hit = Hit(
        query=0,
        indicator=1,
        kind=IndicatorKind.MD5,
        value="ab" * 16,
        distance=0,
        list=listed,
        category="c",
        source="s",
        quality=None,
    )
    asked, flooded = hit.asks(), replace(hit, marks=Mark.FLOODED).asks()
    assert flooded == (ListAction.HOLD if asked is ListAction.REMOVE else asked)


def test_rule_11_an_allow_list_takes_exact_cryptographic_hashes_only(
    house: House, side: Side
) -> None:
    allow = allow_list(house, side)
    values = {
        IndicatorKind.PDQ: "c3d2" * 16,
        IndicatorKind.URL: "example.org/a",
        IndicatorKind.DOMAIN: "example.org",
    }
    entries = [NewIndicator(kind=kind, value=value) for kind, value in values.items()]
    added = house.bank.add(side.organisation, SYSTEM, allow, entries)
    assert (len(added.ids), len(added.refused)) == (0, len(values))
    assert LIST_ACTIONS[ListKind.ALLOW] == (ListAction.NONE,)


def test_rule_11_an_allow_entry_beats_a_verified_list_only_with_a_second_member(
    house: House, client: Client, side: Side
) -> None:
    allow = allow_list(house, side)
    entry = NewIndicator(kind=IndicatorKind.SHA256, value=KNOWN_SHA256)
    (indicator,) = house.bank.add(side.organisation, SYSTEM, allow, [entry]).ids
    analyst = bearer(session_of(house, side.analyst))

    def screened() -> tuple[list[str], str]:
        record = {"kind": "media", "id": str(new_id()), "sha256": KNOWN_SHA256}
        answer = client.post("/v1/screen", headers=side.bearer, json=record).json()
        asked = {"hashes": [{"kind": "sha256", "hash": KNOWN_SHA256}]}
        matches = client.post("/v1/match", headers=side.bearer, json=asked).json()["matches"]
        (why,) = [one["reason"] or "counts" for one in matches if one["list"] == str(allow)]
        return answer["decisions"][0]["actions"], why

    blocked = (["hold", "review", "case"], "allow_entry_unconfirmed")
    assert screened() == blocked
    proposed = client.post(
        f"/v1/lists/{allow}/indicators/{indicator}/override",
        headers=analyst,
        json={"basis": "our own logo", "category": "harmless"},
    )
    assert proposed.status_code == 201, proposed.text
    path = f"/v1/confirmations/{proposed.json()['confirmation']}"
    assert screened() == blocked, "one member alone lets nothing past"
    refused = client.post(f"{path}/confirm", headers=analyst)
    assert refused.status_code == 403
    assert screened() == blocked
    confirm(house, side, proposed.json()["confirmation"])
    assert screened() == (["allow"], "counts")
    # Taken off and put back, what two members agreed on still holds.
    house.bank.withdraw(side.organisation, SYSTEM, allow, ids=[indicator], why="tidying")
    assert client.get("/v1/me", headers=side.bearer).status_code == 200
    (again,) = house.bank.add(side.organisation, SYSTEM, allow, [entry]).ids
    assert screened() == (["allow"], "counts")
    assert house.bank.overridden(side.organisation, house.bank.indicator(side.organisation, again))
    taken_back = client.post(
        f"{path}/withdraw", headers=analyst, json={"why": "it was not our logo"}
    )
    assert taken_back.status_code == 200, taken_back.text
    assert screened() == blocked, "one member is enough to stop"


def test_rule_11_only_entries_of_allow_lists_can_be_proposed_by_who_may_write(
    house: House, client: Client, side: Side
) -> None:
    body = {"basis": "b", "category": "c"}
    path = f"/v1/lists/{side.list_id}/indicators/{side.indicators[0]}/override"
    analyst = bearer(session_of(house, side.analyst))
    answer = client.post(path, headers=analyst, json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, "list")
    reviewer = bearer(session_of(house, side.reviewer))
    assert client.post(path, headers=reviewer, json=body).status_code == 403
    assert client.post(path, headers=side.bearer, json=body).status_code == 403


def confirm(house: House, side: Side, confirmation: str) -> None:
    """As the reviewer, present and in person; the analyst, who proposed it, cannot."""
    identity = UUID(confirmation)
    _, session = house.members.sign_in_with_recovery(side.recovery)
    reviewer, analyst = present(house, session), present(house, session_of(house, side.analyst))
    with house.database.organisation(side.organisation) as connection:
        with pytest.raises(NotAllowed, match=r"proposed this yourself|share\.confirm"):
            house.confirmations.confirm(connection, side.organisation, analyst, identity)
        house.confirmations.confirm(connection, side.organisation, reviewer, identity)


def present(house: House, session: str) -> SignedIn:
    """Whoever signed in with proof a moment ago."""
    signed = house.members.signed_in(session)
    assert signed is not None
    return signed


def allow_list(house: House, side: Side) -> UUID:
    new = NewList(name="Allowed", kind=ListKind.ALLOW, source="us", basis="b", category="c")
    return house.bank.create_list(side.organisation, SYSTEM, new).id
