"""Hostile paths, injected lines, redirects and hosts: at every route."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from every_route import PARAMETER, PASSWORDS, Routes, filled

from lapwing.app import House
from lapwing.model.actors import SYSTEM
from lapwing.store.clock import new_id
from lapwing.store.database import Database
from lapwing.web.authority import Authority, declared
from lapwing.web.console.static import FOLDER
from web_world import (
    Client,
    Side,
    as_browser,
    opened_client,
    opened_house,
    session_of,
    settle,
)


class TestPaths:
    OUT = (
        "../sign_in.py",
        "../../web/sign_in.py",
        "..%2f..%2fweb%2fsign_in.py",
        "%2e%2e/%2e%2e/web/sign_in.py",
        "..%5c..%5cweb%5csign_in.py",
        "....//....//etc/passwd",
        "%252e%252e%252fetc%252fpasswd",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "//etc/passwd",
        "console.css%00.txt",
        "vendor/../../sign_in.py",
        "C:%5cwindows%5cwin.ini",
        "",
        ".",
        "..",
        "%ff%fe",
        "a" * 5000,
    )

    @pytest.mark.parametrize("path", OUT)
    def test_nothing_outside_the_folder_is_served(self, client: Client, path: str) -> None:
        answer = client.get(f"/static/{path}")
        assert answer.status_code in (303, 400, 404, 405), answer.text[:200]
        assert "import" not in answer.text
        assert PASSWORDS not in answer.text

    def test_a_link_in_the_folder_leads_nowhere_outside(self) -> None:
        for found in FOLDER.rglob("*"):
            assert found.resolve().is_relative_to(FOLDER.resolve())

    @pytest.mark.parametrize(
        "value",
        [
            "../../etc/passwd",
            "..%2f..%2fetc%2fpasswd",
            "%00",
            "%0d%0aSet-Cookie:%20x=1",
            "'%20or%201=1--",
            "%ff%fe",
            "{{7*7}}",
            "%3Cscript%3Ealert(1)%3C/script%3E",
            "-1",
            "9" * 400,
            "00000000-0000-0000-0000-000000000000",
        ],
    )
    def test_a_hostile_part_of_a_path_is_refused_at_every_route(
        self,
        client: Client,
        ours: Side,
        browser: dict[str, str],
        routes: Routes,
        value: str,
    ) -> None:
        for path, method, handler in routes:
            names = [found[1] for found in PARAMETER.finditer(path)]
            public = declared(handler) in (Authority.PUBLIC, Authority.NONCE)
            for name in names:
                address = filled(path, ours, **{name: value})
                answer = client.request(method, address, headers={} if public else browser)
                where = f"{method} {address}"
                assert answer.status_code < 500, where
                shown = answer.headers.get("content-type", "").startswith("text/html")
                assert not (shown and "<script>" in answer.text), where
                assert PASSWORDS not in answer.text, where
                assert "set-cookie" not in answer.headers, where


class TestInjection:
    LINES = ("x\r\nSet-Cookie: planted=1", "x%0d%0aSet-Cookie:%20planted=1", "x\u560d\u560aplanted")

    @pytest.mark.parametrize("value", LINES)
    def test_no_value_becomes_a_header(
        self, house: House, client: Client, ours: Side, browser: dict[str, str], value: str
    ) -> None:
        asked = [
            ("GET", "/console/step-up", {"params": {"next": value}}),
            ("GET", "/console/account", {"params": {"said": value}}),
            ("GET", f"/console/cases/{ours.case}", {"params": {"said": value}}),
            ("GET", "/console/cases", {"params": {"state": value}}),
            ("POST", "/console/step-up/recovery", {"data": {"code": "x", "next": value}}),
            ("POST", f"/console/cases/{ours.case}/note", {"data": {"text": value}}),
            ("POST", "/console/members", {"data": {"name": value, "role": "analyst"}}),
            ("POST", "/v1/keys", {"json": {"name": value, "scopes": ["match"]}}),
        ]
        for method, path, sent in asked:
            if "data" in sent:
                sent["data"]["csrf"] = browser["X-CSRF-Token"]
            answer = client.request(method, path, headers=browser, **sent)  # type: ignore[arg-type]
            assert answer.status_code < 500, path
            assert "planted" not in str(answer.headers), path
            assert "set-cookie" not in answer.headers, path

    @pytest.mark.parametrize(
        "header", ["X-Request-ID", "X-Forwarded-Host", "X-Forwarded-Proto", "Referer", "User-Agent"]
    )
    def test_no_header_of_the_request_comes_back(self, client: Client, header: str) -> None:
        answer = client.get("/console/sign-in", headers={header: "planted<script>"})
        assert "planted" not in answer.text + str(answer.headers)

    def test_a_member_s_text_is_shown_as_text(
        self, house: House, client: Client, ours: Side, browser: dict[str, str]
    ) -> None:
        script = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
        house.cases.note(ours.organisation, ours.reviewer, ours.case, script)
        member = house.members.add_member(
            ours.organisation, f"<b>{new_id().hex}", ours.analyst.role, SYSTEM
        )
        for path in (f"/console/cases/{ours.case}", "/console/members", "/console/confirmations"):
            page = client.get(path, headers=browser).text
            assert "<script>alert" not in page
            assert "<img src=x" not in page
            assert member.name not in page


class TestRedirects:
    AWAY = (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/console@evil.example",
        "/console.evil.example",
        "/console/..//evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/console/%2f%2fevil.example",
        "/v1/me",
        "/console?x=//evil.example",
        "console",
        "",
    )

    @pytest.mark.parametrize("away", AWAY)
    def test_stepping_up_leads_to_our_own_pages_only(
        self, house: House, client: Client, ours: Side, away: str
    ) -> None:
        session = session_of(house, ours.analyst)
        signed = house.members.signed_in(session)
        assert signed is not None
        (code, *_) = house.members.make_recovery_codes(signed)
        browser = as_browser(session)
        page = client.get("/console/step-up", params={"next": away}, headers=browser).text
        assert "evil.example" not in page
        answer = client.post(
            "/console/step-up/recovery",
            data={"csrf": browser["X-CSRF-Token"], "code": code, "next": away},
            headers=browser,
        )
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"] == "/console"

    def test_a_page_that_needs_the_member_leads_there_and_back(
        self, house: House, ours: Side, database: Database, tmp_path: Path
    ) -> None:
        with opened_house(database, tmp_path) as own, opened_client(own) as client:
            side = settle(own, "late")
            signed = own.members.signed_in(session_of(own, side.reviewer))
            assert signed is not None
            browser = as_browser(session_of(own, side.reviewer))
            answer = client.post(
                f"/console/confirmations/{side.proposed}/confirm",
                data={"csrf": browser["X-CSRF-Token"]},
                headers=browser,
            )
        assert answer.status_code == 303
        assert answer.headers["location"] == "/console/step-up?next=%2Fconsole%2Fconfirmations"

    def test_every_redirect_stays_here(
        self,
        client: Client,
        ours: Side,
        browser: dict[str, str],
        routes: Routes,
    ) -> None:
        for path, method, _ in routes:
            if path.endswith("sign-out"):
                continue
            for headers in ({}, browser):
                asked = headers | {"Host": "evil.example"}
                for answer in (
                    client.request(method, filled(path, ours), headers=headers),
                    client.request(method, filled(path, ours), headers=asked),
                ):
                    where = answer.headers.get("location", "/")
                    assert re.fullmatch(r"/(?!/)[\w/?=&%.#-]*", where), f"{path}: {where}"


class TestHosts:
    def test_no_answer_repeats_the_host_it_was_asked_by(
        self,
        client: Client,
        ours: Side,
        browser: dict[str, str],
        routes: Routes,
    ) -> None:
        for path, method, _ in routes:
            if path.endswith("sign-out"):
                continue
            for credential in ({}, ours.bearer, browser):
                headers = credential | {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
                answer = client.request(method, filled(path, ours), headers=headers)
                assert "evil.example" not in answer.text + str(answer.headers), path

    def test_a_rebound_name_reads_and_sets_no_cookie(
        self, house: House, client: Client, ours: Side
    ) -> None:
        """A name of the attacker's that suddenly leads to this machine."""
        session = session_of(house, ours.reviewer)
        headers = {"Cookie": f"lapwing={session}", "Host": "evil.example"}
        assert client.get("/v1/me", headers=headers).status_code == 401
        link = house.members.sign_in_link(ours.organisation, ours.reviewer.id)
        answer = client.post(
            "/console/sign-in", data={"token": link}, headers={"Host": "evil.example"}
        )
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        assert client.get("/metrics", headers={"Host": "evil.example"}).status_code == 403

    def test_a_link_for_a_member_is_written_with_our_own_address(
        self, house: House, client: Client, ours: Side, browser: dict[str, str]
    ) -> None:
        headers = browser | {"X-Forwarded-Host": "evil.example"}
        answer = client.post(
            f"/console/members/{ours.analyst.id}/link",
            data={"csrf": browser["X-CSRF-Token"]},
            headers=headers,
        )
        assert answer.status_code in (200, 201)
        assert f"{house.settings.public_origin}/console/sign-in/" in answer.text
