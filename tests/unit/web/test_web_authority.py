"""Every route declares who may call it, and is held to that."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import get
from litestar.exceptions import ImproperlyConfiguredException

from lapwing.app import House
from lapwing.model.actors import SYSTEM
from lapwing.model.organisations import Role, Scope
from lapwing.model.permissions import Permission
from lapwing.web.app import create_app
from lapwing.web.authority import Authority, declared, handlers_of
from lapwing.web.sessions import form_token
from web_world import (
    ADDRESS,
    Client,
    Side,
    as_browser,
    bearer,
    opened_client,
    session_of,
)

PUBLIC = {
    "GET /",
    "GET /healthz",
    "GET /readyz",
    "GET /schema",
    "GET /schema/openapi.json",
    "GET /schema/openapi.yaml",
    "GET /schema/openapi.yml",
    "GET /schema/{path:str}",
    "GET /static/{file_path:path}",
    "HEAD /static/{file_path:path}",
    "GET /console/sign-in",
    "GET /console/sign-in/{token:str}",
    "POST /console/sign-in/passkey/options",
}
ANY_MEMBER = {
    "GET /console",
    "POST /console/sign-out",
    "GET /console/step-up",
    "POST /console/step-up/options",
    "POST /console/step-up/passkey",
    "POST /console/step-up/recovery",
    "GET /console/account",
    "POST /console/account/passkeys",
    "POST /console/account/passkeys/options",
    "POST /console/account/passkeys/{passkey:uuid}/remove",
    "POST /console/account/recovery",
    "POST /console/account/tokens",
    "POST /console/account/sessions/{session:uuid}/end",
    "POST /console/account/sessions/end-others",
}
"""What is everyone's own: these need no permission."""
IN_PERSON = {
    "POST /v1/keys",
    "POST /v1/confirmations/{confirmation:uuid}/confirm",
    "POST /console/confirmations/{confirmation:uuid}/confirm",
    "POST /console/account/passkeys",
    "POST /console/account/passkeys/options",
    "POST /console/account/passkeys/{passkey:uuid}/remove",
    "POST /console/account/recovery",
    "POST /console/account/tokens",
    "POST /console/members",
    "POST /console/members/{member:uuid}/permissions",
    "POST /console/members/{member:uuid}/disable",
    "POST /console/members/{member:uuid}/link",
}
"""What a session left open is not enough for: these ask the member to step up."""


def routes_with(house: House, authority: Authority) -> set[str]:
    return {
        f"{method} {path}"
        for path, method, handler in handlers_of(create_app(house))
        if declared(handler) is authority
    }


def test_the_public_routes_are_these_and_no_others(house: House) -> None:
    assert routes_with(house, Authority.PUBLIC) == PUBLIC


def test_metrics_alone_trusts_the_machine_and_signing_in_alone_a_nonce(house: House) -> None:
    assert routes_with(house, Authority.LOOPBACK) == {"GET /metrics"}
    assert routes_with(house, Authority.NONCE) == {
        "POST /console/sign-in",
        "POST /console/sign-in/passkey",
        "POST /console/sign-in/recovery",
    }


def member_routes(house: House) -> dict[str, dict[str, Any]]:
    return {
        f"{method} {path}": dict(handler.opt)
        for path, method, handler in handlers_of(create_app(house))
        if declared(handler) is Authority.MEMBER
    }


def test_every_route_for_members_names_a_permission_but_for_what_is_their_own(
    house: House,
) -> None:
    routes = member_routes(house)
    assert {route for route, opt in routes.items() if opt["permission"] is None} == ANY_MEMBER
    for opt in routes.values():
        assert opt["permission"] is None or isinstance(opt["permission"], Permission)


def test_what_needs_the_member_in_person_asks_them_to_step_up(house: House) -> None:
    asking = {route for route, opt in member_routes(house).items() if opt.get("step_up")}
    assert asking >= IN_PERSON
    assert not [route for route in asking if route.startswith("GET ")]


def test_stopping_something_never_needs_a_step_up(house: House) -> None:
    """Revoking, withdrawing, refusing, releasing and signing out are never made hard."""
    routes = member_routes(house)
    stopping = [one for one in routes if one.endswith(("/revoke", "/withdraw", "/refuse", "/end"))]
    assert len(stopping) >= 5
    assert not [one for one in stopping if routes[one].get("step_up")]


def test_no_route_that_judges_or_manages_keys_is_open_to_a_key(house: House) -> None:
    for_members = routes_with(house, Authority.MEMBER)
    assert {
        "POST /v1/cases/{case:str}/verdict",
        "POST /v1/cases/{case:str}/claim",
        "POST /v1/cases/{case:str}/close",
        "POST /v1/keys",
        "POST /v1/keys/{key_id:uuid}/revoke",
    } <= for_members


@pytest.mark.parametrize(
    "opt",
    [{}, {"authority": "everyone"}, {"authority": "api_key"}, {"authority": "member"}],
)
def test_a_route_without_an_authority_keeps_the_app_from_starting(
    house: House, opt: dict[str, Any]
) -> None:
    @get("/forgotten", opt=opt, sync_to_thread=False)
    def forgotten() -> None: ...

    with pytest.raises(ImproperlyConfiguredException, match="/forgotten"):
        create_app(house, pages=[forgotten])


def test_without_a_key_nothing_is_answered(client: Client) -> None:
    answer = client.get("/v1/cases")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "not_authenticated"


