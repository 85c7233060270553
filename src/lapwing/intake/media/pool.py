"""Work on files in processes of their own, so that no file can take the others with it.

A file that kills its worker, or keeps it longer than allowed, is refused by name; the worker is
replaced and the rest goes on. Results come in the order of the files. At most two files a worker
are on their way, so memory does not grow with the number of files.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Generic, TypeVar

from lapwing.intake.media.child import MEMORY, Child
from lapwing.model.errors import InvalidInput, LapwingError, LimitExceeded

SECONDS = 60.0
"""For one file."""
Result = TypeVar("Result")
Work = Callable[[Path], Result]
_AHEAD = 2
_STARTING = 60.0
"""Seconds that a new worker may take to import what it needs."""


class Pool(Generic[Result]):
    """`work` must be importable by name. Use as a context manager, from one thread."""

    def __init__(
        self,
        work: Work[Result],
        workers: int,
        *,
        seconds: float = SECONDS,
        memory: int = MEMORY,
    ) -> None:
        self._work = work
        self._seconds = seconds
        self._memory = memory
        self._workers: list[_Worker | None] = [None] * max(1, workers)

    def __enter__(self) -> Pool[Result]:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            if worker is not None:
                worker.stop()

    def run(self, path: Path) -> Result | LapwingError:
        """One file, now; the worker stays for the next."""
        ((_, outcome),) = self.map([path])
        return outcome

    def map(self, paths: Iterable[Path]) -> Iterator[tuple[Path, Result | LapwingError]]:
        """Each path with what `work` gave, or with the LapwingError that refuses it."""
        source = iter(paths)
        order: deque[_Job] = deque()
        waiting: deque[_Job] = deque()
        more = True
        while more or order:
            while more and len(order) < _AHEAD * len(self._workers):
                path = next(source, None)
                more = path is not None
                if path is not None:
                    order.append(_Job(path))
                    waiting.append(order[-1])
            self._hand_out(waiting)
            self._gather()
            while order and order[0].done:
                job = order.popleft()
                yield job.path, job.outcome

    def _hand_out(self, waiting: deque[_Job]) -> None:
        for number, worker in enumerate(self._workers):
            if not waiting:
                return
            if worker is None:
                worker = self._workers[number] = _Worker(self._work, self._memory)
            if worker.job is None:
                worker.give(waiting.popleft(), self._seconds)

    def _gather(self) -> None:
        busy = [worker for worker in self._workers if worker is not None and worker.job]
        if not busy:
            return
        left = min(worker.deadline for worker in busy) - time.monotonic()
        ready = set(wait([worker.pipe for worker in busy], max(0.0, left)))
        now = time.monotonic()
        for number, worker in enumerate(self._workers):
            if worker is None or worker.job is None:
                continue
            if worker.pipe in ready:
                if not worker.take(self._seconds):
                    self._workers[number] = None
            elif now >= worker.deadline:
                worker.fail(
                    LimitExceeded(f"took longer than the {self._seconds:g} seconds allowed")
                )
                worker.stop()
                self._workers[number] = None


class _Job:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.done = False
        self.outcome: Any = None


class _Worker:
    def __init__(self, work: Work[Any], memory: int) -> None:
        self._child = Child(_serve, work, memory=memory)
        self.pipe = self._child.pipe
        self._started = False
        self.job: _Job | None = None
        self.deadline = 0.0

    @property
    def pid(self) -> int:
        return self._child.pid

    def give(self, job: _Job, seconds: float) -> None:
        self.job = job
        self.deadline = time.monotonic() + seconds + (0.0 if self._started else _STARTING)
        with suppress(OSError):
            self.pipe.send(job.path)

    def take(self, seconds: float) -> bool:
        """What the worker sent; False when it is no more."""
        try:
            said = self.pipe.recv()
        except (EOFError, OSError):
            self.fail(InvalidInput("broke the process that read it: refused"))
            self.stop()
            return False
        if not self._started:
            self._started = True
            self.deadline = time.monotonic() + seconds
            return True
        self._finish(said)
        return True

    def fail(self, error: LapwingError) -> None:
        self._finish(error)

    def _finish(self, outcome: Any) -> None:
        if self.job is not None:
            self.job.outcome, self.job.done = outcome, True
        self.job = None

    def stop(self) -> None:
        self._child.stop()


def _serve(pipe: Connection, work: Work[Any]) -> None:
    """The worker: says that it has started, then answers each path with a result or a refusal."""
    pipe.send(None)
    while True:
        path = pipe.recv()
        try:
            answer = work(path)
        except LapwingError as error:
            answer = error
        except MemoryError:
            answer = LimitExceeded("needs more memory than allowed")
        pipe.send(answer)
