"""No report without a named member's verdict, whatever route is tried; and the legal clock."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from lapwing.model.actors import SYSTEM
from lapwing.model.cases import Outcome
from lapwing.model.errors import NotAllowed, NotFound, Unavailable
from lapwing.model.organisations import Member, OrganisationKind, Role
from lapwing.report.clock import ClockState, legal_clock
from lapwing.report.typed import Typed
from lapwing.store.clock import new_id
from lapwing.store.database import Database
from report_world import START, World, as_production, opened_world

ASKING = ("preview", "open", "save", "file", "withdraw", "nudge")


def ask(world: World, step: str, case: UUID, member: Any = None) -> Any:
    """Call one step of the service as a member, or as someone else."""
    more: dict[str, Any] = {
        "save": {"typed": Typed()},
        "file": {"seen": "x"},
        "withdraw": {"why": "no"},
    }.get(step, {})
    call = getattr(world.reports, step)
    return call(world.organisation, member or world.member, case, **more)


@pytest.mark.parametrize("outcome", [None, Outcome.HARMLESS, Outcome.UNSURE])
@pytest.mark.parametrize("step", ["preview", "open", "save", "file"])
def test_nothing_is_even_drafted_without_a_verdict_that_asks_for_it(
    world: World, step: str, outcome: Outcome | None
) -> None:
    case = world.picture_case()
    if outcome is not None:
        world.judge(case, outcome)
    with pytest.raises(NotAllowed, match="verdict"):
        ask(world, step, case)
    assert not world.desk.reports
    assert world.reports.statuses(world.organisation) == []


@pytest.mark.parametrize("step", ASKING)
def test_only_a_member_in_person_makes_a_report(world: World, step: str) -> None:
    case = world.picture_case()
    world.judge(case)
    stranger = Member(
        id=new_id(),
        organisation=world.organisation,
        name="Nobody",
        role=Role.ADMIN,
        created_at=START,
    )
    for who in (SYSTEM, stranger, "Ada"):
        with pytest.raises(NotAllowed):
            ask(world, step, case, cast(Any, who))


def test_a_disabled_member_makes_no_report(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    world.house.members.disable_member(world.organisation, SYSTEM, world.member.id)
    with pytest.raises(NotAllowed):
        ask(world, "preview", case)


@pytest.mark.parametrize("step", ASKING)
def test_another_organisations_case_is_not_there(
    world: World, other_organisation: UUID, step: str
) -> None:
    case = world.picture_case()
    world.judge(case)
    made = world.house.members.create_organisation(
        name=f"Other {new_id()}", kind=OrganisationKind.PLATFORM, country="US"
    )
    member = world.house.members.add_member(made.id, "Eve", Role.ADMIN, SYSTEM)
    mine = world.organisation
    world.organisation = made.id
    kept = world.house.office.secrets / str(mine) / "cybertipline.json"
    theirs = world.house.office.secrets / str(made.id)
    theirs.mkdir(exist_ok=True)
    (theirs / "cybertipline.json").write_bytes(kept.read_bytes())
    (theirs / "cybertipline.json").chmod(0o600)
    with pytest.raises(NotFound):
        ask(world, step, case, member)


def insert(world: World, case: UUID, verdict: UUID, state: str = "confirmed") -> None:
    """Write a report past the service, with the application's own rights."""
    with world.house.database.organisation(world.organisation) as connection:
        connection.execute(
            text(
                "insert into reports (organisation_id, id, case_id, verdict_id, authority, state, "
                "drafted_by, drafted_at, confirmed_by, confirmed_at) values "
                "(:o, :id, :case, :verdict, 'cybertipline', :state, :m, now(), :m, now())"
            ),
            {
                "o": world.organisation,
                "id": new_id(),
                "case": case,
                "verdict": verdict,
                "state": state,
                "m": world.member.id,
            },
        )


def verdict_of(world: World, case: UUID) -> UUID:
    return world.house.cases.case(world.organisation, case).verdicts[-1].id


@pytest.mark.parametrize("state", ["drafted", "confirmed", "submitting", "finishing"])
def test_the_database_takes_no_report_without_such_a_verdict(world: World, state: str) -> None:
    case, elsewhere = world.picture_case(), world.picture_case(shift=70)
    world.judge(case, Outcome.HARMLESS)
    world.judge(elsewhere)
    for verdict in (new_id(), verdict_of(world, case), verdict_of(world, elsewhere)):
        with pytest.raises(DBAPIError):
            insert(world, case, verdict, state)


