"""Many indicators at once, by COPY: for files of millions of rows.

The rules are those of `Bank.add`: one transaction for rows, generation and ledger leaf; what is
listed already stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from lapwing.bank import events, repository
from lapwing.bank.repository import Written
from lapwing.evidence.ledger import Ledger
from lapwing.model.actors import Actor
from lapwing.model.indicators import BankList, IndicatorKind
from lapwing.store.database import Database


class BulkRow(NamedTuple):
    """An indicator of a file; source and basis are those of the whole file."""

    kind: str
    value: bytes
    category: str
    media: int | None
    dated: datetime | None


_INCOMING = """
create temporary table incoming
  (place integer, kind text, value bytea, category text, media bigint, dated timestamptz)
  on commit drop
"""
_COPY = "copy incoming (place, kind, value, category, media, dated) from stdin (format binary)"
_TYPES = ("int4", "text", "bytea", "text", "int8", "timestamptz")
_INSERT = """
insert into indicators (organisation_id, list_id, kind, value, category, source, basis,
                        added_at, generation, media, dated)
select %s, %s, kind, value, category, %s, %s, %s, %s, media, dated
  from incoming order by place
on conflict (list_id, kind, value) where withdrawn_at is null do nothing
returning id, kind, value
"""


def add_rows(
    database: Database,
    ledger: Ledger,
    organisation: UUID,
    actor: Actor,
    listed: BankList,
    rows: Sequence[BulkRow],
    *,
    source: str,
    at: datetime,
) -> tuple[int, int]:
    """Put rows on a list, in one durable transaction. Returns (added, bank generation)."""
    with database.organisation(organisation) as connection:
        generation = repository.hold_generation(connection)
        written = _write(connection, listed, rows, source, at, generation + 1) if rows else []
        if written:
            generation = repository.raise_generation(connection)
            event = events.indicators_added(listed, actor, at, generation, written)
            ledger.append(connection, organisation, [event])
    return len(written), generation


def _write(
    connection: Connection,
    listed: BankList,
    rows: Sequence[BulkRow],
    source: str,
    at: datetime,
    generation: int,
) -> list[Written]:
    raw = connection.connection.driver_connection
    if raw is None:
        raise RuntimeError("the connection is closed")
    with raw.cursor(binary=True) as cursor:
        cursor.execute(_INCOMING)
        with cursor.copy(_COPY) as copy:
            copy.set_types(_TYPES)
            for place, row in enumerate(rows):
                copy.write_row((place, *row))
        cursor.execute(
            _INSERT,
            (listed.organisation, listed.id, source, listed.basis, at, generation),
        )
        kinds = {kind.value: kind for kind in IndicatorKind}
        return [Written(identity, kinds[kind], value) for identity, kind, value in cursor]
