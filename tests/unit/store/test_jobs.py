"""Jobs: there when the transaction commits, done at least once, by one worker at a time."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from pgqueuer.adapters.drivers.psycopg import PsycopgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from pgqueuer.queries import Queries
from sqlalchemy import text

from lapwing.model.errors import InvalidInput
from lapwing.store.clock import new_id
from lapwing.store.database import Database
from lapwing.store.jobs import Worker, enqueue
from lapwing.store.queue import QUEUE


@pytest.fixture
def jobs(empty_database: str) -> Iterator[Database]:
    """A migrated database with a queue of the test's own."""
    database = Database(empty_database)
    database.migrate()
    yield database
    database.close()


@contextmanager
def working(*workers: Worker) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=worker.run, args=(stop,)) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


def eventually(true: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def put(database: Database, entrypoint: str, *numbers: int, **how: object) -> list[int]:
    with database.organisation(new_id()) as connection:
        return [
            enqueue(connection, entrypoint, {"n": str(n)}, **how)  # type: ignore[arg-type]
            for n in numbers
        ]


def left(database: Database) -> list[tuple[str, int]]:
    with database.owner() as connection:
        rows = connection.execute(text("select status::text, attempts from pgqueuer order by id"))
        return [(row.status, row.attempts) for row in rows]


def test_a_job_of_a_transaction_that_rolls_back_was_never_there(jobs: Database) -> None:
    def fail() -> None:
        with jobs.organisation(new_id()) as connection:
            enqueue(connection, "count", {"n": "1"})
            assert connection.execute(text("select count(*) from pgqueuer")).scalar_one() == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert left(jobs) == []


def test_each_committed_job_is_done_once_by_two_workers(jobs: Database) -> None:
    done: list[str] = []
    handlers = {"count": lambda payload: done.append(payload["n"])}
    with working(Worker(jobs, handlers), Worker(jobs, handlers)):
        put(jobs, "count", *range(40))
        eventually(lambda: len(done) >= 40)
    assert sorted(done, key=int) == [str(n) for n in range(40)]
    assert left(jobs) == []


def test_a_job_written_before_a_worker_starts_is_done(jobs: Database) -> None:
    put(jobs, "count", 7)
    done: list[str] = []
    with working(Worker(jobs, {"count": lambda payload: done.append(payload["n"])})):
        eventually(lambda: done == ["7"])


def test_a_failing_job_is_tried_again(jobs: Database) -> None:
    tries: list[str] = []

    def fail_twice(payload: dict[str, str]) -> None:
        tries.append(payload["n"])
        if len(tries) < 3:
            raise ValueError("not yet")

    worker = Worker(jobs, {"fail": fail_twice}, first_delay=timedelta(milliseconds=50))
    with working(worker):
        put(jobs, "fail", 1)
        eventually(lambda: len(tries) == 3 and left(jobs) == [])


def test_a_job_that_always_fails_is_kept_for_a_person(jobs: Database) -> None:
    tries: list[str] = []

    def fail(payload: dict[str, str]) -> None:
        tries.append(payload["n"])
        raise ValueError("name-of-a-person")

    worker = Worker(jobs, {"fail": fail}, attempts=2, first_delay=timedelta(milliseconds=50))
    with working(worker):
        put(jobs, "fail", 1)
        eventually(lambda: left(jobs) == [("failed", 1)])
    assert len(tries) == 2
    with jobs.owner() as connection:
        logged = str(
            connection.execute(
                text("select string_agg(traceback::text, '') from pgqueuer_log")
            ).scalar_one()
        )
    assert "ValueError" in logged
    assert "name-of-a-person" not in logged


def test_a_job_that_was_given_up_with_attempts_left_gets_them(jobs: Database) -> None:
    """As happens when a disk is too full to write down when to try again."""
    put(jobs, "count", 7)
    with jobs.owner() as connection:
        connection.execute(text("update pgqueuer set status = 'failed'"))
    done: list[str] = []
    with working(Worker(jobs, {"count": lambda payload: done.append(payload["n"])})):
        eventually(lambda: done == ["7"])
        eventually(lambda: left(jobs) == [])


def test_a_job_waits_until_its_time(jobs: Database) -> None:
    done: list[float] = []
    with working(Worker(jobs, {"wait": lambda _: done.append(time.monotonic())})):
        start = time.monotonic()
        put(jobs, "wait", 1, run_after=timedelta(seconds=1.5))
        eventually(lambda: len(done) == 1)
    assert done[0] - start >= 1.4


def test_a_job_with_the_same_key_stands_for_the_one_that_waits(jobs: Database) -> None:
    assert len(set(put(jobs, "sweep", 1, 2, dedupe="today"))) == 1
    assert (
        len(set(put(jobs, "sweep", 3, dedupe="today") + put(jobs, "other", 3, dedupe="today"))) == 2
    )
    done: list[str] = []
    with working(Worker(jobs, {"sweep": lambda payload: done.append(payload["n"])})):
        eventually(lambda: done == ["1"])
        eventually(lambda: len(left(jobs)) == 1)
        put(jobs, "sweep", 4, dedupe="today")
        eventually(lambda: done == ["1", "4"])


def test_a_job_whose_worker_is_killed_is_done_by_another(jobs: Database) -> None:
    script = (
        "import sys, time, threading\n"
        "from datetime import timedelta\n"
        "from lapwing.store.database import Database\n"
        "from lapwing.store.jobs import Worker\n"
        "def hang(payload):\n"
        "    print('begun', flush=True); time.sleep(600)\n"
        "Worker(Database(sys.argv[1]), {'hang': hang}).run(threading.Event())\n"
    )
    url = jobs.url.render_as_string(hide_password=False)
    put(jobs, "hang", 5)
    killed = subprocess.Popen(
        [sys.executable, "-c", script, url], stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout is not None
    assert killed.stdout.readline() == "begun\n"
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    assert left(jobs) == [("picked", 0)]
    done: list[str] = []
    worker = Worker(
        jobs, {"hang": lambda payload: done.append(payload["n"])}, heartbeat=timedelta(seconds=2)
    )
    with working(worker):
        eventually(lambda: done == ["5"] and left(jobs) == [])


def test_a_long_job_is_not_taken_up_twice(jobs: Database) -> None:
    begun: list[str] = []

    def slow(payload: dict[str, str]) -> None:
        begun.append(payload["n"])
        time.sleep(4)

    beat = timedelta(seconds=2)
    with working(
        Worker(jobs, {"slow": slow}, heartbeat=beat), Worker(jobs, {"slow": slow}, heartbeat=beat)
    ):
        put(jobs, "slow", 1)
        eventually(lambda: bool(begun) and left(jobs) == [])
    assert begun == ["1"]


def test_a_worker_that_is_stopped_finishes_what_it_has_begun(jobs: Database) -> None:
    begun, done = threading.Event(), threading.Event()

    def slow(payload: dict[str, str]) -> None:
        begun.set()
        time.sleep(1)
        done.set()

    with working(Worker(jobs, {"slow": slow})):
        put(jobs, "slow", 1)
        assert begun.wait(20)
    assert done.is_set()
    assert left(jobs) == []


def test_a_worker_whose_session_is_cut_comes_back(jobs: Database) -> None:
    done: list[str] = []
    with working(Worker(jobs, {"count": lambda payload: done.append(payload["n"])})):
        put(jobs, "count", 1)
        eventually(lambda: done == ["1"])
        with jobs.owner() as connection:
            cut = connection.execute(
                text(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where application_name = 'lapwing jobs' and datname = current_database()"
                )
            ).all()
        assert len(cut) == 2
        put(jobs, "count", 2)
        eventually(lambda: done == ["1", "2"])


@pytest.mark.parametrize("value", ["Ada Lovelace", "a@b.example", "", "x" * 101, "näme"])
def test_a_payload_that_is_not_an_id_is_refused(jobs: Database, value: str) -> None:
    def put_text() -> None:
        with jobs.organisation(new_id()) as connection:
            enqueue(connection, "count", {"n": value})

    with pytest.raises(InvalidInput, match="ids only") as error:
        put_text()
    assert error.value.field == "payload.n"


def test_ids_and_times_are_fine_in_a_payload(jobs: Database, organisation: UUID) -> None:
    with jobs.organisation(organisation) as connection:
        enqueue(
            connection,
            "sweep",
            {"organisation": str(organisation), "at": "2026-01-31T23:59:59+00:00", "n": "-1"},
        )
    assert len(left(jobs)) == 1


def test_the_queue_is_what_the_installed_pgqueuer_expects(jobs: Database) -> None:
    """Fails when PgQueuer is upgraded to a release with another schema: write a migration then."""

    async def pending() -> list[str]:
        url = jobs.url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
        async with connection:
            queries = Queries(PsycopgDriver(connection), qbe=QueryBuilderEnvironment(QUEUE))
            return list((await queries.plan_upgrade()).statements)

    assert asyncio.run(pending()) == []
