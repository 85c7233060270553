"""Nothing of one organisation is reached through another's key or member, on any route.

Every route stands in the table below; a new one without an entry fails the first test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import httpx
import pytest
from litestar import Litestar
from sqlalchemy import text

from lapwing.app import House
from lapwing.store.clock import new_id
from lapwing.web.app import create_app
from lapwing.web.authority import handlers_of
from web_world import (
    NDJSON,
    Client,
    Side,
    as_browser,
    bearer,
    lines,
    opened_client,
    session_of,
    settle,
)

THEIRS = "d7" * 32
"""Listed by the other organisation only."""


@dataclass(frozen=True)
class Attempt:
    """How a stranger calls a route with the other organisation's ids.

    `answers` are the statuses that are right; the answer never holds anything of the other's.
    """

    path: Callable[[Side], str]
    answers: tuple[int, ...]
    member: bool = False
    body: Callable[[Side], dict[str, Any]] = field(default=lambda side: {})


def at(path: str) -> Callable[[Side], str]:
    return lambda side: path


def on_page(step: str, **fields: str) -> Attempt:
    """A form of the case page."""
    return Attempt(
        lambda side: f"/console/cases/{side.case}/{step}",
        (404,),
        member=True,
        body=lambda side: {"data": {"csrf": "x", **fields}},
    )


def of_report(step: str = "", **fields: str) -> Attempt:
    """A step of a report on the other organisation's case."""
    return Attempt(
        lambda side: f"/v1/cases/{side.case}/report{step}",
        (404,),
        member=True,
        body=lambda side: {"json": fields} if fields else {},
    )


def of_member(step: str, **fields: str) -> Attempt:
    """A form of the members' page, about the other organisation's analyst."""
    return Attempt(
        lambda side: f"/console/members/{side.analyst.id}/{step}",
        (404,),
        member=True,
        body=lambda side: {"data": {"csrf": "x", **fields}},
    )


def of_proposal(step: str, **fields: str) -> Attempt:
    """A form about what waits for the other organisation's second member."""
    return Attempt(
        lambda side: f"/console/confirmations/{side.proposed}/{step}",
        (404,),
        member=True,
        body=lambda side: {"data": {"csrf": "x", **fields}},
    )


WAYS = (200, 403)
"""A challenge is given to whoever asks from our own page; it opens nothing by itself."""

NUMBERS = count()
"""Names of lists that the other organisation has too, each used once."""


def list_named(number: int) -> dict[str, str]:
    words = dict.fromkeys(("source", "basis", "category"), "test")
    return {"name": f"Same name {number}", "kind": "block", **words}


ENTRY = {"kind": "sha256", "value": "ee" * 32}

