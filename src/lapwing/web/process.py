"""One serving process: a house, a door and a worker for queued jobs, from start to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import uvloop
from litestar import Litestar

from lapwing.app import House, open_house
from lapwing.bank.following import Follower
from lapwing.logs import log, told
from lapwing.model.errors import Unavailable
from lapwing.operations.readiness import Heartbeat
from lapwing.report.alarm import queue_next
from lapwing.report.jobs import handlers as report_handlers
from lapwing.screening.jobs import handlers, queue_after_start
from lapwing.settings import Settings
from lapwing.store.embedded import EmbeddedPostgres
from lapwing.store.jobs import Worker
from lapwing.web.app import create_app
from lapwing.web.door import Door
from lapwing.web.metrics import Metrics
from lapwing.web.threads import in_thread

STOP_SECONDS = 20.0
"""What a stopping process may take to finish what it has begun; then it ends anyway. What was not
acknowledged by then is rolled back, and jobs are done again."""

WATCH_SECONDS = 1.0
LONGEST_PAUSE = 15.0
"""Seconds between two attempts to start a database that does not start."""
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def serve_here(
    settings: Settings,
    listener: socket.socket,
    stop_seconds: float,
    started: Callable[[], None] = lambda: None,
) -> None:
    """Serve in this process, over a house that is opened and closed here.

    `started` is called once requests can be answered.
    """
    house = open_house(settings)
    try:
        queue_after_start(house.database, house.clock())
        queue_next(house.database, house.clock())
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(house, listener, stop_seconds, started))
    finally:
        house.close()


async def _serve(
    house: House, listener: socket.socket, stop_seconds: float, started: Callable[[], None]
) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    ending: list[threading.Timer] = []

    def stop() -> None:
        if not ending:
            ending.append(_end_after(stop_seconds))
            stopping.set()

    # A worker of several, and whoever was started with nohup, does not stop at a hang-up.
    wanted = [one for one in STOPPING if signal.getsignal(one) is not signal.SIG_IGN]
    for one in wanted:
        loop.add_signal_handler(one, stop)
    pulse = Heartbeat()
    app = create_app(
        house,
        lifespan=[keeping_database_up(house), following_bank(house), doing_jobs(house, pulse)],
        worker=pulse,
    )
    try:
        async with app.lifespan():
            door = Door(app, listener)
            serving = asyncio.create_task(door.serve())
            await door.is_open(serving)
            started()
            asked = asyncio.create_task(stopping.wait())
            await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if not serving.done():
                door.stop()  # type: ignore[no-untyped-call]
            await serving
    finally:
        for one in wanted:
            loop.remove_signal_handler(one)
        for timer in ending:
            timer.cancel()


def _end_after(seconds: float) -> threading.Timer:
    """End the process after so long, whatever it hangs on."""

    def end() -> None:
        log.error("server.stopped_by_force")
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer


def doing_jobs(
    house: House, pulse: Heartbeat
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """A lifespan during which this process does queued jobs."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        stop = threading.Event()
        metrics: Metrics = app.state.metrics

        def beat() -> None:
            pulse.beat()
            metrics.beat(house.database)

        worker = Worker(
            house.database,
            {
                **handlers(house.database, house.vault, house.clock),
                **report_handlers(house.office, house.filing),
                **(house.stamping.handlers() if house.stamping else {}),
            },
            beat=beat,
            done=metrics.count_job,
        )
        thread = threading.Thread(target=worker.run, args=(stop,), name="jobs")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            await in_thread(thread.join)

    return lifespan


def following_bank(house: House) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """A lifespan during which this process hears of changes of the bank and keeps its file."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        follower = Follower(house.live)
        follower.start()
        try:
            yield
        finally:
            await in_thread(follower.stop)

    return lifespan


def keeping_database_up(
    house: House,
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """A lifespan during which an embedded database that died is started again."""

    def watch(embedded: EmbeddedPostgres, stop: threading.Event) -> None:
        pause = WATCH_SECONDS
        while not stop.wait(pause):
            try:
                if embedded.revive():
                    log.warning("database.revived")
                pause = WATCH_SECONDS
            except Unavailable as error:
                log.error("database.cannot_start", **told(error))
                pause = min(pause * 2, LONGEST_PAUSE)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        stop = threading.Event()
        if house.embedded is not None:
            threading.Thread(
                target=watch, args=(house.embedded, stop), name="database", daemon=True
            ).start()
        try:
            yield
        finally:
            stop.set()

    return lifespan