@pytest.mark.parametrize(
    "header",
    ["Bearer lw_" + "A" * 43, "Bearer " + "A" * 43, "Bearer", "Basic bHc6bHc=", "Bearer lw_ü", ""],
)
def test_an_unknown_secret_is_refused(client: Client, header: str) -> None:
    answer = client.get("/v1/cases", headers={"Authorization": header.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 401


def test_a_key_does_what_its_scopes_say_and_no_more(
    house: House, client: Client, ours: Side
) -> None:
    _, secret = house.members.create_key(ours.organisation, SYSTEM, "m", [Scope.MATCH])
    assert client.post("/v1/match", json={"hashes": []}, headers=bearer(secret)).status_code == 200
    refused = client.get("/v1/cases", headers=bearer(secret))
    assert refused.status_code == 403
    assert "cases.read" in refused.json()["message"]


def test_a_revoked_key_is_refused_at_once(house: House, client: Client, ours: Side) -> None:
    key, secret = house.members.create_key(ours.organisation, SYSTEM, "r", [Scope.MATCH])
    assert client.get("/v1/me", headers=bearer(secret)).status_code == 200
    house.members.revoke_key(ours.organisation, SYSTEM, key.id)
    assert client.get("/v1/me", headers=bearer(secret)).status_code == 401


def test_a_key_with_every_scope_cannot_give_a_verdict(client: Client, ours: Side) -> None:
    answer = client.post(
        f"/v1/cases/{ours.case}/verdict",
        json={"outcome": "confirmed", "reason": "a machine says so"},
        headers=ours.bearer,
    )
    assert answer.status_code == 403
    assert "in person" in answer.json()["message"]


def test_a_member_needs_the_role_for_keys(house: House, client: Client, ours: Side) -> None:
    reviewer = bearer(session_of(house, ours.reviewer))
    assert client.get("/v1/keys", headers=reviewer).status_code == 403
    admin = bearer(session_of(house, ours.admin))
    assert client.get("/v1/keys", headers=admin).status_code == 200


def test_a_reviewer_may_read_lists_but_not_change_them(
    house: House, client: Client, ours: Side
) -> None:
    reviewer = bearer(session_of(house, ours.reviewer))
    assert client.get("/v1/lists", headers=reviewer).status_code == 200
    answer = client.post(
        f"/v1/lists/{ours.list_id}/indicators", json={"indicators": []}, headers=reviewer
    )
    assert answer.status_code == 403


def test_a_session_ends_when_it_is_signed_out(house: House, client: Client, ours: Side) -> None:
    session = session_of(house, ours.reviewer)
    assert client.get("/v1/me", headers=bearer(session)).json()["role"] == Role.REVIEWER
    house.members.sign_out(session)
    assert client.get("/v1/me", headers=bearer(session)).status_code == 401


class TestACookieAlone:
    """A cookie travels by itself, so a change needs proof that our own page asked for it."""

    def note(self, client: Client, ours: Side, **headers: str) -> int:
        answer = client.post(f"/v1/cases/{ours.case}/note", json={"text": "seen"}, headers=headers)
        return answer.status_code

    @pytest.fixture
    def session(self, house: House, ours: Side) -> str:
        return session_of(house, ours.reviewer)

    def test_reads(self, client: Client, session: str) -> None:
        answer = client.get("/v1/cases", headers={"Cookie": f"lapwing={session}"})
        assert answer.status_code == 200

    def test_changes_nothing(self, client: Client, ours: Side, session: str) -> None:
        assert self.note(client, ours, Cookie=f"lapwing={session}") == 403

    def test_with_all_that_our_page_sends_it_changes(
        self, client: Client, ours: Side, session: str
    ) -> None:
        assert self.note(client, ours, **as_browser(session)) == 200

    def test_an_origin_does_where_the_browser_says_no_more(
        self, client: Client, ours: Side, session: str
    ) -> None:
        headers = as_browser(session) | {"Origin": ADDRESS}
        del headers["Sec-Fetch-Site"]
        assert self.note(client, ours, **headers) == 200

    @pytest.mark.parametrize(
        "change",
        [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "none"},
            {"Sec-Fetch-Site": "", "Origin": "http://127.0.0.1:8600"},
            {"X-CSRF-Token": ""},
            {"X-CSRF-Token": "0" * 64},
        ],
        ids=str,
    )
    def test_from_elsewhere_or_with_another_token_it_is_refused(
        self, client: Client, ours: Side, session: str, change: dict[str, str]
    ) -> None:
        assert self.note(client, ours, **(as_browser(session) | change)) == 403

    def test_another_origin_is_refused(self, client: Client, ours: Side, session: str) -> None:
        headers = as_browser(session) | {"Origin": "http://127.0.0.1:9999"}
        del headers["Sec-Fetch-Site"]
        assert self.note(client, ours, **headers) == 403

    def test_another_sessions_form_token_is_refused(
        self, house: House, client: Client, ours: Side, session: str
    ) -> None:
        other = form_token(session_of(house, ours.analyst))
        assert self.note(client, ours, **(as_browser(session) | {"X-CSRF-Token": other})) == 403

    def test_over_https_the_plain_cookie_is_not_read(self, house: House, session: str) -> None:
        with opened_client(house) as client:
            client.base_url = "https://lapwing.example"  # type: ignore[assignment]
            plain = client.get("/v1/cases", headers={"Cookie": f"lapwing={session}"})
            secure = client.get("/v1/cases", headers={"Cookie": f"__Host-lapwing={session}"})
        assert plain.status_code == 401
        assert secure.status_code == 200

    def test_over_http_beyond_this_machine_no_cookie_is_read(
        self, client: Client, session: str
    ) -> None:
        headers = {"Cookie": f"lapwing={session}; __Host-lapwing={session}", "Host": "lapwing.lan"}
        assert client.get("/v1/cases", headers=headers).status_code == 401