ATTEMPTS: dict[str, Attempt] = {
    "POST /v1/screen": Attempt(
        at("/v1/screen"),
        (200,),
        body=lambda side: {
            "json": {"kind": "media", "id": "first", "sha256": THEIRS, "account": "someone"}
        },
    ),
    "GET /v1/items/{item:uuid}": Attempt(lambda s: f"/v1/items/{s.item}", (404,)),
    "POST /v1/items/{item:uuid}/appeal": Attempt(
        lambda s: f"/v1/items/{s.item}/appeal", (404,), body=lambda side: {"json": {"text": "why"}}
    ),
    "POST /v1/match": Attempt(
        at("/v1/match"),
        (200,),
        body=lambda side: {"json": {"hashes": [{"hash": THEIRS, "kind": "sha256"}]}},
    ),
    "GET /v1/lists": Attempt(at("/v1/lists"), (200,)),
    "POST /v1/lists": Attempt(
        at("/v1/lists"), (201,), body=lambda side: {"json": list_named(next(NUMBERS))}
    ),
    "GET /v1/lists/{list_id:uuid}": Attempt(lambda s: f"/v1/lists/{s.list_id}", (404,)),
    "GET /v1/lists/{list_id:uuid}/indicators": Attempt(
        lambda s: f"/v1/lists/{s.list_id}/indicators", (404,)
    ),
    "POST /v1/lists/{list_id:uuid}/indicators": Attempt(
        lambda s: f"/v1/lists/{s.list_id}/indicators",
        (404,),
        body=lambda side: {"json": {"indicators": [ENTRY]}},
    ),
    "POST /v1/lists/{list_id:uuid}/withdraw": Attempt(
        lambda s: f"/v1/lists/{s.list_id}/withdraw",
        (404,),
        body=lambda side: {"json": {"ids": list(side.indicators), "why": "to blind them"}},
    ),
    "POST /v1/lists/{list_id:uuid}/change": Attempt(
        lambda s: f"/v1/lists/{s.list_id}/change",
        (404,),
        member=True,
        body=lambda side: {"json": {"action": "none", "why": "to blind them"}},
    ),
    "POST /v1/lists/{list_id:uuid}/indicators/{indicator:int}/override": Attempt(
        lambda s: f"/v1/lists/{s.list_id}/indicators/{s.indicators[0]}/override",
        (404,),
        member=True,
        body=lambda side: {"json": {"basis": "to let it pass", "category": "test"}},
    ),
    "GET /v1/indicators/{indicator:int}/opinions": Attempt(
        lambda s: f"/v1/indicators/{s.indicators[0]}/opinions", (404,), member=True
    ),
    "POST /v1/indicators/{indicator:int}/opinions": Attempt(
        lambda s: f"/v1/indicators/{s.indicators[0]}/opinions",
        (404,),
        member=True,
        body=lambda side: {"json": {"says": "false", "why": "to blind them"}},
    ),
    "POST /v1/opinions/{opinion:uuid}/retract": Attempt(
        lambda s: f"/v1/opinions/{s.opinion}/retract",
        (404,),
        member=True,
        body=lambda side: {"json": {"why": "was here"}},
    ),
    "GET /v1/quarantine": Attempt(at("/v1/quarantine"), (200,), member=True),
    "POST /v1/quarantine/{quarantine_id:uuid}/release": Attempt(
        lambda s: f"/v1/quarantine/{s.quarantined}/release",
        (404,),
        member=True,
        body=lambda side: {"json": {"why": "was here"}},
    ),
    "POST /v1/quarantine/{quarantine_id:uuid}/confirm": Attempt(
        lambda s: f"/v1/quarantine/{s.quarantined}/confirm",
        (404,),
        member=True,
        body=lambda side: {"json": {"why": "was here"}},
    ),
    "POST /v1/hosted/match": Attempt(
        at("/v1/hosted/match"),
        (403,),
        body=lambda side: {"json": {"hashes": [{"hash": THEIRS, "kind": "sha256"}]}},
    ),
    "GET /v1/hosted/findings": Attempt(at("/v1/hosted/findings"), (200,), member=True),
    "POST /v1/hosted/findings/{finding:uuid}/seen": Attempt(
        lambda s: f"/v1/hosted/findings/{s.probing}/seen",
        (404,),
        member=True,
        body=lambda side: {"json": {"why": "was here"}},
    ),
    "GET /v1/cases": Attempt(at("/v1/cases"), (200,)),
    "GET /v1/cases/{case:str}": Attempt(lambda s: f"/v1/cases/{s.case}", (404,)),
    "POST /v1/cases/{case:str}/claim": Attempt(
        lambda s: f"/v1/cases/{s.case}/claim", (404,), member=True
    ),
    "POST /v1/cases/{case:str}/release": Attempt(
        lambda s: f"/v1/cases/{s.case}/release", (404,), member=True
    ),
    "POST /v1/cases/{case:str}/note": Attempt(
        lambda s: f"/v1/cases/{s.case}/note",
        (404,),
        member=True,
        body=lambda side: {"json": {"text": "was here"}},
    ),
    "POST /v1/cases/{case:str}/danger": Attempt(
        lambda s: f"/v1/cases/{s.case}/danger",
        (404,),
        member=True,
        body=lambda side: {"json": {"why": "to be seen first"}},
    ),
    "POST /v1/cases/{case:str}/danger/over": Attempt(
        lambda s: f"/v1/cases/{s.case}/danger/over",
        (404,),
        member=True,
        body=lambda side: {"json": {"why": "to be seen last"}},
    ),
    "POST /v1/cases/{case:str}/verdict": Attempt(
        lambda s: f"/v1/cases/{s.case}/verdict",
        (404,),
        member=True,
        body=lambda side: {"json": {"outcome": "harmless", "reason": "to let them go"}},
    ),
    "POST /v1/cases/{case:str}/close": Attempt(
        lambda s: f"/v1/cases/{s.case}/close", (404,), member=True
    ),
    "GET /v1/reports": Attempt(at("/v1/reports"), (200,), member=True),
    "GET /v1/cases/{case:str}/report": of_report(),
    "POST /v1/cases/{case:str}/report/open": of_report("/open"),
    "POST /v1/cases/{case:str}/report/draft": of_report("/draft", platform="theirs"),
    "POST /v1/cases/{case:str}/report/file": of_report("/file", seen="0" * 64),
    "POST /v1/cases/{case:str}/report/retry": of_report("/retry"),
    "POST /v1/cases/{case:str}/report/withdraw": of_report("/withdraw", why="no"),
    "GET /v1/cases/{case:str}/report/receipt": of_report("/receipt"),
    "GET /v1/ledger/head": Attempt(at("/v1/ledger/head"), (200,)),
    "GET /v1/ledger/proof/{position:int}": Attempt(at("/v1/ledger/proof/0"), (200,)),
    "GET /v1/ledger/consistency": Attempt(at("/v1/ledger/consistency?from=1"), (200,)),
    "GET /v1/keys": Attempt(at("/v1/keys"), (200,), member=True),
    "POST /v1/keys": Attempt(
        at("/v1/keys"),
        (400,),
        member=True,
        body=lambda side: {
            "json": {"name": "k", "scopes": ["match"], "lists": [str(side.list_id)]}
        },
    ),
    "POST /v1/keys/{key_id:uuid}/revoke": Attempt(
        lambda s: f"/v1/keys/{s.key_id}/revoke", (404,), member=True
    ),
    "GET /v1/confirmations": Attempt(at("/v1/confirmations?waiting=false"), (200,), member=True),
    "POST /v1/confirmations/{confirmation:uuid}/confirm": Attempt(
        lambda s: f"/v1/confirmations/{s.proposed}/confirm", (404,), member=True
    ),
    "POST /v1/confirmations/{confirmation:uuid}/refuse": Attempt(
        lambda s: f"/v1/confirmations/{s.proposed}/refuse",
        (404,),
        member=True,
        body=lambda side: {"json": {"why": "to stop them"}},
    ),
    "POST /v1/confirmations/{confirmation:uuid}/withdraw": Attempt(
        lambda s: f"/v1/confirmations/{s.proposed}/withdraw",
        (404,),
        member=True,
        body=lambda side: {"json": {"why": "to stop them"}},
    ),
    "GET /v1/me": Attempt(at("/v1/me"), (200,)),
    "GET /healthz": Attempt(at("/healthz"), (200,)),
    "GET /readyz": Attempt(at("/readyz"), (200,)),
    "GET /metrics": Attempt(at("/metrics"), (403,)),
    "GET /": Attempt(at("/"), (303,)),
    "GET /schema": Attempt(at("/schema"), (200,)),
    "GET /schema/{path:str}": Attempt(at("/schema/x"), (404,)),
    "GET /schema/openapi.json": Attempt(at("/schema/openapi.json"), (200,)),
    "GET /schema/openapi.yaml": Attempt(at("/schema/openapi.yaml"), (200,)),
    "GET /schema/openapi.yml": Attempt(at("/schema/openapi.yml"), (200,)),
    "GET /console/sign-in": Attempt(at("/console/sign-in"), (200,)),
    "GET /console/sign-in/{token:str}": Attempt(at("/console/sign-in/x"), (200,)),
    "POST /console/sign-in": Attempt(
        at("/console/sign-in"), (403,), body=lambda side: {"data": {"token": "A" * 43}}
    ),
    "POST /console/sign-in/passkey/options": Attempt(at("/console/sign-in/passkey/options"), WAYS),
    "POST /console/sign-in/passkey": Attempt(
        at("/console/sign-in/passkey"), (400,), body=lambda side: {"json": {"credential": {}}}
    ),
    "POST /console/sign-in/recovery": Attempt(
        at("/console/sign-in/recovery"), (403, 429), body=lambda side: {"data": {"code": "A" * 20}}
    ),
    "GET /console/step-up": Attempt(at("/console/step-up"), (200,), member=True),
    "POST /console/step-up/options": Attempt(at("/console/step-up/options"), (404,), member=True),
    "POST /console/step-up/passkey": Attempt(
        at("/console/step-up/passkey"),
        (400,),
        member=True,
        body=lambda side: {"json": {"credential": {}}},
    ),
    "POST /console/step-up/recovery": Attempt(
        at("/console/step-up/recovery"),
        (403,),
        member=True,
        body=lambda side: {"data": {"csrf": "x", "code": side.recovery}},
    ),
    "GET /console/account": Attempt(at("/console/account"), (200,), member=True),
    "POST /console/account/passkeys/options": Attempt(
        at("/console/account/passkeys/options"), (200,), member=True
    ),
    "POST /console/account/passkeys": Attempt(
        at("/console/account/passkeys"),
        (400,),
        member=True,
        body=lambda side: {"json": {"name": "x", "credential": {}}},
    ),
    "POST /console/account/passkeys/{passkey:uuid}/remove": Attempt(
        lambda s: f"/console/account/passkeys/{s.passkey}/remove",
        (404,),
        member=True,
        body=lambda side: {"data": {"csrf": "x"}},
    ),
    "POST /console/account/recovery": Attempt(
        at("/console/account/recovery"),
        (201,),
        member=True,
        body=lambda side: {"data": {"csrf": "x"}},
    ),
    "POST /console/account/tokens": Attempt(
        at("/console/account/tokens"),
        (201,),
        member=True,
        body=lambda side: {"data": {"csrf": "x", "name": "laptop"}},
    ),
    "POST /console/account/sessions/{session:uuid}/end": Attempt(
        lambda s: f"/console/account/sessions/{s.session}/end",
        (404,),
        member=True,
        body=lambda side: {"data": {"csrf": "x"}},
    ),
    "POST /console/account/sessions/end-others": Attempt(
        at("/console/account/sessions/end-others"),
        (303,),
        member=True,
        body=lambda side: {"data": {"csrf": "x"}},
    ),
    "GET /console/members": Attempt(at("/console/members"), (200,), member=True),
    "POST /console/members": Attempt(
        at("/console/members"),
        (303,),
        member=True,
        body=lambda side: {"data": {"csrf": "x", "name": f"m {new_id()}", "role": "analyst"}},
    ),
    "POST /console/members/{member:uuid}/permissions": of_member("permissions", role="admin"),
    "POST /console/members/{member:uuid}/disable": of_member("disable"),
    "POST /console/members/{member:uuid}/link": of_member("link"),
    "GET /console/confirmations": Attempt(at("/console/confirmations"), (200,), member=True),
    "POST /console/confirmations/{confirmation:uuid}/confirm": of_proposal("confirm"),
    "POST /console/confirmations/{confirmation:uuid}/refuse": of_proposal("refuse", why="no"),
    "POST /console/confirmations/{confirmation:uuid}/withdraw": of_proposal("withdraw", why="no"),
    "POST /console/sign-out": Attempt(at("/console/sign-out"), (303,), member=True),
    "GET /static/{file_path:path}": Attempt(at("/static/console.css"), (200,)),
    "HEAD /static/{file_path:path}": Attempt(at("/static/console.css"), (200,)),
    "GET /console": Attempt(at("/console"), (303,), member=True),
    "GET /console/cases": Attempt(at("/console/cases"), (200,), member=True),
    "GET /console/cases/{case:str}": Attempt(
        lambda s: f"/console/cases/{s.case}", (404,), member=True
    ),
    "GET /console/lists": Attempt(at("/console/lists"), (200,), member=True),
    "GET /console/lists/{list_id:uuid}": Attempt(
        lambda s: f"/console/lists/{s.list_id}", (404,), member=True
    ),
    "POST /console/lists/{list_id:uuid}/change": Attempt(
        lambda s: f"/console/lists/{s.list_id}/change",
        (404,),
        member=True,
        body=lambda side: {
            "data": {
                "csrf": "x",
                "action": "none",
                "known_distance": "0",
                "near_distance": "0",
                "why": "to blind them",
            }
        },
    ),
    "GET /console/indicators/{indicator:int}": Attempt(
        lambda s: f"/console/indicators/{s.indicators[0]}", (404,), member=True
    ),
    "POST /console/indicators/{indicator:int}/opinions": Attempt(
        lambda s: f"/console/indicators/{s.indicators[0]}/opinions",
        (404,),
        member=True,
        body=lambda side: {"data": {"csrf": "x", "says": "false", "why": "to blind them"}},
    ),
    "POST /console/indicators/{indicator:int}/override": Attempt(
        lambda s: f"/console/indicators/{s.indicators[0]}/override",
        (404,),
        member=True,
        body=lambda side: {"data": {"csrf": "x", "basis": "b", "category": "c"}},
    ),
    "POST /console/opinions/{opinion:uuid}/retract": Attempt(
        lambda s: f"/console/opinions/{s.opinion}/retract",
        (404,),
        member=True,
        body=lambda side: {"data": {"csrf": "x", "why": "was here", "indicator": "1"}},
    ),
    "GET /console/quarantine": Attempt(at("/console/quarantine"), (200,), member=True),
    "POST /console/quarantine/{quarantine_id:uuid}/release": Attempt(
        lambda s: f"/console/quarantine/{s.quarantined}/release",
        (404,),
        member=True,
        body=lambda side: {"data": {"csrf": "x", "why": "was here"}},
    ),
    "POST /console/quarantine/{quarantine_id:uuid}/confirm": Attempt(
        lambda s: f"/console/quarantine/{s.quarantined}/confirm",
        (404,),
        member=True,
        body=lambda side: {"data": {"csrf": "x", "why": "was here"}},
    ),
    "POST /console/quarantine/probing/{finding:uuid}/seen": Attempt(
        lambda s: f"/console/quarantine/probing/{s.probing}/seen",
        (404,),
        member=True,
        body=lambda side: {"data": {"csrf": "x", "why": "was here"}},
    ),
    "GET /console/ledger": Attempt(at("/console/ledger"), (200,), member=True),
    "GET /console/cases/{case:str}/report": Attempt(
        lambda s: f"/console/cases/{s.case}/report", (404,), member=True
    ),
    "POST /console/cases/{case:str}/report/open": on_page("report/open"),
    "POST /console/cases/{case:str}/report/draft": on_page("report/draft", kind="url"),
    "POST /console/cases/{case:str}/report/file": on_page("report/file", seen="0" * 64),
    "POST /console/cases/{case:str}/report/retry": on_page("report/retry"),
    "POST /console/cases/{case:str}/report/withdraw": on_page("report/withdraw", why="no"),
    "POST /console/cases/{case:str}/claim": on_page("claim"),
    "POST /console/cases/{case:str}/release": on_page("release"),
    "POST /console/cases/{case:str}/danger": on_page("danger", why="to be seen first"),
    "POST /console/cases/{case:str}/danger/over": on_page("danger/over", why="to be seen last"),
    "POST /console/cases/{case:str}/close": on_page("close"),
    "POST /console/cases/{case:str}/note": on_page("note", text="was here"),
    "POST /console/cases/{case:str}/verdict": on_page(
        "verdict", outcome="harmless", reason="to let them go"
    ),
    "POST /console/cases/{case:str}/objects/{object_id:uuid}/uncover": Attempt(
        lambda s: f"/console/cases/{s.case}/objects/{s.kept}/uncover",
        (404,),
        member=True,
        body=lambda side: {"data": {"csrf": "x"}},
    ),
    "GET /console/objects/{object_id:uuid}/cover": Attempt(
        lambda s: f"/console/objects/{s.kept}/cover", (404,), member=True
    ),
    "GET /console/objects/{object_id:uuid}/clear": Attempt(
        lambda s: f"/console/objects/{s.kept}/clear", (404,), member=True
    ),
}


