"""How the bank lives: loading, opening, sharing, and a change until every process has it.

The million is in the database, and is loaded from it. Ten million are written as a file of the
bank over a database that holds only what is added: from there on nothing tells the difference, and
nobody has to wait for ten million rows to be written.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic, perf_counter, sleep
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text

from lapwing.app import House
from lapwing.bank import repository
from lapwing.bank.following import Follower
from lapwing.bank.generations import Generations
from lapwing.bank.index.columns import ALWAYS, FOR_EVER, NO_QUALITY, Columns
from lapwing.bank.index.layers import Layer
from lapwing.bank.index.shelf import Shelf
from lapwing.bank.index.snapshot import Snapshot
from lapwing.bank.keeping import Keeping
from lapwing.bank.live import LiveBank
from lapwing.bank.service import NewList
from lapwing.bench.watching import memory, worker
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import BankList, IndicatorKind, ListKind, NewIndicator
from lapwing.store.clock import new_id, utc_now

Row = dict[str, Any]
SCHEMA = "bench"
SEED = 20_260_501
FIRST_ID = 1 << 40
"""Of indicators that stand in a file only; above every id that the database gives."""

_NONE = np.empty(0, np.int64)
_FILL = text(
    """
    insert into indicators (organisation_id, list_id, kind, value, quality, category, source, basis,
                            added_at, generation)
    select :organisation, :list, 'pdq',
           sha256(int8send(n) || :seed), 90, 'random', 'bench', 'measurement', now(), :generation
      from generate_series(1, cast(:count as bigint)) n
    """
)


def measure(
    house: House, organisation: UUID, *, listed: int, mapped: int, workers: int, changes: int
) -> Iterator[tuple[str, list[Row]]]:
    """(title, rows of what, value, unit, note): for `listed` in the database, then `mapped` in a
    file. Leaves both behind in the house, which is thrown away."""
    chosen = house.bank.create_list(organisation, SYSTEM, _new_list())
    yield (
        f"Loading and sharing {listed:,} indicators",
        _loading(house, organisation, chosen, listed, workers),
    )
    files = Generations(house.settings.home / "mapped", SCHEMA)
    house.bank.add(organisation, SYSTEM, chosen.id, list(_fresh(1)))
    written = _write_mapped(house, files, chosen, mapped)
    yield (
        f"A bank of {mapped:,} that changes",
        [*written, *_changing(house, files, organisation, chosen, workers, changes)],
    )


def _loading(
    house: House, organisation: UUID, chosen: BankList, listed: int, workers: int
) -> list[Row]:
    with house.database.organisation(organisation) as connection:
        generation = repository.raise_generation(connection)
        connection.execute(
            _FILL,
            {
                "organisation": organisation,
                "list": chosen.id,
                "seed": new_id().bytes,
                "generation": generation,
                "count": listed,
            },
        )
    with house.database.owner() as connection:
        connection.execute(text("analyze indicators"))
    LiveBank(house.database).snapshot().view(organisation, utc_now()).near(_codes(1))  # compiled
    before = memory()["Pss"]
    start = perf_counter()
    live = LiveBank(house.database)
    snapshot = live.snapshot()
    rows = [
        _row("loaded from the database", perf_counter() - start, "s"),
        _row("memory of one process without a file", (memory()["Pss"] - before) / listed, "B each"),
    ]
    files = Generations(house.settings.home / "listed", SCHEMA)
    start = perf_counter()
    path = files.write(snapshot, live.held.mark or UUID(int=0))
    rows += [
        _row("file written", perf_counter() - start, "s"),
        _row("file", path.stat().st_size / listed, "B each"),
    ]
    del live, snapshot
    start = perf_counter()
    LiveBank(house.database, files).snapshot()
    rows.append(_row("opened from the file, every checksum compared", perf_counter() - start, "s"))
    for count in (1, workers):
        with ExitStack() as stack:
            them = [
                stack.enter_context(worker(house.database, files.folder, SCHEMA, organisation))
                for _ in range(count)
            ]
            shares = [each.memory() for each in them]
        of_file, own = (sum(one[name] for one in shares) for name in ("Pss_File", "Pss_Anon"))
        note = f"{count} process{'es' if count > 1 else ''}, Pss, all together"
        rows += [
            _row("mapped files, with all libraries", of_file / 2**20, "MiB", note),
            _row("memory of their own", own / 2**20, "MiB", note),
        ]
    return rows


def _write_mapped(house: House, files: Generations, chosen: BankList, count: int) -> list[Row]:
    """A file as if the database held these and nothing else, true to its history."""
    with house.database.index() as connection:
        newest, _ = repository.moment(connection)
    now = LiveBank(house.database).snapshot()
    start = perf_counter()
    number = [listed.id for listed in now.lists].index(chosen.id)
    layer = Layer.build(IndicatorKind.PDQ, _columns(FIRST_ID, _codes(count), number))
    built = perf_counter() - start
    shelves = {**Snapshot.empty().shelves, IndicatorKind.PDQ: Shelf.of(layer)}
    snapshot = Snapshot(newest.generation, now.lists, ("random", "bench"), shelves)
    start = perf_counter()
    path = files.write(snapshot, newest.mark)
    took = perf_counter() - start
    del snapshot, layer, shelves
    start = perf_counter()
    LiveBank(house.database, files).snapshot()
    return [
        _row("index built", built, "s"),
        _row("file written", took, "s"),
        _row("file", path.stat().st_size / count, "B each"),
        _row("opened, every checksum compared", perf_counter() - start, "s"),
    ]


def _changing(
    house: House,
    files: Generations,
    organisation: UUID,
    chosen: BankList,
    workers: int,
    changes: int,
) -> list[Row]:
    live = LiveBank(house.database, files)
    snapshot = live.snapshot()
    rows = _applied(snapshot)
    with ExitStack() as stack:
        them = [
            stack.enter_context(worker(house.database, files.folder, SCHEMA, organisation))
            for _ in range(workers)
        ]
        waits: dict[bool, list[float]] = {True: [], False: []}
        for new in _fresh(changes):
            code = bytes.fromhex(new.value)
            ids: tuple[int, ...] = ()
            for there in (True, False):
                for each in them:
                    each.look_for(code, there=there)
                sleep(0.02)
                if there:
                    ids = house.bank.add(organisation, SYSTEM, chosen.id, [new]).ids
                else:
                    house.bank.withdraw(
                        organisation, SYSTEM, chosen.id, ids=ids, why="measurement over"
                    )
                done = monotonic()
                waits[there].append(max(each.seen_at() for each in them) - done)
    note = f"from the answer to the writer until the last of {workers} other processes found it"
    for there, what in ((True, "one added"), (False, "one withdrawn")):
        rows += _spread(f"{what}: everywhere", [1000 * wait for wait in waits[there]], "ms", note)
    # Something has to be there to write a file for.
    house.bank.add(organisation, SYSTEM, chosen.id, list(_fresh(100)))
    return rows + _merging(live, organisation)


def _applied(snapshot: Snapshot) -> list[Row]:
    """One after another on top of a snapshot, as a follower applies them."""
    adding, withdrawing = [], []
    held, words = snapshot, snapshot.words
    for number in range(500):
        identity = 2 * FIRST_ID + number
        columns = {IndicatorKind.PDQ: _columns(identity, _codes(1))}
        start = perf_counter()
        held = held.changed(held.generation + 1, held.lists, words, _NONE, columns)
        added = perf_counter()
        gone = np.array([FIRST_ID + 7919 * number])
        held = held.changed(held.generation + 1, held.lists, words, gone, {})
        adding.append(1000 * (added - start))
        withdrawing.append(1000 * (perf_counter() - added))
    note = "one by one, 500 times on top of each other"
    return [
        *_spread("one added: applied", adding, "ms", note),
        *_spread("one withdrawn: applied", withdrawing, "ms", note),
    ]


def _merging(live: LiveBank, organisation: UUID) -> list[Row]:
    """Searches in a process that meanwhile writes a new file and moves onto it."""
    queries = _codes(400)
    quiet = _searches(live, organisation, queries, lambda: False)
    follower = Follower(live, Keeping(least=1, share=0.0, rest=1e9, look_seconds=0.01))
    base = live.held.base
    follower.start()
    busy = _searches(live, organisation, queries, lambda: live.held.base == base)
    follower.stop()
    return [
        *_spread("a search", quiet, "ms", "one hash a call, nothing else going on"),
        *_spread("a search while a file is written", busy, "ms", "in the process that writes it"),
    ]


def _searches(
    live: LiveBank, organisation: UUID, queries: NDArray[np.uint8], more: Callable[[], bool]
) -> list[float]:
    """Milliseconds of each search; at least one for every query."""
    times: list[float] = []
    while len(times) < len(queries) or more():
        query = queries[len(times) % len(queries)][None]
        start = perf_counter()
        live.held.snapshot.view(organisation, utc_now()).near(query)
        times.append(1000 * (perf_counter() - start))
    return times


def _columns(first: int, codes: NDArray[np.uint8], number: int = 0) -> Columns:
    n = len(codes)
    return Columns(
        ids=np.arange(first, first + n),
        keys=codes,
        list_no=np.full(n, number, np.int32),
        quality=np.full(n, NO_QUALITY, np.int8),
        category=np.zeros(n, np.int32),
        source=np.ones(n, np.int32),
        valid_from=np.full(n, ALWAYS),
        valid_until=np.full(n, FOR_EVER),
    )


def _codes(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(SEED).integers(0, 256, (count, 32), dtype=np.uint8)


def _fresh(count: int) -> Iterator[NewIndicator]:
    for code in np.random.default_rng().integers(0, 256, (count, 32), dtype=np.uint8):
        yield NewIndicator(kind=IndicatorKind.PDQ, value=code.tobytes().hex())


def _new_list() -> NewList:
    return NewList(
        name=f"bench {new_id()}",
        kind=ListKind.BLOCK,
        source="bench",
        basis="measurement",
        category="random",
    )


def _spread(what: str, times: list[float], unit: str, note: str) -> list[Row]:
    ordered = sorted(times)
    return [
        _row(f"{what}, median", statistics.median(ordered), unit, note),
        _row(f"{what}, 99 of 100", ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], unit),
        _row(f"{what}, longest", ordered[-1], unit),
    ]


def _row(what: str, value: float, unit: str, note: str = "") -> Row:
    shown = round(value) if value >= 100 else round(value, 3)
    return {"what": what, "value": shown, "unit": unit, "note": note}
