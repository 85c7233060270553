"""Numbers for an operator: counted at the door, without any organisation's name or id.

docs/operations.md says what each means. Worker processes of one server share their counts through
a folder, so that any of them answers for all.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from prometheus_client.values import ValueClass

from lapwing.model.decisions import Decision
from lapwing.model.refusals import Refusal
from lapwing.screening.records import Screened
from lapwing.store.database import Database

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """What this process has counted. `state` is read anew whenever the numbers are asked for."""

    def __init__(self, state: Collector | None = None) -> None:
        self._state = state
        self.registry = CollectorRegistry()
        if state is not None:
            self.registry.register(state)
        self.screened = self._counter("items_screened", "Items decided for the first time")
        self.repeated = self._counter("items_repeated", "Items that were decided before")
        self.decisions = self._counter("decisions", "Decisions, by action asked for", "action")
        self.refused = self._counter("items_refused", "Rows that could not be used", "code")
        self.findings = self._counter("findings", "Findings of all detectors")
        self.cases_opened = self._counter("cases_opened", "Cases opened by screening")
        self.cases_extended = self._counter("cases_extended", "Cases extended by screening")
        self.verdicts = self._counter("verdicts", "Verdicts of members", "outcome")
        self.hashes_matched = self._counter("hashes_compared", "Hashes compared through /v1/match")
        self.requests = self._counter("requests", "Answers, by route and status", "route", "status")
        self.latency = self._histogram("request_seconds", "Time of a request, by route", "route")
        self._answers: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self.screening = self._histogram(
            "screening_seconds", "Time of one batch through screening, commit included"
        )
        self.jobs_done = self._counter(
            "jobs_done", "Attempts at jobs, by kind and outcome", "entrypoint", "outcome"
        )
        self.jobs_seconds = self._histogram("job_seconds", "Time of an attempt at a job")
        self.heartbeat = self._gauge(
            "worker_heartbeat_timestamp_seconds",
            "When the job worker that is furthest behind last reached the queue",
            "livemin",
        )
        self.connections_used = self._gauge(
            "database_connections_used", "Database connections at work", "livesum"
        )
        self.connections_idle = self._gauge(
            "database_connections_idle", "Database connections at rest", "livesum"
        )

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"lapwing_{name}", meaning, labels, registry=self.registry)

    def _histogram(self, name: str, meaning: str, *labels: str) -> Histogram:
        return Histogram(
            f"lapwing_{name}", meaning, labels, buckets=_SECONDS, registry=self.registry
        )

    def _gauge(self, name: str, meaning: str, mode: str) -> Gauge:
        return Gauge(
            f"lapwing_{name}",
            meaning,
            registry=self.registry,
            multiprocess_mode=mode,  # type: ignore[arg-type]
        )

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        counts = self._answers.get((route, status))
        if counts is None:
            counts = self._answers[route, status] = (
                self.requests.labels(route, str(status)),
                self.latency.labels(route),
            )
        counts[0].inc()
        counts[1].observe(seconds)

    def count_screened(self, screened: Screened, seconds: float) -> None:
        """Count what screening answered for one batch."""
        self.screening.observe(seconds)
        self.screened.inc(screened.fresh)
        self.repeated.inc(screened.repeated)
        self.findings.inc(screened.findings)
        self.cases_opened.inc(screened.cases_opened)
        self.cases_extended.inc(screened.cases_extended)
        self.count_decisions(screened.decisions)

    def count_decisions(self, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            for action in decision.actions:
                self.decisions.labels(action.value).inc()

    def count_refused(self, refused: Iterable[Refusal]) -> None:
        for refusal in refused:
            self.refused.labels(refusal.code).inc()

    def count_job(self, entrypoint: str, succeeded: bool, seconds: float) -> None:
        self.jobs_done.labels(entrypoint, "done" if succeeded else "failed").inc()
        self.jobs_seconds.observe(seconds)

    def note_connections(self, database: Database) -> None:
        used, idle = database.connections()
        self.connections_used.set(used)
        self.connections_idle.set(idle)

    def beat(self, database: Database) -> None:
        """The job worker of this process has reached the queue."""
        self.heartbeat.set(time.time())
        self.note_connections(database)

    def text(self) -> bytes:
        """The exposition format that Prometheus reads. Raises what `state` raises."""
        if not getattr(ValueClass, "_multiprocess", False):
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        if self._state is not None:
            together.register(self._state)
        return generate_latest(together)


@contextmanager
def shared_metrics(folder: Path) -> Iterator[None]:
    """Let processes that are started meanwhile count together, in this folder of their own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    os.environ[_FOLDER] = str(folder)
    try:
        yield
    finally:
        del os.environ[_FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def forget_process(process: int, folder: Path) -> None:
    """A worker has ended: what it counted stays, what it was at that moment does not."""
    mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]