NAMED = ("list_id", "case", "item", "key_id", "kept", "proposed", "passkey", "session")
NAMED += ("opinion", "quarantined", "probing")


@pytest.fixture(scope="module")
def alder(house: House) -> Side:
    """Whose things the other is after."""
    side = settle(house, "alder", known=THEIRS)
    with opened_client(house) as client:
        for number in range(4):
            made = client.post("/v1/lists", headers=side.bearer, json=list_named(number))
            assert made.status_code == 201
    return side


@pytest.fixture(scope="module")
def birch(house: House) -> Side:
    return settle(house, "birch")


@pytest.fixture(scope="module")
def app(house: House) -> Litestar:
    return create_app(house)


def traces_of(side: Side) -> tuple[str, ...]:
    """What would give the other organisation away."""
    people = (side.admin, side.reviewer, side.analyst)
    ids = (side.organisation, *(getattr(side, name) for name in NAMED))
    return (*map(str, ids), side.name, *(str(one.id) for one in people), "alder")


def state_of(house: House, side: Side) -> list[tuple[str, int]]:
    """Rows of every table that the organisation owns, and the state of its case."""
    with house.database.organisation(side.organisation) as connection:
        tables = connection.execute(
            text(
                "select table_name from information_schema.columns "
                "where column_name = 'organisation_id' and table_schema = 'public' order by 1"
            )
        ).scalars()
        counts = [
            (table, connection.execute(text(f"select count(*) from {table}")).scalar_one())
            for table in tables
        ]
        state = connection.execute(
            text("select state from cases where id = :case"), {"case": side.case}
        ).scalar_one()
    return [*counts, (state, 1)]


