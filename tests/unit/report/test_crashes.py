"""Filing exactly once: the process ends at any point, then another goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import pytest
from sqlalchemy import text

from lapwing.demo.cybertipline_server import Break
from lapwing.model.errors import Unavailable
from lapwing.report.cybertipline.answers import Answer
from lapwing.report.cybertipline.client import Wire, connector
from lapwing.report.filing import Connect, Filing
from lapwing.report.journal import Journal, Superseded
from lapwing.report.records import ReportState
from report_world import World

CALLS = ("submit", "upload", "upload", "describe", "describe", "finish")
"""What one undisturbed filing of two files asks of the authority, in order."""


class Ended(BaseException):
    """Stands for the end of the process: nothing catches it."""


class Ending:
    """A wire that ends the process before call `number` or between its answer and the record."""

    def __init__(self, wire: Wire, number: int, *, answered: bool) -> None:
        self.wire = wire
        self.number = number
        self.answered = answered
        self.calls: list[str] = []

    def __getattr__(self, step: str) -> Callable[..., Answer]:
        call: Callable[..., Answer] = getattr(self.wire, step)

        def ending(*given: object) -> Answer:
            self.calls.append(step)
            last = len(self.calls) == self.number + 1
            if last and not self.answered:
                raise Ended
            answer = call(*given)
            if last:
                raise Ended
            return answer

        return ending


def ending_at(world: World, number: int, *, answered: bool) -> Filing:
    """Filing that ends at that call of its run."""
    office = world.house.office
    connect = connector(office.secrets, office.endpoint)

    @contextmanager
    def opened(organisation: UUID) -> Iterator[Wire]:
        with connect(organisation) as wire:
            yield Ending(wire, number, answered=answered)  # type: ignore[misc]

    made: Connect = opened
    return Filing(office, made)


def two_pictures(world: World) -> UUID:
    """A case of one account with two pictures in the vault."""
    account = "one account"
    case = world.picture_case(shift=3, account=account)
    assert world.picture_case(shift=90, account=account) == case
    world.judge(case)
    return case


def settled_once(world: World, report: UUID, case: UUID) -> None:
    assert world.work_until_settled(report).state is ReportState.FILED
    assert len(world.desk.finished) == 1
    (finished,) = world.desk.finished
    filed = world.desk.reports[finished]
    assert len(filed.files) == 2
    assert set(filed.details) == set(filed.files)
    assert world.ledger(case).count("report.filed") == 1
    assert world.status(report).remote_id == finished


@pytest.mark.parametrize("number", range(len(CALLS)))
@pytest.mark.parametrize("answered", [False, True], ids=["before", "answered"])
def test_it_files_once_whatever_call_the_process_ends_at(
    world: World, number: int, answered: bool
) -> None:
    case = two_pictures(world)
    report = world.file(case).id
    with pytest.raises(Ended):
        ending_at(world, number, answered=answered).run(world.organisation, report)
    settled_once(world, report, case)


@pytest.mark.parametrize("first", [0, 2, 5])
@pytest.mark.parametrize("second", [0, 1, 4])
def test_it_files_once_though_the_process_ends_twice(world: World, first: int, second: int) -> None:
    case = two_pictures(world)
    report = world.file(case).id
    with pytest.raises(Ended):
        ending_at(world, first, answered=True).run(world.organisation, report)
    with suppress(Ended):
        ending_at(world, second, answered=True).run(world.organisation, report)
    settled_once(world, report, case)


def test_the_calls_are_those_that_are_ended_at(world: World) -> None:
    """Should filing ask more of the authority, the test above has to end there too."""
    case = two_pictures(world)
    report = world.file(case).id
    office = world.house.office
    seen: list[str] = []

    @contextmanager
    def opened(organisation: UUID) -> Iterator[Wire]:
        with connector(office.secrets, office.endpoint)(organisation) as wire:
            watched = Ending(wire, 99, answered=True)
            yield watched  # type: ignore[misc]
            seen.extend(watched.calls)

    Filing(office, opened).run(world.organisation, report)
    assert tuple(seen) == CALLS


PROCESS = """
    import sys
    from pathlib import Path
    from uuid import UUID
    from lapwing.app import wire
    from lapwing.settings import Settings
    from lapwing.store.database import Database
    from datetime import datetime

    home, database, endpoint, at, organisation, report = sys.argv[1:]
    settings = Settings(home=Path(home), secrets=Path(home) / "secrets",
                        blobs_url=(Path(home) / "blobs").as_uri(), cybertipline_url=endpoint)
    house = wire(settings, Database(database), clock=lambda: datetime.fromisoformat(at))
    house.filing.run(UUID(organisation), UUID(report))
"""


@pytest.mark.parametrize("step", ["submit", "upload", "fileinfo", "finish"])
@pytest.mark.parametrize("broken", [Break.STALL, Break.HANG], ids=["asked", "done"])
def test_it_files_once_though_the_process_is_killed(world: World, step: str, broken: Break) -> None:
    """kill -9 while the authority works on a step, before or after it has done it."""
    case = two_pictures(world)
    report = world.file(case).id
    world.desk.breaks[(step, 1)] = broken
    settings = world.house.settings
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(PROCESS),
            str(settings.home),
            world.house.database.url.render_as_string(hide_password=False),
            str(settings.cybertipline_url),
            world.hands().isoformat(),
            str(world.organisation),
            str(report),
        ]
    )
    assert world.desk.waiting.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    if broken is Break.STALL:
        # The request lies at the server and is served after its sender is gone.
        world.desk.go_on.set()
    settled_once(world, report, case)
    world.desk.go_on.set()


def test_an_older_run_may_write_nothing_more(world: World) -> None:
    case = two_pictures(world)
    report = world.file(case).id
    older = Journal(world.house.office, world.organisation, report)
    first = older.begin()
    second = Journal(world.house.office, world.organisation, report).begin()
    assert first is not None
    assert second is not None
    answer = Answer(code=0, description="", body=b"", report_id=1)
    with pytest.raises(Superseded):
        older.submitted(first, 1, answer)
    with pytest.raises(Superseded):
        older.finishing(first)
    with pytest.raises(Superseded):
        older.filed(first, 1, answer)
    older.failed(first, "too late", None)
    assert world.status(report).state is ReportState.SUBMITTING


def test_two_that_race_for_the_last_step_file_once(world: World) -> None:
    """The lock is lost with its connection right before the last step, and another goes ahead."""
    case = two_pictures(world)
    report = world.file(case).id
    office = world.house.office
    connect = connector(office.secrets, office.endpoint)

    class Overtaken(Ending):
        def finish(self, report_id: int) -> Answer:
            with world.house.database.owner() as connection:
                connection.execute(
                    text(
                        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
                        " and database = (select oid from pg_database"
                        " where datname = current_database())"
                    )
                )
            assert world.work(report).state is ReportState.FILED
            return self.wire.finish(report_id)

    @contextmanager
    def opened(organisation: UUID) -> Iterator[Wire]:
        with connect(organisation) as wire:
            yield Overtaken(wire, 99, answered=True)  # type: ignore[misc]

    with pytest.raises(Unavailable):
        Filing(office, opened).run(world.organisation, report)
    settled_once(world, report, case)
