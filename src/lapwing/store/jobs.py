"""Jobs: work written in the transaction that causes it, done later at least once.

A job is a row of PgQueuer. When the transaction rolls back the job was never there; when it commits
a worker does it, again after a crash or a failure, so every handler must bear being called twice.
The queue has no row-level security: a payload carries ids, never what people wrote or sent.
"""

from __future__ import annotations

import asyncio
import functools
import re
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import msgspec
import psycopg
from pgqueuer.adapters.drivers.psycopg import PsycopgDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import FailingListenerError
from pgqueuer.domain.models import Job
from pgqueuer.ports.driver import SyncDriver
from pgqueuer.queries import Queries, SyncQueries
from psycopg import RawCursor
from psycopg.rows import dict_row
from sqlalchemy import Connection

from lapwing.logs import log, places, told
from lapwing.model.errors import Conflict, InvalidInput
from lapwing.store.database import APP_ROLE, Database
from lapwing.store.queue import QUEUE

Handler = Callable[[dict[str, str]], None]

_ID = re.compile(r"[A-Za-z0-9._:+-]{1,100}", re.ASCII)


class HandlerError(Exception):
    """A handler raised. Carries the kind of error and where, not its text, which may quote data."""


def enqueue(
    connection: Connection,
    entrypoint: str,
    payload: Mapping[str, str],
    *,
    run_after: timedelta | None = None,
    dedupe: str | None = None,
) -> int:
    """Queue a job in the caller's transaction and return its id.

    With `dedupe`, a job of the same entrypoint and key that is still queued or being done stands
    for this one, and its id is returned. Keys are shared by all organisations: put the
    organisation's id in. Raises InvalidInput when a payload value is not an id, number or time,
    Conflict when jobs of this key come and go too fast to tell.
    """
    for name, value in payload.items():
        if not _ID.fullmatch(value):
            raise InvalidInput("a job's payload holds ids only", field=f"payload.{name}")
    driver = _InTransaction(connection)
    queries = SyncQueries(driver, qbq=QueryQueueBuilder(QUEUE))
    key = f"{entrypoint}:{dedupe}" if dedupe is not None else None
    for _ in range(5):
        (job,) = queries.enqueue(
            entrypoint,
            msgspec.json.encode(payload),
            execute_after=run_after,
            dedupe_key=key,
            on_conflict="skip",
        )
        # The job that stood in the way may be done and gone by the time it is looked up.
        if (standing := job or driver.standing(key)) is not None:
            return int(standing)
    raise Conflict(f"jobs {key!r} come and go too fast")