def test_every_route_stands_in_the_table(app: Litestar) -> None:
    routes = {f"{method} {path}" for path, method, _ in handlers_of(app)}
    assert routes == set(ATTEMPTS)


def call(client: Client, route: str, side: Side, headers: dict[str, str]) -> httpx.Response:
    attempt = ATTEMPTS[route]
    answer = client.request(
        route.partition(" ")[0], attempt.path(side), headers=headers, **attempt.body(side)
    )
    client.cookies.clear()
    return answer


@pytest.fixture(params=["bearer", "browser"])
def stranger(
    request: pytest.FixtureRequest, house: House, birch: Side
) -> Callable[[Attempt], dict[str, str]]:
    """Headers of the other organisation's key or admin, by token or in a signed-in browser."""

    def headers(attempt: Attempt) -> dict[str, str]:
        if request.param == "browser":
            return as_browser(session_of(house, birch.admin))
        return bearer(session_of(house, birch.admin)) if attempt.member else birch.bearer

    return headers


@pytest.mark.parametrize("route", ATTEMPTS)
def test_a_stranger_gets_nothing_and_changes_nothing(
    house: House,
    client: Client,
    alder: Side,
    stranger: Callable[[Attempt], dict[str, str]],
    route: str,
) -> None:
    attempt = ATTEMPTS[route]
    headers = stranger(attempt)
    before = state_of(house, alder)
    answer = call(client, route, alder, headers)
    assert answer.status_code in attempt.answers, answer.text
    said = attempt.path(alder) + str(attempt.body(alder))
    seen = answer.text + str(answer.headers)
    assert not [trace for trace in traces_of(alder) if trace in seen and trace not in said]
    assert state_of(house, alder) == before


