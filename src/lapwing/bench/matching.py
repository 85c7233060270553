"""How fast exact look-ups are, and how long a change takes until it is visible."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID

import numpy as np

from lapwing.bank.index.exact import ExactIndex, hash_keys, text_keys
from lapwing.bank.live import LiveBank
from lapwing.bank.service import Bank, NewList
from lapwing.evidence.ledger import Ledger
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import IndicatorKind, ListKind, NewIndicator
from lapwing.store.clock import new_id, utc_now
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring

Row = dict[str, Any]
SEED = 20_260_501


def measure_look_ups(size: int) -> list[Row]:
    """Rows of (what, median, unit, note) for exact look-ups in memory."""
    rng = np.random.default_rng(SEED)
    ids = np.arange(size, dtype=np.int64)
    hashes = rng.integers(0, 256, (size, 32), dtype=np.uint8)
    exact = ExactIndex.build(hashes, ids)
    asked = [bytes(row) for row in rng.integers(0, 256, (10_000, 32), dtype=np.uint8)]
    texts = [b"host%d.example/path/%d" % (k % 997, k) for k in range(size)]
    links = ExactIndex.build(text_keys(texts), ids)
    note = f"{size:,} listed, 10,000 a call, none listed"

    def fresh() -> list[bytes]:
        # New objects, as Python remembers the hash of one it has seen.
        return [b"other%d.example/" % k for k in range(10_000)]

    by_hash = _median_ms([lambda: exact.search(hash_keys(asked, 32))] * 9)
    by_link = _median_ms([partial(links.search_texts, fresh()) for _ in range(9)])
    return [
        _row("SHA-256 look-ups", 10_000 / by_hash * 1000, "look-ups/s", note),
        _row("URL look-ups", 10_000 / by_link * 1000, "look-ups/s", note),
    ]


def measure_live(
    database: Database, organisation: UUID, *, listed: int = 100_000, changes: int = 20
) -> list[Row]:
    """Rows for a bank in the database with `listed` hashes: adding, following, loading.

    Writes to the organisation and withdraws again; use one made for this, as its ledger is signed
    with keys of a temporary folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        bank = Bank(database, Ledger(Keyring(Path(folder)), utc_now), utc_now)
        chosen = bank.create_list(
            organisation,
            SYSTEM,
            NewList(
                name=f"bench {new_id()}",
                kind=ListKind.BLOCK,
                source="bench",
                basis="measurement",
                category="random",
            ),
        )
        rng = np.random.default_rng()
        start = perf_counter()
        ids = list(bank.add(organisation, SYSTEM, chosen.id, _entries(rng, listed)).ids)
        rows = [_row("hashes added", listed / (perf_counter() - start), "hashes/s", "one change")]
        try:
            rows += _following(database, bank, organisation, chosen.id, rng, ids, changes)
        finally:
            bank.withdraw(organisation, SYSTEM, chosen.id, ids=ids, why="measurement over")
    return rows


def _following(
    database: Database,
    bank: Bank,
    organisation: UUID,
    list_id: UUID,
    rng: np.random.Generator,
    ids: list[int],
    changes: int,
) -> list[Row]:
    start = perf_counter()
    live = LiveBank(database)
    size = len(live.snapshot())
    loading = perf_counter() - start
    adding, following, polling = [], [], []
    for entry in _entries(rng, changes):
        start = perf_counter()
        ids += bank.add(organisation, SYSTEM, list_id, [entry]).ids
        added = perf_counter()
        live.snapshot()
        followed = perf_counter()
        live.snapshot()
        adding.append(added - start)
        following.append(followed - added)
        polling.append(perf_counter() - followed)
    note = f"{size:,} indicators in the index"
    return [
        _row("index loaded", loading, "s", note),
        _row("one hash added, with commit", statistics.median(adding) * 1000, "ms", note),
        _row("added hash visible", statistics.median(following) * 1000, "ms", note),
        _row("nothing changed", statistics.median(polling) * 1000, "ms", note),
    ]


def _entries(rng: np.random.Generator, count: int) -> list[NewIndicator]:
    codes = rng.integers(0, 256, (count, 32), dtype=np.uint8)
    return [NewIndicator(kind=IndicatorKind.PDQ, value=bytes(code).hex()) for code in codes]


def _median_ms(steps: list[Callable[[], object]]) -> float:
    """The first run is left out: it may compile."""
    times = []
    for step in [steps[0], *steps]:
        start = perf_counter()
        step()
        times.append(perf_counter() - start)
    return statistics.median(times[1:]) * 1000


def _row(what: str, median: float, unit: str, note: str) -> Row:
    shown = round(median) if median >= 100 else round(median, 3)
    return {"what": what, "median": shown, "unit": unit, "note": note}
