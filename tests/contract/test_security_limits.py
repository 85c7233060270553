"""Fetching on a caller's behalf, and attempts in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from every_route import PASSWORDS

from lapwing.app import House
from lapwing.members.attempts import KEY_FAILURES, RECOVERY, Attempts
from lapwing.members.tokens import new_key_secret, new_token
from lapwing.model.errors import InvalidInput, TooManyAttempts
from lapwing.store.clock import new_id
from lapwing.store.database import Database
from lapwing.web.fetching import is_public, resolve_host
from web_world import (
    Side,
    bearer,
    opened_client,
    opened_house,
    session_of,
    settle,
)


class TestFetching:
    """A URL is a caller's text, and must not become a way into our own network."""

    OURS = (
        "127.0.0.1",
        "127.1",
        "0",
        "0.0.0.0",  # noqa: S104
        "10.0.0.1",
        "172.16.5.5",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd12:3456::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "localhost",
    )

    @pytest.mark.parametrize("host", OURS)
    def test_no_spelling_of_an_inner_address_resolves(self, host: str) -> None:
        with pytest.raises(InvalidInput):
            resolve_host(host, 80)

    @pytest.mark.parametrize("host", [h for h in OURS if ":" in h or h.count(".") == 3])
    def test_no_inner_address_counts_as_public(self, host: str) -> None:
        assert not is_public(host)

    @pytest.mark.parametrize("host", OURS)
    def test_a_url_of_an_inner_host_is_refused_before_anything_is_resolved(
        self, house: House, ours: Side, host: str
    ) -> None:
        asked: list[str] = []

        def resolve(name: str, port: int) -> tuple[str, int]:
            asked.append(name)
            raise InvalidInput("not reached", field="url")

        bracketed = f"[{host}]" if ":" in host else host
        with opened_client(house, resolve=resolve) as client:
            answer = client.post(
                "/v1/screen",
                headers=ours.bearer,
                json={"kind": "media", "id": f"ssrf {host}", "url": f"http://{bracketed}/a.png"},
            )
        assert answer.status_code == 400
        assert answer.json()["field"] == "url"
        assert asked == []

    @pytest.mark.parametrize(
        "url",
        [
            "http://media.example.org@127.0.0.1/a.png",
            "http://127.0.0.1#media.example.org/a.png",
            "http://127.0.0.1\\@media.example.org/a.png",
            "http://media.example.org.evil.example/a.png",
            "http://evil-media.example.org/a.png",
            "http://media.example.org:22/a.png",
            "file:///etc/passwd",
            "gopher://media.example.org/x",
            "http://media.example.org/a.png\r\nX: y",
            "//media.example.org/a.png",
        ],
    )
    def test_what_only_looks_like_a_listed_host_is_not_asked(
        self, house: House, ours: Side, url: str
    ) -> None:
        with opened_client(house, resolve=resolve_host) as client:
            answer = client.post(
                "/v1/screen",
                headers=ours.bearer,
                json={"kind": "media", "id": f"ssrf {url}"[:100], "url": url},
            )
        assert answer.status_code == 400, answer.text
        assert PASSWORDS not in answer.text

    def test_a_name_is_resolved_once_and_never_again_behind_the_check(
        self, house: House, ours: Side
    ) -> None:
        """Rebinding: the second answer of a hostile name server is never asked for."""
        answers = iter([("127.0.0.1", 1), ("169.254.169.254", 80)])
        asked: list[str] = []

        def resolve(name: str, port: int) -> tuple[str, int]:
            asked.append(name)
            return next(answers)

        with opened_client(house, resolve=resolve) as client:
            answer = client.post(
                "/v1/screen",
                headers=ours.bearer,
                json={
                    "kind": "media",
                    "id": f"rebound {new_id()}",
                    "url": "http://media.example.org/a.png",
                },
            )
        assert answer.status_code == 400
        assert asked == ["media.example.org"]


class TestManyAttempts:
    """In a house of its own: its clients start without a history."""

    @pytest.fixture
    def own(self, database: Database, tmp_path: Path) -> Iterator[House]:
        with opened_house(database, tmp_path) as opened:
            yield opened

    def test_wrong_keys_are_slowed_down_and_good_ones_pass_meanwhile(self, own: House) -> None:
        side = settle(own, "busy")
        wrong = bearer(new_key_secret())
        with opened_client(own) as client:
            statuses = [
                client.get("/v1/me", headers=wrong).status_code
                for _ in range(KEY_FAILURES.burst + 20)
            ]
            assert statuses[: KEY_FAILURES.burst] == [401] * KEY_FAILURES.burst
            assert 429 in statuses
            slowed = client.get("/v1/me", headers=bearer(new_token()))
            assert slowed.status_code == 429
            assert int(slowed.headers["retry-after"]) >= 1
            assert slowed.json()["code"] == "too_many_attempts"
            assert client.get("/v1/me", headers=side.bearer).status_code == 200
            session = session_of(own, side.reviewer)
            assert client.get("/v1/me", headers=bearer(session)).status_code == 200

    def test_guessing_codes_is_slowed_down_by_client_and_locks_nobody_out(self, own: House) -> None:
        side = settle(own, "guessed")
        page = {"Sec-Fetch-Site": "same-origin"}
        with opened_client(own) as client:
            statuses = [
                client.post(
                    "/console/sign-in/recovery", data={"code": "A" * 20}, headers=page
                ).status_code
                for _ in range(RECOVERY.burst + 2)
            ]
            assert statuses == [403] * RECOVERY.burst + [429, 429]
            link = own.members.sign_in_link(side.organisation, side.reviewer.id)
            answer = client.post("/console/sign-in", data={"token": link}, headers=page)
            assert answer.status_code == 303

    def test_a_client_behind_a_proxy_cannot_pass_as_many(
        self, own: House, database: Database
    ) -> None:
        """Only what the proxy on this machine appended counts, not what the client wrote before."""
        with opened_client(
            own,
        ) as client:
            for number in range(RECOVERY.burst + 1):
                answer = client.post(
                    "/console/sign-in/recovery",
                    data={"code": "A" * 20},
                    headers={
                        "Sec-Fetch-Site": "same-origin",
                        "X-Forwarded-For": f"198.51.100.{number}, 203.0.113.9",
                    },
                )
        assert answer.status_code == 429

    def test_what_is_counted_names_no_address(self, own: House) -> None:
        attempts: Attempts = own.attempts
        for _ in range(RECOVERY.burst):
            attempts.spend(RECOVERY, "203.0.113.77")
        with pytest.raises(TooManyAttempts) as refused:
            attempts.spend(RECOVERY, "203.0.113.77")
        assert "203" not in refused.value.message
