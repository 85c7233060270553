"""Organisations, members, keys, cases and verdicts from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Lapwing


@pytest.fixture
def case(lapwing: Lapwing, picture: Path) -> str:
    """The number of the one case there is."""
    words = ["--source", "test", "--basis", "test", "--category", "test"]
    lapwing("bank", "create", "Known", "--kind", "block", "--verified", *words)
    pdq = lapwing("hash", "--json", picture).json["pdq"]
    lapwing("bank", "add", "Known", pdq, "--kind", "pdq")
    assert lapwing("screen", picture).code == 0
    (summary,) = lapwing("cases", "--json").json
    return str(summary["number"])


@pytest.fixture
def token(lapwing: Lapwing) -> str:
    assert lapwing("members", "add", "Ada").code == 0
    return str(lapwing("sign-in", "Ada", "--json").json["token"])


def test_the_queue_and_a_case_are_shown(lapwing: Lapwing, case: str) -> None:
    assert "Known picture" in lapwing("cases").out
    detail = lapwing("cases", case, "--json").json
    assert detail["items"][0]["findings"][0]["kind"] == "known_media"
    shown = lapwing("cases", case).out
    assert "drawing.png" in shown
    assert "The case was opened" in shown
    assert lapwing("cases", "--state", "closed", "--json").json == []
    assert lapwing("cases", "--state", "closed").out == "Cases: none\n"


@pytest.mark.parametrize(("name", "code"), [("99", 1), ("nonsense", 2)])
def test_a_case_that_is_not_there_is_told(lapwing: Lapwing, name: str, code: int) -> None:
    answer = lapwing("cases", name, "--json")
    assert answer.code == code
    assert answer.json["error"]["code"] == ("not_found" if code == 1 else "invalid_input")


def test_a_verdict_needs_a_member_who_is_signed_in(
    lapwing: Lapwing, case: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    give = ("verdict", case, "--outcome", "confirmed", "--reason", "looked at it", "--json")
    answer = lapwing(*give)
    assert (answer.code, answer.json["error"]["code"]) == (1, "not_allowed")
    assert "lapwing sign-in" in answer.json["error"]["message"]
    monkeypatch.setenv("LAPWING_MEMBER_TOKEN", "x" * 43)
    assert lapwing(*give).json["error"]["code"] == "not_allowed"
    assert lapwing("cases", case, "--json").json["verdicts"] == []
    monkeypatch.setenv("LAPWING_MEMBER_TOKEN", token)
    given = lapwing(*give)
    assert (given.code, given.json["member_name"]) == (0, "Ada")
    assert "confirmed" in lapwing(*give[:-1]).out
    assert lapwing("cases", case, "--json").json["summary"]["outcome"] == "confirmed"
    assert "Ada: confirmed: looked at it" in lapwing("cases", case).out


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_verdict_needs_a_reason(
    lapwing: Lapwing, case: str, token: str, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    monkeypatch.setenv("LAPWING_MEMBER_TOKEN", token)
    answer = lapwing("verdict", case, "--outcome", "harmless", "--reason", reason, "--json")
    assert (answer.code, answer.json["error"]["field"]) == (2, "reason")


def test_a_member_of_another_organisation_gives_no_verdict(
    lapwing: Lapwing, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lapwing("organisation", "create", "Theirs")
    lapwing("members", "add", "Eve", "--organisation", "Theirs")
    token = lapwing("sign-in", "Eve", "--organisation", "Theirs").out.strip()
    monkeypatch.setenv("LAPWING_MEMBER_TOKEN", token)
    give = ("verdict", case, "--outcome", "harmless", "--reason", "let go", "--json")
    answer = lapwing(*give, "--organisation", "My organisation")
    assert (answer.code, answer.json["error"]["code"]) == (1, "not_allowed")
    assert lapwing(*give, "--organisation", "Theirs").json["error"]["code"] == "not_found"


def test_signing_in_prints_a_token_or_a_link(lapwing: Lapwing) -> None:
    assert lapwing("members", "add", "Ada", "--role", "admin", "--json").json["role"] == "admin"
    token = lapwing("sign-in", "Ada").out
    assert len(token.strip()) == 43
    link = lapwing("sign-in", "Ada", "--link", "--json").json["link"]
    assert link.startswith("http://localhost:8600/console/sign-in/")
    nobody = lapwing("sign-in", "Eve", "--json")
    assert (nobody.code, nobody.json["error"]["code"]) == (1, "not_found")


def test_members_are_listed(lapwing: Lapwing) -> None:
    assert lapwing("members", "list", "--json").json == []
    lapwing("members", "add", "Ada")
    assert [one["name"] for one in lapwing("members", "list", "--json").json] == ["Ada"]
    assert "Ada" in lapwing("members", "list").out
    again = lapwing("members", "add", "Ada", "--json")
    assert (again.code, again.json["error"]["code"]) == (1, "conflict")


def test_a_key_is_shown_once_and_can_be_revoked(lapwing: Lapwing) -> None:
    made = lapwing("keys", "create", "uploads", "--scope", "match", "--json").json
    assert made["secret"].startswith("lw_")
    assert made["key"]["scopes"] == ["match"]
    listed = lapwing("keys", "list", "--json")
    assert [one["id"] for one in listed.json] == [made["key"]["id"]]
    assert made["secret"] not in listed.out
    assert "uploads" in lapwing("keys", "list").out
    revoked = lapwing("keys", "revoke", made["key"]["id"], "--json").json
    assert revoked["revoked_at"]
    assert lapwing("keys", "revoke", made["key"]["id"], "--json").code == 1
    assert lapwing("keys", "revoke", "nonsense", "--json").json["error"]["field"] == "key"
    assert "lw_" in lapwing("keys", "create", "more").out


@pytest.mark.parametrize("scope", ["verdict", "report", "share", "cases.write", "*"])
def test_no_key_may_judge_or_report(lapwing: Lapwing, scope: str) -> None:
    answer = lapwing("keys", "create", "k", "--scope", scope, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (2, "wrong_use")


def test_an_organisation_is_changed_within_the_law(lapwing: Lapwing) -> None:
    made = lapwing("organisation", "create", "Alder", "--json").json
    assert (made["country"], made["keep_content"]) == ("ZZ", None)
    refused = lapwing("organisation", "change", "--keep-content", "us.keep_content", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (1, "not_allowed")
    moved = lapwing("organisation", "change", "--name", "Elm", "--country", "us", "--json").json
    assert (moved["name"], moved["country"]) == ("Elm", "US")
    kept = ("organisation", "change", "--keep-content", "us.keep_content", "--keep-days", "9")
    assert lapwing(*kept, "--json").json["keep_days"] == 9
    away = lapwing("organisation", "change", "--country", "DE", "--json")
    assert away.json["error"]["code"] == "not_allowed"
    off = lapwing("organisation", "change", "--keep-content", "off", "--json").json
    assert (off["keep_content"], off["keep_days"]) == (None, None)
    assert lapwing("organisation", "change", "--country", "DE", "--json").json["country"] == "DE"
    assert "no" in lapwing("organisation", "change", "--kind", "ngo").out


def test_media_hosts_are_set_and_cleared(lapwing: Lapwing) -> None:
    hosts = ("--media-host", "a.example.org", "--media-host", "b.example.org")
    changed = lapwing("organisation", "change", *hosts, "--json").json
    assert changed["media_hosts"] == ["a.example.org", "b.example.org"]
    cleared = lapwing("organisation", "change", "--media-host", "off", "--json").json
    assert cleared["media_hosts"] == []


def test_a_change_of_nothing_or_to_a_taken_name_is_refused(lapwing: Lapwing) -> None:
    lapwing("organisation", "create", "Alder")
    assert lapwing("organisation", "change", "--json").code == 2
    lapwing("organisation", "create", "Birch")
    taken = lapwing(
        "organisation", "change", "--organisation", "Birch", "--name", "Alder", "--json"
    )
    assert (taken.code, taken.json["error"]["code"]) == (1, "conflict")
    names = [one["name"] for one in lapwing("organisation", "list", "--json").json]
    assert names == ["Alder", "Birch"]
    assert "Birch" in lapwing("organisation", "list").out


def test_a_member_is_permitted_by_name_and_shut_out(lapwing: Lapwing) -> None:
    lapwing("members", "add", "Ada", "--role", "admin")
    lapwing("members", "add", "Noor", "--role", "analyst")
    said = lapwing(
        *("members", "permit", "Noor", "--grant", "cases.decide", "--deny", "bank.write", "--json")
    ).json
    assert (said["granted"], said["denied"]) == (["cases.decide"], ["bank.write"])
    assert "+cases.decide -bank.write" in lapwing("members", "list").out
    assert lapwing("members", "permit", "Noor", "--grant", "fly").code != 0
    lapwing("members", "disable", "Noor")
    assert [one["name"] for one in lapwing("members", "list", "--json").json] == ["Ada"]
