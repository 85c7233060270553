"""How fast the ledger is: leaves in memory, durable appends, proofs, verification."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID

from sqlalchemy import text

from lapwing.evidence.leaves import seal
from lapwing.evidence.ledger import Ledger
from lapwing.evidence.merkle import leaf_hash
from lapwing.evidence.tiles import Coordinate, edge_of, grow
from lapwing.model.actors import SYSTEM
from lapwing.model.events import Event, EventKind
from lapwing.store.clock import new_id, utc_now
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring

Row = dict[str, Any]
BATCH = 1000
APPENDERS = (1, 4, 16)


def measure(database: Database, organisation: UUID, *, events: int = 20_000) -> list[Row]:
    """Rows of (what, median, unit, note). Appends `events` or a few more to the organisation.

    Signs with keys of its own in a temporary folder, so use an organisation made for this.
    """
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Keyring(Path(folder)), utc_now)
        return [
            _in_memory(),
            _durable(database, organisation, ledger, BATCH, max(1, events // BATCH)),
            _durable(database, organisation, ledger, 1, 200),
            *_side_by_side(database, organisation, ledger),
            *_proofs(database, organisation, ledger),
            _verification(database, organisation, ledger),
        ]


def sample(number: int) -> Event:
    """A neutral event of ordinary size."""
    return Event(
        kind=EventKind.DECIDED,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        actor=SYSTEM,
        subject=str(UUID(int=number)),
        data={"actions": ["hold", "case"], "rules": ["known-media"], "pack": "core", "n": number},
    )


def _in_memory(count: int = 100_000) -> Row:
    """Commitments, leaf hashes and tree, without the database."""
    events = [sample(i) for i in range(count)]
    rates = []
    for _ in range(3):
        tiles: dict[Coordinate, bytes] = {}
        size, salts = 0, lambda length: bytes(length)
        start = perf_counter()
        for first in range(0, count, BATCH):
            sealed = seal(events[first : first + BATCH], salts)
            edge = {at: tiles[at] for at in edge_of(size)}
            grown = grow(size, edge, [leaf_hash(leaf.commitment) for leaf in sealed])
            tiles.update(grown.tiles)
            size = grown.size
        rates.append(count / (perf_counter() - start))
    return _row("leaves in memory", statistics.median(rates), "leaves/s", f"batches of {BATCH}")


def _durable(
    database: Database, organisation: UUID, ledger: Ledger, batch: int, rounds: int
) -> Row:
    times = []
    for round_number in range(rounds):
        events = [sample(round_number * batch + i) for i in range(batch)]
        start = perf_counter()
        with database.organisation(organisation) as connection:
            ledger.append(connection, organisation, events)
        times.append(perf_counter() - start)
    median = statistics.median(times)
    note = f"batches of {batch}, {median * 1000:.1f} ms each with commit"
    return _row("durable events", batch / median, "events/s", note)


def _side_by_side(
    database: Database, organisation: UUID, ledger: Ledger, seconds: float = 3.0
) -> list[Row]:
    """Single appends of several threads at once: to one ledger, which its lock puts in a row, and
    to one each, which share the disk's commits."""
    rows = []
    with closing(Database(database.url, pool_size=max(APPENDERS))) as wide:
        own = [organisation, *(fresh_organisation(wide) for _ in range(max(APPENDERS) - 1))]
        for appenders in APPENDERS:
            rows.append(_appenders(wide, ledger, [organisation] * appenders, seconds, "one ledger"))
            rows.append(_appenders(wide, ledger, own[:appenders], seconds, "a ledger each"))
    return rows


def _appenders(
    database: Database, ledger: Ledger, organisations: Sequence[UUID], seconds: float, where: str
) -> Row:
    until = perf_counter() + seconds

    def append(one: UUID) -> list[float]:
        times: list[float] = []
        while (start := perf_counter()) < until:
            with database.organisation(one) as connection:
                ledger.append(connection, one, [sample(len(times))])
            times.append(perf_counter() - start)
        return times

    with ThreadPoolExecutor(len(organisations)) as threads:
        times = [each for found in threads.map(append, organisations) for each in found]
    median = statistics.median(times) * 1000
    note = f"{len(organisations)} at once, one event each, {where}, {median:.1f} ms with commit"
    return _row("durable events", len(times) / seconds, "events/s", note)


def _proofs(database: Database, organisation: UUID, ledger: Ledger) -> list[Row]:
    with database.organisation(organisation) as connection:
        head = ledger.head(connection, organisation)
        size = head.size if head else 0
        positions = [size * i // 50 for i in range(50)]
        proofs = [ledger.prove(connection, organisation, position) for position in positions]
        made = _median_ms(
            [lambda p=p: ledger.prove(connection, organisation, p) for p in positions]  # type: ignore[misc]
        )
    checked = _median_ms([proof.holds for proof in proofs])
    note = f"in a ledger of {size:,}"
    return [
        _row("proof made", made, "ms", note),
        _row("proof checked", checked, "ms", note),
    ]


def _verification(database: Database, organisation: UUID, ledger: Ledger) -> Row:
    with database.organisation(organisation) as connection:
        start = perf_counter()
        verified = ledger.verify(connection, organisation)
        rate = verified.size / (perf_counter() - start)
    note = f"{verified.size:,} events, {verified.heads:,} heads"
    return _row("whole ledger verified", rate, "events/s", note)


def _median_ms(steps: list[Callable[[], object]]) -> float:
    times = []
    for step in steps:
        start = perf_counter()
        step()
        times.append(perf_counter() - start)
    return statistics.median(times) * 1000


def _row(what: str, median: float, unit: str, note: str) -> Row:
    shown = round(median) if median >= 100 else round(median, 3)
    return {"what": what, "median": shown, "unit": unit, "note": note}


def fresh_organisation(database: Database) -> UUID:
    """An organisation made for one measurement."""
    identity = new_id()
    with database.organisation(identity) as connection:
        connection.execute(
            text(
                "insert into organisations (id, name, kind, country, created_at)"
                " values (:id, :name, 'ngo', 'DE', :at)"
            ),
            {"id": identity, "name": f"bench {identity}", "at": utc_now()},
        )
    return identity
