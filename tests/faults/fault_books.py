"""Do the books hold what clients were promised, once, and nothing else?

`books.check_books` says that tables and ledger agree with each other; here they are compared with
what was acknowledged, and the vault's rows with its blobs.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
from fault_traffic import SOURCE, Journal
from sqlalchemy import Connection, text

from books import Books, check_books
from lapwing.app import House
from lapwing.evidence.heads import SignedHead
from lapwing.evidence.vault import Vault
from lapwing.model.events import EventKind
from lapwing.store.queue import QUEUE


def check_promises(
    house: House, organisation: UUID, journal: Journal, kept: SignedHead | None
) -> tuple[Books, SignedHead]:
    """Assert that everything acknowledged is there; returns the head to compare with next time."""
    assert not journal.wrong, journal.wrong[:5]
    books = check_books(house.database, house.ledger, organisation)
    with house.database.organisation(organisation) as connection:
        house.ledger.verify(connection, organisation, kept)
        _check_decisions(connection, journal)
        _check_verdicts(connection, journal)
        _check_indicators(connection, journal)
        _check_deletions(connection)
        head = house.ledger.head(connection, organisation)
    assert head is not None
    return books, head


def check_settled(house: House, organisation: UUID, journal: Journal) -> None:
    """What is true once every client has had all its answers and every job had its time."""
    with house.database.organisation(organisation) as connection:
        on_record = connection.execute(
            text("select source_id from items where source = :source"), {"source": SOURCE}
        ).scalars()
        surplus = set(on_record) - set(journal.decisions)
        assert not surplus, f"nobody was told of {sorted(surplus)[:5]}"
        _check_jobs(connection, journal)
    _check_blobs(house, organisation)


def _check_decisions(connection: Connection, journal: Journal) -> None:
    rows = connection.execute(
        text(
            "select i.source_id, d.id from items i join decisions d on d.item_id = i.id "
            "where i.source = :source"
        ),
        {"source": SOURCE},
    )
    on_record = {row.source_id: str(row.id) for row in rows}
    lost = [key for key, id in journal.decisions.items() if on_record.get(key) != id]
    assert not lost, f"{len(lost)} acknowledged items are lost or decided anew: {lost[:5]}"


def _check_verdicts(connection: Connection, journal: Journal) -> None:
    rows = connection.execute(text("select id, reason from verdicts")).all()
    on_record = {str(row.id): row.reason for row in rows}
    lost = [id for id, reason in journal.verdicts.items() if on_record.get(id) != reason]
    assert not lost, f"acknowledged verdicts are lost: {lost[:5]}"
    twice = [reason for reason, times in Counter(on_record.values()).items() if times > 1]
    assert not twice, f"verdicts were given twice: {twice[:5]}"
    assert set(on_record.values()) <= journal.reasons


def _check_indicators(connection: Connection, journal: Journal) -> None:
    rows = connection.execute(
        text("select id, encode(value, 'hex') as value, withdrawn_at from indicators")
    ).all()
    there = {row.id: row for row in rows}
    lost = [value for value, id in journal.added.items() if there[id].value != value]
    assert not lost, f"added hashes are lost: {lost[:5]}"
    back = [id for id in journal.withdrawn if there[id].withdrawn_at is None]
    assert not back, f"withdrawn hashes are back: {back[:5]}"
    events = _bodies(connection, EventKind.INDICATORS_ADDED)
    told = sum(event["data"]["count"] for event in events if "count" in event["data"])
    assert not told or told == len(rows), "the ledger counts other hashes than the table"


def _check_deletions(connection: Connection) -> None:
    """What the vault has deleted was deleted once."""
    rows = connection.execute(
        text("select id from vault_objects where deleted_at is not null")
    ).scalars()
    deleted = Counter(event["subject"] for event in _bodies(connection, EventKind.CONTENT_DELETED))
    assert Counter(str(id) for id in rows) == deleted, "deletions and their events differ"


def _check_jobs(connection: Connection, journal: Journal) -> None:
    failed = connection.execute(
        text(f"select entrypoint, attempts from {QUEUE.queue_table} where status = 'failed'")
    ).all()
    assert not failed, f"jobs were given up: {failed}"
    done = connection.execute(
        text(f"select distinct job_id from {QUEUE.queue_table_log} where status = 'successful'")
    ).scalars()
    undone = journal.jobs - set(done)
    assert not undone, f"jobs were queued and not done: {sorted(undone)[:5]}"
    due = connection.execute(
        text("select count(*) from vault_objects where deleted_at is null and delete_at <= now()")
    ).scalar_one()
    assert not due, f"{due} objects are still there although their time is over"


def _check_blobs(house: House, organisation: UUID) -> None:
    """After strays are swept (they have an hour to get their row) files and rows are the same."""
    later = Vault(
        house.blobs,
        house.keyring,
        house.ledger,
        lambda: house.clock() + timedelta(hours=2),
    )
    with house.database.organisation(organisation) as connection:
        later.sweep_strays(connection, organisation)
        wanted = set(
            connection.execute(
                text(
                    "select path from vault_objects where deleted_at is null union "
                    "select cover_path from vault_objects "
                    "where deleted_at is null and cover_path is not null"
                )
            ).scalars()
        )
    folder = Path(house.settings.home) / "blobs"
    there = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert there == wanted, f"lost {sorted(wanted - there)[:3]}, stray {sorted(there - wanted)[:3]}"


def _bodies(connection: Connection, kind: EventKind) -> list[dict]:  # type: ignore[type-arg]
    rows = connection.execute(
        text("select body from ledger_events where kind = :kind and body is not null"),
        {"kind": kind.value},
    ).scalars()
    return [msgspec.json.decode(row) for row in rows]
