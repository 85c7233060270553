"""`lapwing demo --once`: everything planted is found, nothing else is, and it can be repeated."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from command_line import Lapwing, command_line, set_environment


@pytest.fixture
def lapwing(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    empty_database: str,
) -> Lapwing:
    set_environment(monkeypatch, home, empty_database)
    return command_line(capfd, monkeypatch)


def test_the_demo_finds_what_is_planted_each_time_it_runs(lapwing: Lapwing, home: Path) -> None:
    first = lapwing("demo", "--once", "--size", "120", "--json")
    assert (first.code, first.err) == (0, "")
    summary = first.json
    assert summary["all_found"]
    assert "sign_in" not in summary
    assert [kind["kind"] for kind in summary["kinds"]] == [
        "media",
        "url",
        "advert",
        "message",
        "payment",
    ]
    for kind in summary["kinds"]:
        assert kind["found"] == kind["planted"] > 0
        assert kind["wrong"] == 0
    assert [one["source_id"] for one in summary["refused"]] == [None, "broken-2"]
    known = [one for one in summary["photographs"] if one["listed"] == "known"]
    assert all(one["recognised"] == one["copies"] > 20 for one in known)
    assert summary["cases_opened"] > 0

    second = lapwing("demo", "--once", "--size", "120")
    assert second.code == 0
    assert "Ledger" in second.out
    assert lapwing("organisation", "list", "--json").json[0]["keep_content"]
    assert lapwing("ledger", "verify", "--json").json["size"] > summary["ledger_size"]


def test_without_the_photographs_it_says_what_to_install(
    lapwing: Lapwing, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    answer = lapwing("demo", "--once", "--json")
    assert answer.code != 0
    assert "pip install scikit-learn" in answer.json["error"]["message"]
    assert not (home / "demo").exists()
