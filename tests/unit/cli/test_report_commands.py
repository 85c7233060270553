"""`lapwing report`: the draft with what it lacks, filing in one's own name, where things stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import Lapwing
from lapwing.demo.cybertipline_schema import stand_in_schema
from lapwing.demo.cybertipline_server import PASSWORD, USERNAME
from lapwing.model.cases import Outcome
from lapwing.store.clock import utc_now
from lapwing.store.database import Database
from report_world import World, opened_world
from web_world import session_of


@pytest.fixture
def world(
    lapwing: Lapwing, database_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """An organisation of the command line's own installation, and a member who is signed in."""
    database = Database(database_url)
    with opened_world(database, home, start=utc_now()) as opened:
        monkeypatch.setenv("LAPWING_CYBERTIPLINE_URL", str(opened.house.settings.cybertipline_url))
        monkeypatch.setenv("LAPWING_MEMBER_TOKEN", session_of(opened.house, opened.member))
        yield opened
    database.close()


def number(world: World, outcome: Outcome | None = Outcome.CONFIRMED) -> int:
    """The number of a case with that verdict."""
    case = world.picture_case()
    if outcome is not None:
        world.judge(case, outcome)
    return world.house.cases.case(world.organisation, case).summary.number


def test_a_draft_is_written_with_the_account_for_its_owner_only(
    lapwing: Lapwing, world: World, tmp_path: Path
) -> None:
    out = tmp_path / "report.xml"
    answer = lapwing("report", "cybertipline", number(world), "--out", out, "--json")
    assert answer.code == 0, answer.err
    assert answer.json["faults"] == []
    assert b"192.0.2.7" in out.read_bytes()
    assert out.stat().st_mode & 0o777 == 0o600


def test_what_a_draft_lacks_is_listed_and_ends_with_1(
    lapwing: Lapwing, world: World, tmp_path: Path
) -> None:
    typed = tmp_path / "typed.json"
    typed.write_text('{"reporter": {}, "platform": "' + "a" * 300 + '"}')
    case = number(world)
    answer = lapwing("report", "cybertipline", case, "--typed", typed, "--json")
    assert answer.code == 1
    fields = {fault["field"] for fault in answer.json["faults"]}
    assert fields == {
        "incidentSummary.platform",
        "reporter.reportingPerson",
        "reporter.reportingPerson.email",
    }
    said = lapwing("report", "cybertipline", case)
    assert said.code == 1
    assert "incidentSummary.platform" in said.err
    assert "<report>" in said.out


def test_what_was_read_is_filed_from_the_command_line(lapwing: Lapwing, world: World) -> None:
    case = number(world)
    seen = lapwing("report", "cybertipline", case, "--json").json["seen"]
    answer = lapwing("report", "file", case, "--seen", seen, "--json")
    assert answer.code == 0, answer.err
    assert answer.json["state"] == "filed"
    assert len(world.desk.finished) == 1
    standing = lapwing("report", "status", "--json").json
    assert [one["state"] for one in standing["reports"]] == ["filed"]
    assert [one["number"] for one in standing["owed"]] == [case], "a rehearsal reports nothing"
    assert lapwing("report", "status", case).code == 0
    again = lapwing("report", "file", case, "--seen", seen, "--json")
    assert again.code == 1
    assert len(world.desk.finished) == 1


def test_without_a_terminal_the_draft_that_was_read_has_to_be_named(
    lapwing: Lapwing, world: World
) -> None:
    answer = lapwing("report", "file", number(world), "--json", stdin=b"y\n")
    assert answer.code == 2
    assert answer.json["error"]["field"] == "seen"
    assert not world.desk.calls