@pytest.mark.parametrize("route", [route for route, one in ATTEMPTS.items() if 404 in one.answers])
def test_what_another_has_looks_like_what_is_not_there(
    house: House,
    client: Client,
    alder: Side,
    stranger: Callable[[Attempt], dict[str, str]],
    route: str,
) -> None:
    headers = stranger(ATTEMPTS[route])
    ghost = replace(alder, **{name: new_id() for name in NAMED}, indicators=(1,))
    real, unreal = call(client, route, alder, headers), call(client, route, ghost, headers)
    assert real.status_code == unreal.status_code
    said = unreal.text
    for name in NAMED:
        said = said.replace(str(getattr(ghost, name)), str(getattr(alder, name)))
    assert said == real.text


def test_another_organisations_picture_is_not_uncovered_through_ones_own_case(
    house: House, client: Client, alder: Side, birch: Side
) -> None:
    for side, found in ((birch, 404), (alder, 200)):
        session = session_of(house, side.reviewer)
        headers = as_browser(session)
        page = f"/console/cases/{side.case}/objects/{alder.kept}/uncover"
        pressed = client.post(page, headers=headers, data={"csrf": "in the header"})
        assert pressed.status_code == (303 if found == 200 else 404)
        for form in ("cover", "clear"):
            answer = client.get(f"/console/objects/{alder.kept}/{form}", headers=headers)
            assert answer.status_code == found


