"""Headers, requests from other sites, sessions: at every route, a new one is tried unasked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from every_route import Routes, filled, is_page

from lapwing.app import House
from lapwing.members.tokens import new_token
from lapwing.store.clock import new_id
from lapwing.web.authority import SAFE_METHODS, Authority, declared
from web_world import (
    ADDRESS,
    Client,
    Side,
    bearer,
    opened_client,
    session_of,
)


class TestHeaders:
    def check(self, headers: Any, *, page: bool) -> None:
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        if not page:
            assert "script-src" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers

    def test_every_route_sends_them_to_everyone(
        self,
        client: Client,
        ours: Side,
        browser: dict[str, str],
        routes: Routes,
    ) -> None:
        for path, method, handler in routes:
            for headers in ({}, ours.bearer, browser, {"Origin": "https://evil.example"}):
                if path.endswith(("sign-out", "end-others")) and headers is browser:
                    continue
                answer = client.request(method, filled(path, ours), headers=headers)
                client.cookies.clear()
                assert answer.status_code < 500, f"{method} {path}"
                self.check(answer.headers, page=is_page(handler))

    def test_what_is_about_someone_is_stored_nowhere(
        self,
        client: Client,
        ours: Side,
        browser: dict[str, str],
        routes: Routes,
    ) -> None:
        for path, method, handler in routes:
            if method == "GET" and declared(handler) in (Authority.MEMBER, Authority.API_KEY):
                answer = client.get(filled(path, ours), headers=browser)
                assert answer.headers["cache-control"] == "no-store", path

    def test_no_page_holds_anything_inline_or_of_another_host(
        self,
        client: Client,
        ours: Side,
        browser: dict[str, str],
        routes: Routes,
    ) -> None:
        seen = 0
        for path, method, handler in routes:
            if method != "GET" or not is_page(handler):
                continue
            page = client.get(filled(path, ours), headers=browser).text
            assert not re.search(r"<script(?![^>]* src=)|<style|javascript:| style=", page), path
            assert not re.search(r"<[^>]* on\w+=", page), path
            assert not re.search(r"(src|href|action)=\"?(https?:)?//", page), path
            seen += 1
        assert seen > 8


class TestOtherSites:
    """Another site can make a browser send requests with our cookie, and read nothing back."""

    def changing(self, routes: Routes, *kinds: Authority) -> Iterator[tuple[str, str]]:
        for path, method, handler in routes:
            if method not in SAFE_METHODS and declared(handler) in kinds:
                yield path, method

    FROM_ELSEWHERE = (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ADDRESS + ".evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {},
    )

    def test_no_change_by_cookie_without_our_page_and_its_token(
        self,
        client: Client,
        ours: Side,
        browser: dict[str, str],
        routes: Routes,
    ) -> None:
        tried = 0
        cookie = {"Cookie": browser["Cookie"]}
        token = {"X-CSRF-Token": browser["X-CSRF-Token"]}
        for path, method in self.changing(routes, Authority.MEMBER, Authority.API_KEY):
            address = filled(path, ours)
            for said in self.FROM_ELSEWHERE:
                answer = client.request(method, address, headers=cookie | token | said)
                assert answer.status_code == 403, f"{method} {path} from {said}"
            for wrong in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}):
                ourselves = cookie | {"Sec-Fetch-Site": "same-origin"} | wrong
                answer = client.request(method, address, headers=ourselves)
                assert answer.status_code == 403, f"{method} {path} with {wrong}"
            tried += 1
        assert tried > 30

    def test_nobody_is_signed_in_from_elsewhere(
        self, client: Client, ours: Side, routes: Routes
    ) -> None:
        tried = 0
        for path, method in self.changing(routes, Authority.NONCE, Authority.PUBLIC):
            for said in self.FROM_ELSEWHERE[:-1]:
                answer = client.request(method, filled(path, ours), headers=said)
                assert answer.status_code == 403, f"{method} {path} from {said}"
                assert "set-cookie" not in answer.headers
            tried += 1
        assert tried == 4

    def test_reading_changes_nothing(
        self,
        house: House,
        client: Client,
        ours: Side,
        browser: dict[str, str],
        routes: Routes,
    ) -> None:
        """So a picture or a link on another page does nothing either."""
        before = _size(house, ours)
        for path, method, _ in routes:
            if method == "GET":
                client.get(filled(path, ours), headers={"Cookie": browser["Cookie"]})
        assert _size(house, ours) == before

    def test_no_answer_allows_another_origin_to_read_it(
        self, client: Client, ours: Side, routes: Routes
    ) -> None:
        for path, _, _ in routes:
            answer = client.options(
                filled(path, ours),
                headers={
                    "Origin": "https://evil.example",
                    "Access-Control-Request-Method": "POST",
                },
            )
            assert not [name for name in answer.headers if name.startswith("access-control")]


def _size(house: House, side: Side) -> int:
    with house.database.organisation(side.organisation) as connection:
        head = house.ledger.head(connection, side.organisation)
    assert head is not None
    return head.size


class TestSessions:
    def cookie(self, client: Client, house: House, ours: Side, **headers: str) -> str:
        link = house.members.sign_in_link(ours.organisation, ours.reviewer.id)
        answer = client.post("/console/sign-in", data={"token": link}, headers=headers)
        client.cookies.clear()
        assert answer.status_code == 303
        return answer.headers["set-cookie"]

    def test_a_session_planted_before_signing_in_is_not_taken_up(
        self, house: House, client: Client, ours: Side
    ) -> None:
        planted = new_token()
        cookie = self.cookie(client, house, ours, Cookie=f"lapwing={planted}")
        assert planted not in cookie
        assert house.members.session(planted) is None

    def test_signing_in_again_makes_another_session(
        self, house: House, client: Client, ours: Side
    ) -> None:
        first = self.cookie(client, house, ours)
        second = self.cookie(client, house, ours, Cookie=first.partition(";")[0])
        assert first.partition(";")[0] != second.partition(";")[0]

    def test_the_cookie_is_for_this_host_only_and_no_script_reads_it(
        self, house: House, ours: Side
    ) -> None:
        with opened_client(house) as client:
            client.base_url = "https://lapwing.example"  # type: ignore[assignment]
            cookie = self.cookie(client, house, ours, **{"Sec-Fetch-Site": "same-origin"})
        assert cookie.startswith("__Host-lapwing=")
        for flag in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
            assert flag in cookie
        assert "domain" not in cookie.lower()

    def test_only_a_session_of_a_browser_is_taken_from_a_cookie(
        self, house: House, client: Client, ours: Side
    ) -> None:
        """A token or key that leaks into a browser is not a way to act in it."""
        signed = house.members.signed_in(session_of(house, ours.analyst))
        assert signed is not None
        _, token = house.members.create_token(signed, f"t {new_id()}")
        for secret in (token, ours.secret, token.removeprefix("lw_m_")):
            answer = client.get("/v1/me", headers={"Cookie": f"lapwing={secret}"})
            assert answer.status_code == 401
        assert client.get("/v1/me", headers=bearer(token)).status_code == 200

    @pytest.mark.parametrize(
        "place", ["?token={0}", "?access_token={0}", "?csrf={0}", "?session={0}"]
    )
    def test_no_secret_is_taken_from_an_address(
        self, house: House, client: Client, ours: Side, place: str
    ) -> None:
        session = session_of(house, ours.reviewer)
        assert client.get("/v1/me" + place.format(session)).status_code == 401

    def test_a_token_does_not_do_what_needs_the_member_in_person(
        self,
        house: House,
        client: Client,
        ours: Side,
        routes: Routes,
    ) -> None:
        signed = house.members.signed_in(session_of(house, ours.admin))
        assert signed is not None
        _, token = house.members.create_token(signed, f"t {new_id()}")
        tried = 0
        for path, method, handler in routes:
            if not handler.opt.get("step_up") or handler.opt.get("fresh_token"):
                continue  # There a new token will do; an old one will not: test_report_routes.
            answer = client.request(method, filled(path, ours), headers=bearer(token))
            refused = answer.status_code == 403 and answer.json()["code"] == "step_up_needed"
            led_away = (
                answer.status_code == 303 and "/console/step-up" in answer.headers["location"]
            )
            assert refused or led_away, f"{method} {path}"
            tried += 1
        assert tried > 10
