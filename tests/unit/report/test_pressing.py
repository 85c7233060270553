"""Legal clocks run: what is owed comes first, alarms before it lapses, and names who is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lapwing.model.actors import SYSTEM
from lapwing.model.cases import Outcome
from lapwing.model.errors import Conflict, InvalidInput, NotAllowed, NotFound
from lapwing.model.organisations import Role
from lapwing.report.alarm import WATCH, Clocks, queue_next, read_clocks, sound
from lapwing.report.clock import ClockState
from lapwing.report.jobs import handlers
from lapwing.store.clock import new_id
from lapwing.store.database import Database
from lapwing.store.queue import QUEUE
from lapwing.web.numbers import HouseNumbers
from report_world import World, as_production, opened_world
from web_world import as_browser, opened_client, session_of


@pytest.fixture
def world(empty_database: str, tmp_path: Path) -> Iterator[World]:
    """Alone in its database: the alarm counts all organisations."""
    with closing(Database(empty_database)) as database:
        database.migrate()
        with opened_world(database, tmp_path / "home") as opened:
            yield opened


def owed(world: World) -> list[tuple[ClockState, tuple[str, ...]]]:
    return [(one.clock.state, one.asked) for one in world.reports.unreported(world.organisation)]


def name_fallback(world: World) -> None:
    world.house.members.change_organisation(
        world.organisation, SYSTEM, fallback_member=world.other.id
    )


def test_the_fallback_member_is_asked_before_the_clock_lapses(world: World) -> None:
    name_fallback(world)
    world.judge(world.picture_case())
    assert owed(world) == [(ClockState.RUNNING, ("Ada",))]
    world.hands.turn(hours=4)
    assert owed(world) == [(ClockState.REMIND, ("Ada", "Bo"))]
    world.hands.turn(hours=20)
    assert owed(world) == [(ClockState.LATE, ("Ada", "Bo"))]
    world.house.members.disable_member(world.organisation, SYSTEM, world.other.id)
    assert owed(world) == [(ClockState.LATE, ("Ada",))]


def test_a_fallback_member_has_to_be_one_who_may_file(world: World) -> None:
    analyst = world.house.members.add_member(world.organisation, "An", Role.ANALYST, SYSTEM)
    change = world.house.members.change_organisation
    with pytest.raises(NotAllowed, match=r"reports\.file"):
        change(world.organisation, SYSTEM, fallback_member=analyst.id)
    with pytest.raises(NotFound):
        change(world.organisation, SYSTEM, fallback_member=new_id())
    name_fallback(world)
    assert world.reports.pressing(world.organisation).fallback == "Bo"
    assert change(world.organisation, SYSTEM, fallback_member=None).fallback_member is None


def test_a_child_in_danger_comes_before_everything(world: World) -> None:
    cases = [world.picture_case(shift) for shift in (0, 40, 80)]
    queue = world.house.cases.queue
    assert queue(world.organisation)[0].id != cases[-1]
    marked = world.house.cases.danger(world.organisation, world.member, cases[-1], "she meets him")
    assert marked.due_at is not None
    assert (marked.due_at - world.hands()).total_seconds() == 3600
    assert queue(world.organisation)[0].id == cases[-1]
    (undecided,) = world.reports.pressing(world.organisation).undecided
    assert undecided.id == cases[-1]
    for case in cases:
        world.judge(case)
        world.hands.turn(minutes=1)
    first = world.reports.unreported(world.organisation)[0]
    assert (first.case, first.danger, first.clock.state) == (cases[-1], True, ClockState.REMIND)
    world.hands.turn(hours=1)
    states = [state for state, _ in owed(world)]
    assert states == [ClockState.LATE, ClockState.RUNNING, ClockState.RUNNING]
    assert "case.danger" in world.ledger(cases[-1])


def test_the_report_of_a_child_in_danger_asks_for_the_authority_s_fast_way(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    plain = world.reports.preview(world.organisation, world.member, case).document
    assert "escalateToHighPriority" not in plain
    world.house.cases.danger(world.organisation, world.member, case, "she meets him tonight")
    urgent = world.reports.preview(world.organisation, world.member, case).document
    assert "<escalateToHighPriority>she meets him tonight</escalateToHighPriority>" in urgent
    world.house.cases.danger_over(world.organisation, world.member, case, "she is at home")
    calm = world.reports.preview(world.organisation, world.member, case).document
    assert calm == plain


def test_a_mark_of_danger_needs_a_reason_and_a_member_and_is_given_once(world: World) -> None:
    case, mark = world.picture_case(), world.house.cases.danger
    for why in ("", "  ", "a" * 3001):
        with pytest.raises(InvalidInput):
            mark(world.organisation, world.member, case, why)
    with pytest.raises(NotAllowed):
        mark(world.organisation, "a program", case, "because")  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        world.house.cases.danger_over(world.organisation, world.member, case, "never was")
    mark(world.organisation, world.member, case, "because")
    with pytest.raises(Conflict):
        mark(world.organisation, world.member, case, "again")
    assert world.reports.statuses(world.organisation) == [], "a mark reports nothing"


def test_the_alarm_stands_in_the_log_until_it_is_met(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    database, now = world.house.database, world.hands
    world = as_production(world)
    case = world.picture_case()
    world.house.cases.danger(world.organisation, world.member, case, "a reason with a name")
    assert read_clocks(database, now()) == Clocks(undecided=1)
    world.judge(case)
    other = world.picture_case(40)
    world.judge(other, Outcome.WELFARE)
    assert read_clocks(database, now()) == Clocks(running=1, remind=1)
    world.hands.turn(hours=5)
    capsys.readouterr()
    assert sound(database, now()) == Clocks(remind=1, late=1)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {(line["event"], line["level"], line["count"]) for line in lines} == {
        ("clock.remind", "warning", 1),
        ("clock.late", "error", 1),
    }
    for each in (case, other):
        world.look(each)
        world.work(world.file(each).id)
    assert sound(database, now()) == Clocks()
    assert "clock." not in capsys.readouterr().err


def test_the_alarm_queues_its_next_look_once(world: World) -> None:
    database, now = world.house.database, world.hands
    for _ in range(3):
        queue_next(database, now())
    handlers(world.house.office, world.house.filing)[WATCH]({})
    with database.owner() as connection:
        queued = f"select count(*) from {QUEUE.queue_table} where entrypoint = '{WATCH}'"
        assert connection.exec_driver_sql(queued).scalar_one() == 1


def test_where_no_law_asks_for_a_report_no_clock_runs(empty_database: str, tmp_path: Path) -> None:
    with closing(Database(empty_database)) as database:
        database.migrate()
        with opened_world(database, tmp_path / "home", keep=False, country="ZZ") as world:
            world.judge(world.screen({"url": "http://bad.example.net/page"}, "url"))
            world.hands.turn(days=2)
            assert read_clocks(database, world.hands()) == Clocks()
            assert world.reports.pressing(world.organisation).owed == []


def test_every_page_of_the_console_says_what_presses(world: World) -> None:
    name_fallback(world)
    case = world.picture_case()
    with opened_client(world.house) as client:
        browser = as_browser(session_of(world.house, world.member))
        assert "What cannot wait" not in client.get("/console/ledger", headers=browser).text
        world.house.cases.danger(world.organisation, world.member, case, "because")
        page = client.get("/console/ledger", headers=browser).text
        assert "a child is in danger now, said just now, and there is no verdict" in page
        assert "a child in danger now" in client.get("/console/cases", headers=browser).text
        world.judge(case)
        world.hands.turn(hours=2)
        page = client.get("/console/ledger", headers=browser).text
        assert "the report is late" in page
        assert "Asked: Ada, Bo" in page
        analyst = world.house.members.add_member(world.organisation, "An", Role.ANALYST, SYSTEM)
        other = as_browser(session_of(world.house, analyst))
        assert "What cannot wait" not in client.get("/console/ledger", headers=other).text
    numbers = {
        (one.name, *one.labels.values()): one.value
        for metric in HouseNumbers(world.house).collect()
        for one in metric.samples
    }
    assert numbers["lapwing_reports_owed", "late"] == 1
    assert numbers["lapwing_cases_in_danger",] == 0