def test_what_another_listed_is_not_matched(client: Client, alder: Side, birch: Side) -> None:
    """The same hash that holds an item of theirs lets ours pass: lists are never shared by node."""
    body = lines({"kind": "media", "id": "theirs", "sha256": THEIRS})
    for side, action in ((alder, "hold"), (birch, "allow")):
        answer = client.post("/v1/screen", headers=side.bearer | NDJSON, content=body).json()
        assert action in answer["decisions"][0]["actions"]
    asked = {"hashes": [{"hash": THEIRS, "kind": "sha256"}]}
    answer = client.post("/v1/match", headers=birch.bearer, json=asked).json()
    assert answer["matches"] == []


def test_the_same_account_at_two_organisations_has_two_keys(
    client: Client, alder: Side, birch: Side
) -> None:
    keys = set()
    for side in (alder, birch):
        case = client.get(f"/v1/cases/{side.case}", headers=side.bearer).json()
        subjects = {one["kind"]: one["value"] for one in case["summary"]["subjects"]}
        keys.add(subjects["account"])
    assert len(keys) == 2


def test_case_numbers_are_each_organisations_own(client: Client, alder: Side, birch: Side) -> None:
    """A number is guessable, so it must lead to one's own case or nowhere."""
    for number in range(1, 6):
        answer = client.get(f"/v1/cases/{number}", headers=birch.bearer)
        if answer.status_code == 200:
            assert str(alder.case) not in answer.text
        else:
            assert answer.status_code == 404
