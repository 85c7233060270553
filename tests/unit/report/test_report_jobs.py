"""The queue files what is confirmed, also when the first try fails and a worker is replaced."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from lapwing.demo.cybertipline_server import Break
from lapwing.report.jobs import handlers
from lapwing.report.records import ReportState
from lapwing.store.clock import utc_now
from lapwing.store.database import Database
from lapwing.store.jobs import Worker
from report_world import World, opened_world


@contextmanager
def working(world: World) -> Iterator[None]:
    stop = threading.Event()
    house = world.house
    worker = Worker(house.database, handlers(house.office, house.filing))
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def wait_for(world: World, report: object, state: ReportState, seconds: float = 20) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if world.status(report).state is state:  # type: ignore[arg-type]
            return
        time.sleep(0.05)
    raise AssertionError(f"not {state}: {world.status(report)}")  # type: ignore[arg-type]


def test_the_queue_files_what_is_confirmed(empty_database: str, home: Path) -> None:
    database = Database(empty_database)
    database.migrate()
    with opened_world(database, home, start=utc_now()) as world:
        case = world.picture_case()
        world.judge(case)
        report = world.file(case).id
        with working(world):
            wait_for(world, report, ReportState.FILED)
        assert len(world.desk.finished) == 1
    database.close()


def test_a_report_that_has_to_wait_is_queued_for_its_time(empty_database: str, home: Path) -> None:
    database = Database(empty_database)
    database.migrate()
    with opened_world(database, home, start=utc_now()) as world:
        case = world.picture_case()
        world.judge(case)
        report = world.file(case).id
        world.desk.breaks[("submit", 1)] = Break.LOST_ANSWER
        with working(world):
            wait_for(world, report, ReportState.RETRY)
            # Somebody presses "try again now" once its time has come by the clock.
            world.hands.at = utc_now() + timedelta(minutes=1)
            world.reports.nudge(world.organisation, world.member, case)
            wait_for(world, report, ReportState.FILED)
        assert len(world.desk.finished) == 1
        with database.owner() as connection:
            from sqlalchemy import text

            waiting = connection.execute(
                text("select count(*) from pgqueuer where entrypoint = 'report.file'")
            ).scalar_one()
        assert waiting == 1, "the try that was planned before; it will find nothing to do"
    database.close()
