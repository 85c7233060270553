"""A report by way of the API and the console: only members in person, only what they have seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from lapwing.members.authority import member_actor
from lapwing.model.actors import SYSTEM
from lapwing.model.cases import Outcome
from lapwing.model.organisations import Role
from lapwing.report.records import ReportState
from lapwing.report.typed import Typed
from lapwing.store.database import Database
from report_world import World, opened_world
from web_world import EVERYTHING, Client, as_browser, bearer, opened_client, session_of


@pytest.fixture
def world(database: Database, home: Path) -> Iterator[World]:
    with opened_world(database, home) as opened:
        yield opened


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    with opened_client(world.house) as opened:
        yield opened


@pytest.fixture
def case(world: World) -> UUID:
    made = world.picture_case()
    world.judge(made)
    return made


@pytest.fixture
def headers(world: World) -> dict[str, str]:
    return bearer(session_of(world.house, world.member))


def test_a_member_files_by_the_api_what_they_have_seen(
    world: World, client: Client, case: UUID, headers: dict[str, str]
) -> None:
    plain = client.get(f"/v1/cases/{case}/report", headers=headers).json()
    assert plain["seen"] is None
    assert plain["faults"] == []
    typed = {"additionalInfo": "a note"}
    kept = client.post(f"/v1/cases/{case}/report/draft", headers=headers, json=typed)
    assert kept.status_code == 200, kept.text
    opened = client.post(f"/v1/cases/{case}/report/open", headers=headers).json()
    assert "192.0.2.7" in opened["document"]
    assert "a note" in opened["document"]
    answer = client.post(
        f"/v1/cases/{case}/report/file", headers=headers, json={"seen": opened["seen"]}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "confirmed"
    world.work(UUID(answer.json()["id"]))
    standing = client.get("/v1/reports", headers=headers).json()
    assert [one["state"] for one in standing["reports"]] == ["filed"]
    receipt = client.get(f"/v1/cases/{case}/report/receipt", headers=headers)
    assert receipt.headers["content-type"].startswith("text/xml")
    assert b"reportDoneResponse" in receipt.content


ROUTES = [
    ("GET", "/v1/reports", None),
    ("GET", "/v1/cases/{case}/report", None),
    ("POST", "/v1/cases/{case}/report/open", None),
    ("POST", "/v1/cases/{case}/report/draft", {}),
    ("POST", "/v1/cases/{case}/report/file", {"seen": "0"}),
    ("POST", "/v1/cases/{case}/report/retry", None),
    ("POST", "/v1/cases/{case}/report/withdraw", {"why": "x"}),
    ("GET", "/v1/cases/{case}/report/receipt", None),
    ("GET", "/console/cases/{case}/report", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_no_api_key_reaches_a_report(
    world: World, client: Client, case: UUID, method: str, path: str, body: object
) -> None:
    _, secret = world.house.members.create_key(
        world.organisation, member_actor(world.member), "everything", EVERYTHING
    )
    answer = client.request(method, path.format(case=case), headers=bearer(secret), json=body)
    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_an_analyst_may_not_report(
    world: World, client: Client, case: UUID, method: str, path: str, body: object
) -> None:
    analyst = world.house.members.add_member(world.organisation, "An", Role.ANALYST, SYSTEM)
    token = bearer(session_of(world.house, analyst))
    answer = client.request(method, path.format(case=case), headers=token, json=body)
    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize("outcome", [None, Outcome.HARMLESS, Outcome.UNSURE])
@pytest.mark.parametrize(("method", "path", "body"), ROUTES[1:5])
def test_no_route_leads_to_a_report_without_a_verdict_that_asks_for_it(
    world: World,
    client: Client,
    headers: dict[str, str],
    outcome: Outcome | None,
    method: str,
    path: str,
    body: object,
) -> None:
    case = world.picture_case()
    if outcome is not None:
        world.judge(case, outcome)
    answer = client.request(method, path.format(case=case), headers=headers, json=body)
    assert answer.status_code == 403, answer.text
    assert "verdict" in answer.json()["message"]
    assert not world.desk.calls


def test_what_is_missing_is_named_in_the_answer(
    world: World, client: Client, case: UUID, headers: dict[str, str]
) -> None:
    world.reports.save(world.organisation, world.member, case, Typed(platform="a" * 300))
    seen = client.post(f"/v1/cases/{case}/report/open", headers=headers).json()["seen"]
    answer = client.post(f"/v1/cases/{case}/report/file", headers=headers, json={"seen": seen})
    assert answer.status_code == 400
    assert answer.json()["field"] == "incidentSummary.platform"


def form(page: str, action: str) -> dict[str, str]:
    """Hidden fields of a form on the page."""
    found = re.search(rf'<form method="post" action="[^"]*/{action}">(.*?)</form>', page, re.S)
    assert found, f"no form {action} in {page}"
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', found[1]))


def test_a_member_files_in_the_console_after_opening_the_account(
    world: World, client: Client, case: UUID
) -> None:
    browser = as_browser(session_of(world.house, world.member))
    number = world.house.cases.case(world.organisation, case).summary.number
    base = f"/console/cases/{number}/report"
    assert f'href="{base}"' in client.get(f"/console/cases/{number}", headers=browser).text
    page = client.get(base, headers=browser).text
    assert "File this report" not in page
    assert "192.0.2.7" not in page
    opened = client.post(f"{base}/open", headers=browser, data=form(page, "open")).text
    assert "192.0.2.7" in opened
    assert "A rehearsal" in opened
    filed = client.post(f"{base}/file", headers=browser, data=form(opened, "file"))
    assert filed.status_code == 303, filed.text
    (status,) = world.reports.statuses(world.organisation)
    assert status.state is ReportState.CONFIRMED
    world.work(status.id)
    assert "authority's notification" in client.get(base, headers=browser).text


def test_filing_in_a_browser_needs_the_member_to_sit_there(
    world: World, client: Client, case: UUID
) -> None:
    browser = as_browser(session_of(world.house, world.member))
    seen = world.reports.open(world.organisation, world.member, case).seen
    world.hands.turn(minutes=30)
    page = client.post(
        f"/console/cases/{case}/report/file", headers=browser, data={"csrf": "x", "seen": seen}
    )
    api = client.post(f"/v1/cases/{case}/report/file", headers=browser, json={"seen": seen})
    assert page.status_code in (303, 403)
    assert api.status_code in (401, 403)
    assert world.reports.statuses(world.organisation) == []


def test_a_token_files_only_while_it_is_new(world: World, client: Client, case: UUID) -> None:
    """Making one asks for the member in person, so a new one says that they are there."""
    members = world.house.members
    signed = members.signed_in(session_of(world.house, world.member))
    assert signed is not None
    _, token = members.create_token(signed, "laptop")
    seen = world.reports.open(world.organisation, world.member, case).seen
    path = f"/v1/cases/{case}/report/file"
    world.hands.turn(minutes=10)
    late = client.post(path, headers=bearer(token), json={"seen": seen})
    assert (late.status_code, late.json()["code"]) == (403, "step_up_needed")
    assert world.reports.statuses(world.organisation) == []
    signed = members.signed_in(session_of(world.house, world.member))
    assert signed is not None
    _, token = members.create_token(signed, "laptop again")
    seen = world.reports.open(world.organisation, world.member, case).seen
    world.hands.turn(minutes=9)
    filed = client.post(path, headers=bearer(token), json={"seen": seen})
    assert filed.json()["state"] == "confirmed", filed.text


def test_what_is_typed_in_the_console_joins_what_was_there(
    world: World, client: Client, case: UUID
) -> None:
    browser = as_browser(session_of(world.house, world.member))
    world.reports.save(world.organisation, world.member, case, Typed(platform="By the API"))
    (file,) = world.reports.preview(world.organisation, world.member, case).files
    fields = {
        "csrf": "x",
        "kind": "url",
        "actor": "adult",
        "incident_date_time": "2026-11-19 10:30",
        "urls": "https://example.org/a\nhttps://example.org/b",
        "sextortion": "yes",
        "account_id": "u-9",
        "account_ip": "192.0.2.9",
        "victim_age": "12",
        "files": str(file.item),
        "self_produced": str(file.item),
        "reporter_email": "desk@example.org",
    }
    base = f"/console/cases/{case}/report"
    answer = client.post(f"{base}/draft", headers=browser, data=fields)
    assert answer.status_code == 303, answer.text
    typed = world.reports.preview(world.organisation, world.member, case).typed
    assert typed.platform == "By the API"
    assert typed.account is not None
    assert typed.account.esp_identifier == "u-9"
    assert typed.victims[0].person is not None
    assert typed.victims[0].person.age == 12
    noted = typed.files[str(file.item)].file_annotations
    assert noted is not None
    assert noted.possible_self_production
    document = world.reports.open(world.organisation, world.member, case).document
    for said in ("192.0.2.9", "2026-11-19T10:30", "example.org/b", "<sextortion/>", "desk@example"):
        assert said in document
    page = client.get(base, headers=browser).text
    for value in ("u-9", "192.0.2.9", "2026-11-19 10:30"):
        assert f'value="{value}"' in page


@pytest.mark.parametrize(
    ("field", "value"), [("incident_date_time", "yesterday"), ("victim_age", "twelve")]
)
def test_what_is_typed_wrong_is_said(
    world: World, client: Client, case: UUID, field: str, value: str
) -> None:
    browser = as_browser(session_of(world.house, world.member))
    answer = client.post(
        f"/console/cases/{case}/report/draft", headers=browser, data={"csrf": "x", field: value}
    )
    assert answer.status_code == 400


def test_the_clock_and_a_failure_are_on_the_page(world: World, client: Client, case: UUID) -> None:
    browser = as_browser(session_of(world.house, world.member))
    world.desk.refuse["submit"] = 3100
    world.work(world.file(case).id)
    page = client.get(f"/console/cases/{case}/report", headers=browser).text
    assert "as soon as reasonably possible" in page
    assert "not filed: look at the answer" in page
    assert "3100" in page
