"""What every answer carries, and what the log never does."""

from __future__ import annotations

import json

import pytest
from litestar import get
from sqlalchemy import text

from lapwing.app import House, wire
from lapwing.logs import KEYS, log
from lapwing.store.database import Database
from lapwing.web.authority import PUBLIC
from web_world import Client, Side, opened_client

PATHS = ["/healthz", "/v1/cases", "/nothing/here", "/schema/openapi.json", "/console/sign-in"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_framed(client: Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert len(headers["x-request-id"]) == 32


def test_pages_may_use_their_own_files_and_the_api_nothing(client: Client) -> None:
    page = client.get("/console/sign-in").headers["content-security-policy"]
    assert "script-src 'self'" in page
    api = client.get("/healthz").headers["content-security-policy"]
    assert "script-src" not in api


def test_https_is_asked_for_again(house: House) -> None:
    with opened_client(house) as client:
        client.base_url = "https://lapwing.example"  # type: ignore[assignment]
        assert "max-age" in client.get("/healthz").headers["strict-transport-security"]


def test_an_unknown_path_is_a_problem_like_any_other(client: Client) -> None:
    answer = client.get("/v1/nothing")
    assert answer.status_code == 404
    assert answer.json() == {
        "code": "not_found",
        "message": "Not Found",
        "field": None,
        "line": None,
        "column": None,
    }


def test_a_method_that_is_not_there_is_a_problem_too(client: Client) -> None:
    answer = client.delete("/v1/cases")
    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"


def test_a_crash_tells_the_caller_nothing_but_where_to_ask(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    @get("/crash", opt=PUBLIC, sync_to_thread=False)
    def crash() -> None:
        raise RuntimeError("the account of Jane")

    with opened_client(house, pages=[crash]) as client:
        answer = client.get("/crash")
    assert answer.status_code == 500
    assert answer.json()["code"] == "error"
    assert answer.headers["x-request-id"] in answer.json()["message"]
    written = capsys.readouterr().err
    assert "Jane" not in answer.text + written
    crashed = next(line for line in map(json.loads, written.splitlines()) if "error" in line)
    assert crashed["error"] == "RuntimeError"
    assert any("test_frame.py" in place for place in crashed["where"])


def test_the_log_names_route_and_organisation_and_no_person(
    client: Client, ours: Side, capsys: pytest.CaptureFixture[str]
) -> None:
    client.get(f"/v1/cases/{ours.case}?limit=3", headers=ours.bearer | {"User-Agent": "Jane's"})
    client.get("/console/sign-in/a-secret-token")
    written = capsys.readouterr().err
    seen, signing = map(json.loads, written.splitlines())
    assert seen["route"] == "/v1/cases/{case}"
    assert seen["organisation"] == str(ours.organisation)
    assert seen["caller"] == "api_key"
    assert signing["route"] == "/console/sign-in/{token}"
    assert {*seen, *signing} <= KEYS.keys()
    for hidden in (
        "testclient",
        "127.0.0.1",
        "Jane",
        "a-secret-token",
        ours.secret,
        str(ours.case),
    ):
        assert hidden not in written


def test_a_key_that_is_not_on_the_list_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    log.info("request", route="/x", email="jane@example.org")
    written = capsys.readouterr().err
    assert "/x" in written
    assert "jane" not in written


def test_metrics_are_for_this_machine_only(house: House, client: Client, ours: Side) -> None:
    assert client.get("/metrics", headers=ours.bearer).status_code == 403
    with opened_client(house) as local:
        app = local.app
        inner = app.asgi_handler

        async def from_loopback(scope, receive, send):  # type: ignore[no-untyped-def]
            scope["client"] = ("127.0.0.1", 50000)
            await inner(scope, receive, send)

        app.asgi_handler = from_loopback
        local.post("/v1/screen", headers=ours.bearer, json={"kind": "url", "id": "m", "url": "a.b"})
        answer = local.get("/metrics")
    assert answer.status_code == 200
    assert "lapwing_items_screened_total 1.0" in answer.text
    assert 'lapwing_decisions_total{action="allow"} 1.0' in answer.text
    assert "lapwing_bank_generation" in answer.text
    assert 'lapwing_request_seconds_count{route="/v1/screen"} 1.0' in answer.text
    assert str(ours.organisation) not in answer.text


def test_ready_is_who_has_everything_and_alive_who_answers(client: Client, house: House) -> None:
    assert client.get("/readyz").json() == {"ready": True, "missing": []}
    nowhere = wire(house.settings, Database("postgresql://postgres@127.0.0.1:1/none"))
    with opened_client(nowhere) as cut_off:
        answer = cut_off.get("/readyz")
        assert cut_off.get("/healthz").json()["status"] == "ok"
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "missing": ["database", "schema", "bank"]}
    nowhere.close()


def test_a_connection_lost_in_the_middle_is_a_reason_to_try_again(house: House) -> None:
    @get("/lost", opt=PUBLIC, sync_to_thread=True)
    def lost() -> None:
        with house.database.owner() as connection:
            connection.execute(text("select pg_terminate_backend(pg_backend_pid())"))

    with opened_client(house, pages=[lost]) as client:
        answer = client.get("/lost")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert client.get("/healthz").status_code == 200
