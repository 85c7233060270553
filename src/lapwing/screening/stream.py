"""A stream of any length through the main job, in batches; used by every door that reads files.

Keeps going: what cannot be used is listed and the rest goes on. Holds one batch in memory, and
reads the next while one is being recorded.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

from msgspec import Struct

from lapwing.model.actors import Actor
from lapwing.model.decisions import Decision
from lapwing.model.items import kind_of
from lapwing.model.refusals import Refusal
from lapwing.model.submissions import Submission
from lapwing.screening.records import Screened
from lapwing.screening.service import Screening

BATCH_BYTES = 64 * 1024 * 1024
"""A batch ends early when the content beside its items is larger than this."""
LISTED_REFUSALS = 100_000
"""Refusals that a summary lists; the rest are counted in `refused_unlisted`."""


class Summary(Struct, frozen=True, kw_only=True):
    """What a stream came to. `items` are those decided on, new or sent before."""

    items: int
    kinds: dict[str, int]
    fresh: int
    repeated: int
    refused: tuple[Refusal, ...]
    refused_unlisted: int
    findings: int
    found: dict[str, int]
    """Fresh findings by kind."""
    actions: dict[str, int]
    """Items by action; an item with two actions counts under both."""
    cases_opened: int
    cases_extended: int
    kept: int
    no_detector: dict[str, int]
    seconds: float
    """From the first entry read to the last commit."""
    screening_seconds: float
    """Of these, spent inside the main job (reading and hashing overlap with it)."""

    @property
    def per_second(self) -> float:
        return self.items / self.seconds if self.seconds else 0.0


def screen_all(
    screening: Screening,
    organisation: UUID,
    actor: Actor,
    entries: Iterable[Submission | Refusal],
    batch: int = 1000,
    progress: Callable[[int, int], None] | None = None,
    decided: Callable[[Sequence[Decision]], None] | None = None,
) -> Summary:
    """Screen every entry; each batch is one transaction.

    `progress(items, refused)` is told the totals after each commit, `decided` the decisions of that
    commit. An error that ends the stream (the database is gone) leaves all earlier batches on
    record; sending the same stream again then changes nothing about them.
    """
    tally = _Tally()
    waiting: deque[Future[tuple[Screened, float]]] = deque()

    def settle() -> None:
        screened, seconds = waiting.popleft().result()
        tally.add(screened, seconds)
        if decided is not None:
            decided(screened.decisions)
        if progress is not None:
            progress(tally.items, tally.refused_count)

    def screen(submissions: list[Submission]) -> tuple[Screened, float]:
        began = time.perf_counter()
        screened = screening.screen(organisation, actor, submissions)
        return screened, time.perf_counter() - began

    with ThreadPoolExecutor(1, thread_name_prefix="screen") as one:
        held: list[Submission] = []
        size = 0
        for entry in entries:
            if isinstance(entry, Refusal):
                tally.refuse([entry])
                continue
            tally.kinds[kind_of(entry.item)] += 1
            held.append(entry)
            size += len(entry.content or b"") + len(entry.identity or b"")
            if len(held) >= batch or size >= BATCH_BYTES:
                if waiting:
                    settle()
                waiting.append(one.submit(screen, held))
                held, size = [], 0
        if held:
            waiting.append(one.submit(screen, held))
        while waiting:
            settle()
    if progress is not None:
        progress(tally.items, tally.refused_count)
    return tally.summary()


class _Tally:
    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.screening = 0.0
        self.items = self.fresh = self.repeated = 0
        self.opened = self.extended = self.kept = 0
        self.refused: list[Refusal] = []
        self.refused_count = 0
        self.kinds: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self.actions: Counter[str] = Counter()
        self.no_detector: Counter[str] = Counter()

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        self.refused_count += len(refusals)
        self.refused += refusals[: max(0, LISTED_REFUSALS - len(self.refused))]

    def add(self, screened: Screened, seconds: float) -> None:
        self.screening += seconds
        self.items += len(screened.decisions)
        self.fresh += screened.fresh
        self.repeated += screened.repeated
        self.opened += screened.cases_opened
        self.extended += screened.cases_extended
        self.kept += screened.kept
        self.refuse(screened.refused)
        self.found.update(screened.found)
        self.no_detector.update(screened.no_detector)
        for decision in screened.decisions:
            self.actions.update(action.value for action in decision.actions)

    def summary(self) -> Summary:
        return Summary(
            items=self.items,
            kinds=dict(self.kinds),
            fresh=self.fresh,
            repeated=self.repeated,
            refused=tuple(self.refused),
            refused_unlisted=self.refused_count - len(self.refused),
            findings=self.found.total(),
            found=dict(self.found),
            actions=dict(self.actions),
            cases_opened=self.opened,
            cases_extended=self.extended,
            kept=self.kept,
            no_detector=dict(self.no_detector),
            seconds=time.perf_counter() - self.began,
            screening_seconds=self.screening,
        )