def test_an_old_token_files_nothing(
    lapwing: Lapwing, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = number(world)
    world.hands.turn(minutes=-11)
    signed = world.house.members.signed_in(session_of(world.house, world.member))
    assert signed is not None
    _, token = world.house.members.create_token(signed, "old")
    monkeypatch.setenv("LAPWING_MEMBER_TOKEN", token)
    seen = lapwing("report", "cybertipline", case, "--json").json["seen"]
    answer = lapwing("report", "file", case, "--seen", seen, "--json")
    assert answer.code == 1
    assert answer.json["error"]["code"] == "step_up_needed"
    assert not world.desk.calls


@pytest.mark.parametrize("outcome", [None, Outcome.HARMLESS, Outcome.UNSURE])
@pytest.mark.parametrize("step", [["cybertipline"], ["file", "--seen", "x"]])
def test_no_command_makes_a_report_without_a_verdict_that_asks_for_it(
    lapwing: Lapwing, world: World, step: list[str], outcome: Outcome | None
) -> None:
    answer = lapwing("report", *step, number(world, outcome), "--json")
    assert answer.code == 1
    assert answer.json["error"]["code"] == "not_allowed"
    assert not world.desk.calls


@pytest.mark.parametrize(
    "step", [["cybertipline"], ["file", "--seen", "x"], ["retry"], ["withdraw", "--why", "x"]]
)
def test_commands_about_reports_need_a_named_member(
    lapwing: Lapwing, world: World, monkeypatch: pytest.MonkeyPatch, step: list[str]
) -> None:
    case = number(world)
    monkeypatch.delenv("LAPWING_MEMBER_TOKEN")
    answer = lapwing("report", *step, case, "--json")
    assert answer.code == 1
    assert "LAPWING_MEMBER_TOKEN" in answer.json["error"]["message"]


def test_a_report_is_tried_again_or_withdrawn(lapwing: Lapwing, world: World) -> None:
    first, second = number(world), number(world)
    world.desk.refuse["submit"] = 1000
    for case in (first, second):
        seen = lapwing("report", "cybertipline", case, "--json").json["seen"]
        assert lapwing("report", "file", case, "--seen", seen, "--json").json["state"] == "retry"
    world.desk.refuse.clear()
    assert lapwing("report", "retry", first, "--json").json["state"] == "filed"
    taken = lapwing("report", "withdraw", second, "--why", "the wrong case", "--json")
    assert taken.json["state"] == "withdrawn"


def test_a_refusal_of_the_authority_ends_with_1(lapwing: Lapwing, world: World) -> None:
    case = number(world)
    world.desk.refuse["submit"] = 3100
    seen = lapwing("report", "cybertipline", case, "--json").json["seen"]
    answer = lapwing("report", "file", case, "--seen", seen, "--json")
    assert answer.code == 1
    assert answer.json["state"] == "failed"


def test_the_receipt_is_written_as_received(lapwing: Lapwing, world: World, tmp_path: Path) -> None:
    case = number(world)
    out = tmp_path / "receipt.xml"
    assert lapwing("report", "receipt", case, "--out", out, "--json").code == 1
    seen = lapwing("report", "cybertipline", case, "--json").json["seen"]
    lapwing("report", "file", case, "--seen", seen)
    assert lapwing("report", "receipt", case, "--out", out, "--json").code == 0
    assert b"reportDoneResponse" in out.read_bytes()


def test_the_schema_is_fetched_from_the_endpoint_or_taken_from_a_file(
    lapwing: Lapwing, world: World, tmp_path: Path
) -> None:
    place = world.house.office.schema
    place.unlink()
    assert lapwing("report", "schema", "--json").code == 1
    fetched = lapwing("report", "schema", "--fetch", "--json")
    assert fetched.code == 0, fetched.err
    assert place.read_bytes() == stand_in_schema()
    other = tmp_path / "no.xsd"
    other.write_text("<html/>")
    assert lapwing("report", "schema", "--from", other, "--json").code == 2
    assert place.read_bytes() == stand_in_schema()


def test_credentials_are_tried_and_kept_for_the_owner_alone(lapwing: Lapwing, world: World) -> None:
    path = world.house.settings.secrets / str(world.organisation) / "cybertipline.json"
    path.unlink()
    wrong = lapwing(
        *("report", "connect", "--username", "nobody", "--email", "robin@example.org", "--json"),
        stdin=b"guess\n",
    )
    assert wrong.code == 1
    assert not path.exists()
    right = lapwing(
        *("report", "connect", "--username", USERNAME, "--email", "robin@example.org", "--json"),
        stdin=PASSWORD.encode() + b"\n",
    )
    assert right.code == 0, right.err
    assert path.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in right.err + str(right.json["answer"]).replace(USERNAME, "")


def test_an_address_without_https_is_wrong_use(
    lapwing: Lapwing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAPWING_CYBERTIPLINE_URL", "http://report.example.org/ispws")
    answer = lapwing("report", "status", "--json")
    assert answer.code == 2
    assert answer.json["error"]["field"] == "LAPWING_CYBERTIPLINE_URL"


def test_a_rehearsal_server_says_where_it_is(lapwing_alone: Lapwing) -> None:
    answer = lapwing_alone("report", "rehearse", "--port", "0", "--json", stdin=b"")
    assert answer.code == 0
    assert answer.json["endpoint"].startswith("http://127.0.0.1:")
