"""Lists changed, opinions given and quarantine decided from the command line, by named members."""

from __future__ import annotations

import pytest

from command_line import Lapwing

MD5 = "d41d8cd98f00b204e9800998ecf8427e"
SHA256 = "ab" * 32
WORDS = ("--source", "us", "--basis", "verdict", "--category", "a")


@pytest.fixture
def entry(lapwing: Lapwing) -> str:
    """The id of the one entry of a verified list."""
    lapwing("bank", "create", "Ours", "--kind", "block", "--verified", *WORDS)
    (identity,) = lapwing("bank", "add", "Ours", MD5, "--json").json["ids"]
    return str(identity)


@pytest.fixture
def ada(lapwing: Lapwing, monkeypatch: pytest.MonkeyPatch) -> None:
    """An admin signed in, so that the commands act in her name."""
    assert lapwing("members", "add", "Ada", "--role", "admin").code == 0
    monkeypatch.setenv("LAPWING_MEMBER_TOKEN", lapwing("sign-in", "Ada", "--json").json["token"])


def asked(lapwing: Lapwing) -> tuple[str, str, str | None]:
    (match,) = lapwing("bank", "match", MD5, "--json").lines
    return match["level"], match["asks"], match["reason"]


def test_what_judges_needs_a_named_member(lapwing: Lapwing, entry: str) -> None:
    for command in (
        ("change", "Ours", "--action", "none"),
        ("override", "Ours", entry, "--basis", "b", "--category", "c"),
        ("opinion", entry, "--says", "false"),
        ("retract", "0" * 32),
        ("release", "0" * 32),
        ("keep", "0" * 32),
    ):
        why = () if command[0] == "override" else ("--why", "because")
        answer = lapwing("bank", *command, *why, "--json")
        assert (answer.code, answer.json["error"]["code"]) == (1, "not_allowed"), command
    assert asked(lapwing) == ("known", "hold", None)


@pytest.mark.usefixtures("ada")
def test_a_list_is_changed_and_says_so(lapwing: Lapwing, entry: str) -> None:
    changed = lapwing("bank", "change", "Ours", "--action", "remove", "--why", "board", "--json")
    assert (changed.code, changed.json["action"]) == (0, "remove")
    assert asked(lapwing) == ("known", "remove", None)
    assert "remove" in lapwing("bank", "lists").out
    past = ("--valid-until", "2020-01-01T00:00:00Z", "--why", "it ended")
    assert lapwing("bank", "change", "Ours", *past).code == 0
    assert asked(lapwing) == ("none", "none", "list_expired")
    assert lapwing("bank", "change", "Ours", "--valid-until", "ever", "--why", "no").code == 0
    assert asked(lapwing) == ("known", "remove", None)
    wrong = lapwing("bank", "change", "Ours", "--valid-until", "soon", "--why", "no", "--json")
    assert (wrong.code, wrong.json["error"]["field"]) == (2, "valid-until")
    review = lapwing(
        "bank", "create", "R", "--kind", "review", "--action", "remove", *WORDS, "--json"
    )
    assert (review.code, review.json["error"]["field"]) == (2, "action")


@pytest.mark.usefixtures("ada")
def test_an_opinion_its_dispute_and_the_decision(lapwing: Lapwing, entry: str) -> None:
    given = lapwing("bank", "opinion", entry, "--says", "false", "--why", "a drawing", "--json")
    assert (given.code, given.json["trusted"]) == (0, True)
    assert asked(lapwing) == ("near", "review", "disputed")
    (shown,) = lapwing("bank", "opinions", entry, "--json").lines
    assert shown["why"] == "a drawing"
    assert "a drawing" in lapwing("bank", "opinions", entry).out
    (dispute,) = lapwing("bank", "quarantine", "--json").lines
    assert dispute["cause"] == "dispute"
    assert "dispute" in lapwing("bank", "quarantine").out
    kept = lapwing("bank", "keep", dispute["id"], "--why", "it is one", "--json")
    assert (kept.code, kept.json["confirmed_why"]) == (0, "it is one")
    released = lapwing("bank", "release", dispute["id"], "--why", "no, it is not", "--json")
    assert (released.code, released.json["released_why"]) == (0, "no, it is not")
    assert asked(lapwing) == ("known", "hold", None)
    back = lapwing("bank", "retract", given.json["id"], "--why", "I was wrong", "--json")
    assert (back.code, back.json["retracted_why"]) == (0, "I was wrong")
    again = lapwing("bank", "release", dispute["id"], "--why", "again", "--json")
    assert (again.code, again.json["error"]["code"]) == (1, "conflict")
    assert lapwing("bank", "release", "nonsense", "--why", "x").code == 2
    assert lapwing("bank", "opinions", "999", "--json").code == 1


@pytest.mark.usefixtures("ada")
def test_an_override_is_only_proposed(lapwing: Lapwing, entry: str) -> None:
    lapwing("bank", "create", "Allowed", "--kind", "allow", *WORDS)
    (allowed,) = lapwing("bank", "add", "Allowed", MD5, "--json").json["ids"]
    words = ("--basis", "our logo", "--category", "harmless")
    proposed = lapwing("bank", "override", "Allowed", str(allowed), *words, "--json")
    assert (proposed.code, proposed.json["confirmed_at"]) == (0, None)
    matches = lapwing("bank", "match", MD5, "--json").lines
    assert {one["reason"] for one in matches} == {None, "allow_entry_unconfirmed"}
    wrong = lapwing("bank", "override", "Ours", entry, *words, "--json")
    assert (wrong.code, wrong.json["error"]["field"]) == (2, "list")


def test_a_key_for_a_hosted_caller(lapwing: Lapwing, entry: str) -> None:
    hosted = ("keys", "create", "theirs", "--scope", "hosted", "--json")
    made = lapwing(*hosted, "--list", "Ours", "--per-minute", "30").json
    assert (made["key"]["scopes"], made["key"]["per_minute"]) == (["hosted"], 30)
    assert lapwing(*hosted).json["error"]["field"] == "lists"
    both = lapwing(*hosted, "--scope", "match", "--list", "Ours")
    assert (both.code, both.json["error"]["field"]) == (2, "scopes")
