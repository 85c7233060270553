"""Several worker processes over one listening socket: kept up, replaced one by one, stopped.

A replacement has to be ready before the one it replaces is stopped; one that does not get ready
leaves the old one in place. A worker that ends by itself is replaced, after a pause that grows
when it happens again and again.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from lapwing.logs import log, set_up_logs
from lapwing.model.errors import LapwingError, Unavailable
from lapwing.settings import Settings
from lapwing.web.metrics import forget_process, shared_metrics
from lapwing.web.process import serve_here

READY_SECONDS = 120.0
"""What a worker may take until it answers requests: it may have to load a large bank."""
GRACE_SECONDS = 5.0
"""Beyond its own time to stop, before a worker is killed."""
SHORT_LIFE = 10.0
LONGEST_PAUSE = 30.0

_spawning = multiprocessing.get_context("spawn")


@dataclass
class _Worker:
    number: int
    process: SpawnProcess
    told: Connection
    born: float = field(default_factory=time.monotonic)
    ready: bool = False


@dataclass
class _Place:
    """What a worker's number stands for: the process that has it now, or when to start one."""

    number: int
    worker: _Worker | None = None
    pause: float = 0.0
    start_at: float = 0.0


class Workers:
    """Runs `count` worker processes until SIGINT or SIGTERM; SIGHUP replaces them all."""

    def __init__(
        self, settings: Settings, listener: socket.socket, count: int, stop_seconds: float
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._stop_seconds = stop_seconds
        self._metrics = settings.home / f"metrics-{listener.getsockname()[1]}"
        self._running: list[_Worker] = []
        self._places = [_Place(number) for number in range(1, count + 1)]
        self._stopping = False
        self._replacing = False
        self._bell, self._button = socket.socketpair()

    def run(self) -> None:
        """Raises Unavailable when none of the first workers gets ready."""
        with shared_metrics(self._metrics), self._signals():
            try:
                self._start_all()
                while not self._stopping:
                    self._once()
            finally:
                self._stop_all()

    def _once(self) -> None:
        """Wait for something to happen, and see to it."""
        if self._replacing:
            self._replacing = False
            self._replace_all()
        now = time.monotonic()
        for place in self._places:
            if place.worker is not None and not place.worker.process.is_alive():
                self._bury(place)
            if place.worker is None and place.start_at <= now:
                place.worker = self._start(place.number)
        waiting = [place.start_at - now for place in self._places if place.worker is None]
        self._wait(max(0.0, min(waiting)) if waiting else None)

    def _wait(self, seconds: float | None) -> None:
        """Until a signal comes, a worker says that it is ready, one ends, or time is over."""
        if self._stopping or self._replacing:
            # It came while workers were being replaced, and its bell has been heard there.
            return
        workers = [place.worker for place in self._places if place.worker is not None]
        heard = wait(
            [
                self._bell,
                *(one.process.sentinel for one in workers),
                *(one.told for one in workers if not one.ready),
            ],
            seconds,
        )
        if self._bell in heard:
            self._bell.recv(4096)
        for one in workers:
            if one.told in heard:
                _listen_to(one)

    def _start_all(self) -> None:
        for place in self._places:
            place.worker = self._start(place.number)
        served = any(self._gets_ready(place.worker) for place in self._places)
        if not served and not self._stopping:
            raise Unavailable("no worker process got ready; its log says why")

    def _replace_all(self) -> None:
        log.info("workers.replacing", count=len(self._places))
        for place in self._places:
            new = self._start(place.number)
            if self._stopping:
                return
            if not self._gets_ready(new):
                if not self._stopping:
                    log.error("worker.not_ready", worker=place.number)
                self._end(new)
                return
            old, place.worker = place.worker, new
            if old is not None:
                self._end(old)
        log.info("workers.replaced", count=len(self._places))

    def _start(self, number: int) -> _Worker:
        told, tell = _spawning.Pipe(duplex=False)
        process = _spawning.Process(
            name=f"lapwing worker {number}",
            target=work,
            args=(self._settings, self._listener, self._stop_seconds, tell),
        )
        process.start()
        tell.close()
        log.info("worker.started", worker=number)
        worker = _Worker(number, process, told)
        self._running.append(worker)
        return worker

    def _gets_ready(self, worker: _Worker | None) -> bool:
        """Wait until it is ready; False when it ends, takes too long, or all is to stop."""
        until = time.monotonic() + READY_SECONDS
        while worker is not None and not worker.ready and not self._stopping:
            left = until - time.monotonic()
            heard = wait([self._bell, worker.process.sentinel, worker.told], max(0.0, left))
            if self._bell in heard:
                self._bell.recv(4096)
            if worker.told in heard:
                _listen_to(worker)
            if not worker.process.is_alive() or left <= 0:
                return False
        return worker is not None and worker.ready

    def _bury(self, place: _Place) -> None:
        """Note that a worker ended by itself, and when to start the next."""
        if place.worker is None:
            return
        lived = time.monotonic() - place.worker.born
        place.pause = min(max(1.0, place.pause * 2), LONGEST_PAUSE) if lived < SHORT_LIFE else 0.0
        place.start_at = time.monotonic() + place.pause
        log.error("worker.ended", worker=place.number, status=place.worker.process.exitcode)
        self._forget(place.worker)
        place.worker = None

    def _end(self, worker: _Worker) -> None:
        """Stop one and wait for its end; when all are to stop meanwhile, that is seen to there."""
        worker.process.terminate()
        until = time.monotonic() + self._stop_seconds + GRACE_SECONDS
        while worker.process.is_alive() and not self._stopping and time.monotonic() < until:
            if self._bell in wait([self._bell, worker.process.sentinel], until - time.monotonic()):
                self._bell.recv(4096)
        if not self._stopping:
            self._see_off(worker)

    def _see_off(self, worker: _Worker) -> None:
        if worker.process.is_alive():
            log.error("worker.killed", worker=worker.number)
            worker.process.kill()
        worker.process.join()
        log.info("worker.stopped", worker=worker.number, status=worker.process.exitcode)
        self._forget(worker)

    def _forget(self, worker: _Worker) -> None:
        self._running.remove(worker)
        worker.told.close()
        if worker.process.pid is not None:
            forget_process(worker.process.pid, self._metrics)

    def _stop_all(self) -> None:
        until = time.monotonic() + self._stop_seconds + GRACE_SECONDS
        for worker in self._running:
            worker.process.terminate()
        for worker in list(self._running):
            worker.process.join(max(0.0, until - time.monotonic()))
            self._see_off(worker)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(*_: object) -> None:
            self._stopping = True

        def replace(*_: object) -> None:
            self._replacing = True

        self._button.setblocking(False)
        wanted = {signal.SIGINT: stop, signal.SIGTERM: stop, signal.SIGHUP: replace}
        before = {number: signal.signal(number, act) for number, act in wanted.items()}
        bell = signal.set_wakeup_fd(self._button.fileno())
        try:
            yield
        finally:
            signal.set_wakeup_fd(bell)
            for number, act in before.items():
                signal.signal(number, act)


def work(
    settings: Settings, listener: socket.socket, stop_seconds: float, tell: Connection
) -> None:
    """A worker process: ends when told to, and when its parent is gone."""
    set_up_logs(logging.INFO if settings.access_log else logging.WARNING)
    # A terminal that closes says so to all; only the parent knows what to do about it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    try:
        serve_here(settings, listener, stop_seconds, started=lambda: tell.send(True))
    except LapwingError as error:
        log.error("worker.cannot_serve", reason=error.code)
        os._exit(1)


def _end_with_parent() -> None:
    """A worker whose server was killed must not go on holding the port."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _listen_to(worker: _Worker) -> None:
    try:
        worker.ready = bool(worker.told.recv())
    except EOFError:
        worker.ready = False