class Worker:
    """Does jobs by calling handlers, a few at a time, in threads.

    A handler that raises is tried again after 1, 2, 4 … seconds, at most `attempts` times; then the
    job is kept in the queue with status `failed` for a person. A job whose worker died is taken up
    by another after `heartbeat`. A lost database is awaited.
    """

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        *,
        threads: int = 4,
        attempts: int = 8,
        first_delay: timedelta = timedelta(seconds=1),
        heartbeat: timedelta = timedelta(seconds=30),
        beat: Callable[[], None] = lambda: None,
        done: Callable[[str, bool, float], None] = lambda entrypoint, succeeded, seconds: None,
    ) -> None:
        """`beat` is called about once a second while the queue can be reached, `done` after each
        attempt with its entrypoint, whether it succeeded, and its seconds."""
        self._database = database
        self._handlers = dict(handlers)
        self._beat = beat
        self._done = done
        self._threads = threads
        self._heartbeat = heartbeat
        self._attempts = attempts
        self._executor = functools.partial(
            DatabaseRetryEntrypointExecutor,
            max_attempts=attempts - 1,
            initial_delay=first_delay,
            max_delay=timedelta(hours=1),
        )

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then finish what has begun and return."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: threading.Event) -> None:
        pause = 0.1
        while not stop.is_set():
            try:
                await self._work(stop)
                pause = 0.1
            except (psycopg.Error, OSError, FailingListenerError) as error:
                log.warning("jobs.database_lost", **told(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    async def _work(self, stop: threading.Event) -> None:
        async with await self._connect() as listening, await self._connect() as asking:
            driver = _ListeningApart(listening, asking)
            manager = QueueManager(_queries(driver), channel=QUEUE.channel)
            with ThreadPoolExecutor(self._threads, thread_name_prefix="job") as threads:
                for name, handler in self._handlers.items():
                    manager.entrypoint(name, on_failure="hold", executor_factory=self._executor)(
                        _threaded(threads, handler, self._done)
                    )
                beside = [
                    asyncio.create_task(_stop_when(stop, manager)),
                    asyncio.create_task(_beating(driver, self._beat)),
                    asyncio.create_task(_forget_old(driver)),
                    asyncio.create_task(_take_up_again(driver, self._attempts)),
                ]
                try:
                    await manager.run(
                        dequeue_timeout=min(timedelta(seconds=5), self._heartbeat / 2),
                        batch_size=self._threads,
                        max_concurrent_tasks=2 * self._threads,
                        shutdown_on_listener_failure=True,
                        heartbeat_timeout=self._heartbeat,
                    )
                finally:
                    for task in beside:
                        task.cancel()

    async def _connect(self) -> psycopg.AsyncConnection:
        url = self._database.url.set(drivername="postgresql")
        connection = await psycopg.AsyncConnection.connect(
            url.render_as_string(hide_password=False),
            autocommit=True,
            connect_timeout=10,
            application_name="lapwing jobs",
        )
        await connection.execute(f"set role {APP_ROLE}")
        return connection


class _ListeningApart(PsycopgDriver):
    """PgQueuer's driver with a second connection for its questions.

    On one connection each question waits, up to a second, for the listener to let go of it.
    """

    def __init__(self, listening: psycopg.AsyncConnection, asking: psycopg.AsyncConnection) -> None:
        super().__init__(listening)
        self._asking = PsycopgDriver(asking)

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        return await self._asking.fetch(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        return await self._asking.execute(query, *args)


class _InTransaction(SyncDriver):
    """PgQueuer's driver over the connection of a SQLAlchemy transaction that is under way.

    PgQueuer's own insists on autocommit; this one exists so that the caller commits.
    """

    def __init__(self, connection: Connection) -> None:
        raw = connection.connection.driver_connection
        if not isinstance(raw, psycopg.Connection):
            raise TypeError("jobs are written through psycopg")
        self._raw = raw

    def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        cursor = RawCursor(self._raw, row_factory=dict_row)
        cursor.execute(query.encode(), args or None)
        return cursor.fetchall()

    def standing(self, key: str | None) -> int | None:
        rows = self.fetch(
            f"select id from {QUEUE.queue_table} "
            "where dedupe_key = $1 and status in ('queued', 'picked')",
            key,
        )
        return int(str(rows[0]["id"])) if rows else None


def _queries(driver: PsycopgDriver) -> Queries:
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(QUEUE),
        qbq=QueryQueueBuilder(QUEUE),
        qbs=QuerySchedulerBuilder(QUEUE),
    )


def _threaded(
    threads: ThreadPoolExecutor, handler: Handler, done: Callable[[str, bool, float], None]
) -> Callable[[Job], Awaitable[None]]:
    async def do(job: Job) -> None:
        began = time.monotonic()
        payload = msgspec.json.decode(job.payload or b"{}", type=dict[str, str])
        doing = asyncio.wrap_future(threads.submit(handler, payload))
        await asyncio.wait([doing])
        error = doing.exception()
        done(job.entrypoint, error is None, time.monotonic() - began)
        if error is not None:
            log.warning("job.failed", job=job.id, entrypoint=job.entrypoint, **told(error))
            where = places(error.__traceback__)[-1:]
            raise HandlerError(f"{type(error).__name__} in {' '.join(where) or '?'}")

    return do


async def _beating(driver: PsycopgDriver, beat: Callable[[], None]) -> None:
    while True:
        await driver.fetch("select 1")
        beat()
        await asyncio.sleep(1)


async def _stop_when(stop: threading.Event, manager: QueueManager) -> None:
    while not stop.is_set():
        await asyncio.sleep(0.1)
    manager.shutdown.set()


async def _take_up_again(driver: PsycopgDriver, attempts: int) -> None:
    """A job that fails while its next attempt cannot be written down (a full disk) is given up by
    PgQueuer, however many attempts it has left. It gets the rest of them."""
    while True:
        with suppress(psycopg.Error):
            await driver.execute(
                f"""
                update {QUEUE.queue_table} t
                   set status = 'queued', execute_after = now() + interval '1 second',
                       attempts = attempts + 1, updated = now(), queue_manager_id = null
                 where status = 'failed' and attempts < {attempts - 1:d}
                   and not exists (select from {QUEUE.queue_table} o
                                    where o.dedupe_key = t.dedupe_key
                                      and o.status in ('queued', 'picked'))
                """
            )
        await asyncio.sleep(2)


async def _forget_old(driver: PsycopgDriver) -> None:
    """PgQueuer logs every job and keeps the log for good; a week of it is enough."""
    while True:
        await driver.execute(
            f"delete from {QUEUE.queue_table_log} "
            "where aggregated and created < now() - interval '7 days'"
        )
        await asyncio.sleep(3600)