def test_the_database_confirms_nothing_once_the_verdict_no_longer_stands(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    first = verdict_of(world, case)
    world.hands.turn(minutes=1)
    world.judge(case, Outcome.HARMLESS)
    with pytest.raises(DBAPIError, match="asks for no report"):
        insert(world, case, first)


def test_the_database_knows_one_report_a_case(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    insert(world, case, verdict_of(world, case))
    with pytest.raises(DBAPIError, match="reports_live"):
        insert(world, case, verdict_of(world, case))


@pytest.mark.parametrize(
    "change", ["state = 'failed', filed_at = null", "remote_id = 1", "receipt = null"]
)
def test_the_database_changes_nothing_of_what_is_filed(world: World, change: str) -> None:
    case = world.picture_case()
    world.judge(case)
    filed = world.work(world.file(case).id)
    with (
        pytest.raises(DBAPIError, match="filed report cannot be changed"),
        world.house.database.organisation(world.organisation) as connection,
    ):
        connection.execute(text(f"update reports set {change} where id = :i"), {"i": filed.id})


def test_a_job_for_a_report_that_nobody_confirmed_does_nothing(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    world.reports.save(world.organisation, world.member, case, Typed())
    (drafted,) = world.reports.status(world.organisation, case)
    world.house.filing.run(world.organisation, drafted.id)
    world.house.filing.run(world.organisation, new_id())
    assert not world.desk.calls


def test_without_the_authoritys_schema_nothing_is_filed(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    world.house.office.schema.unlink()
    assert not world.reports.open(world.organisation, world.member, case).schema_checked
    with pytest.raises(Unavailable, match="lapwing report schema --fetch"):
        world.file(case)


def test_nothing_is_filed_that_was_not_seen_as_it_is(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    plain = world.reports.preview(world.organisation, world.member, case)
    assert plain.seen is None
    with pytest.raises(Exception, match="look at it again"):
        world.reports.file(world.organisation, world.member, case, seen="0" * 64)


def test_the_clock_runs_from_the_first_verdict_that_asks_for_a_report(world: World) -> None:
    real = as_production(world)
    case = world.picture_case()
    before = real.reports.clock(world.organisation, case)
    assert before.state is ClockState.NOT_STARTED
    world.judge(case)
    world.hands.turn(hours=5)
    world.judge(case, Outcome.WELFARE)
    running = real.reports.clock(world.organisation, case)
    assert running.started_at == START
    assert running.state is ClockState.REMIND
    assert running.duty == "us.reporting_duty"
    assert running.deadline == "as soon as reasonably possible"
    assert running.certain
    world.hands.turn(hours=20)
    assert real.reports.clock(world.organisation, case).state is ClockState.LATE
    (owed,) = real.reports.unreported(world.organisation)
    assert owed.clock.state is ClockState.LATE
    real.work(real.file(case).id)
    assert real.reports.clock(world.organisation, case).state is ClockState.MET
    assert real.reports.unreported(world.organisation) == []


def test_a_verdict_that_asks_for_none_stops_the_clock(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    world.hands.turn(minutes=1)
    world.judge(case, Outcome.HARMLESS)
    assert world.reports.clock(world.organisation, case).state is ClockState.NOT_STARTED
    assert world.reports.unreported(world.organisation) == []


@pytest.mark.parametrize(
    ("country", "kind", "duty"),
    [
        ("US", OrganisationKind.PLATFORM, "us.reporting_duty"),
        ("DE", OrganisationKind.PLATFORM, "de.reporting_duty"),
        ("GB", OrganisationKind.PROVIDER, "gb.reporting_duty"),
        ("US", OrganisationKind.HOTLINE, None),
        ("FR", OrganisationKind.PLATFORM, None),
    ],
)
def test_the_duty_is_that_of_the_organisations_own_country(
    world: World, country: str, kind: OrganisationKind, duty: str | None
) -> None:
    made = world.house.members.create_organisation(
        name=f"Duty {new_id()}", kind=kind, country=country
    )
    clock = legal_clock(made, START, None, START + timedelta(hours=1))
    assert clock.duty == duty
    assert clock.says
    if duty is None:
        assert "voluntary" in clock.says
        assert clock.state is ClockState.NOT_STARTED
    else:
        assert ("does not meet" in clock.says) is (country != "US")
        assert clock.state is ClockState.RUNNING


def test_a_report_meets_only_the_duty_to_report_there(world: World) -> None:
    hour = timedelta(hours=1)
    for country, state in (("US", ClockState.MET), ("DE", ClockState.LATE)):
        made = world.house.members.create_organisation(
            name=f"Duty {new_id()}", kind=OrganisationKind.PLATFORM, country=country
        )
        assert legal_clock(made, START, START + hour, START + 30 * hour).state is state


def test_who_has_no_duty_owes_nothing(database: Database, home: Path) -> None:
    with opened_world(database, home, keep=False, country="FR") as world:
        case = world.picture_case()
        world.judge(case)
        assert world.reports.unreported(world.organisation) == []
