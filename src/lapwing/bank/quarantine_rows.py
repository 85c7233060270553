"""The SQL of quarantine. Row-level security decides which rows there are; no rule lives here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Row, text

from lapwing.bank.canonical import shown_value
from lapwing.bank.quarantine_records import Quarantined
from lapwing.model.indicators import IndicatorKind
from lapwing.store.clock import new_id

_OPEN = text(
    """
    insert into quarantines (organisation_id, id, indicator_id, list_id, cause, facts, opened_at)
    select :organisation, id, indicator_id, list_id, :cause, facts, :at
      from json_to_recordset(cast(:rows as json))
           as new (id uuid, indicator_id bigint, list_id uuid, facts jsonb)
     order by indicator_id
    on conflict (organisation_id, indicator_id, cause) where released_at is null do nothing
    returning indicator_id
    """
)


def open_rows(
    connection: Connection,
    organisation: UUID,
    indicators: Sequence[tuple[UUID, int]],
    cause: str,
    facts: Mapping[int, Mapping[str, Any]],
    at: datetime,
) -> list[int]:
    """Quarantine these (list, indicator); returns those that were not already, for this cause."""
    rows = [
        {
            "id": new_id(at),
            "indicator_id": indicator,
            "list_id": listed,
            "facts": facts.get(indicator, {}),
        }
        for listed, indicator in indicators
    ]
    opened = connection.execute(
        _OPEN,
        {
            "organisation": organisation,
            "cause": cause,
            "at": at,
            "rows": msgspec.json.encode(rows).decode(),
        },
    )
    return [int(indicator) for indicator in opened.scalars()]


_READ = """
    select q.id, q.indicator_id, q.list_id, q.cause, q.facts, q.opened_at, q.confirmed_by,
           q.confirmed_at, q.confirmed_why, q.released_by, q.released_at, q.released_why,
           i.kind, i.value, i.category, i.withdrawn_at, l.name as list_name
      from quarantines q
      join indicators i on i.id = q.indicator_id
      join lists l on l.id = q.list_id
"""


def acting(connection: Connection, limit: int) -> list[Quarantined]:
    """Those that act, the ones that wait for a person first, then newest first."""
    rows = connection.execute(
        text(
            _READ + " where q.released_at is null and i.withdrawn_at is null"
            " order by q.confirmed_at is not null, q.opened_at desc, q.id limit :limit"
        ),
        {"limit": limit},
    )
    return [_quarantined(row) for row in rows]


def answered(connection: Connection, limit: int) -> list[Quarantined]:
    """Those that were released, newest first."""
    rows = connection.execute(
        text(_READ + " where q.released_at is not null order by q.released_at desc limit :limit"),
        {"limit": limit},
    )
    return [_quarantined(row) for row in rows]


def count_waiting(connection: Connection) -> int:
    """How many wait for a person."""
    found = connection.execute(
        text(
            "select count(*) from quarantines q join indicators i on i.id = q.indicator_id "
            "where q.released_at is null and q.confirmed_at is null and i.withdrawn_at is null"
        )
    )
    return int(found.scalar_one())


def one(connection: Connection, identity: UUID, *, lock: bool = False) -> Quarantined | None:
    """Locked, whoever answers at the same time waits for the end of this transaction."""
    statement = _READ + " where q.id = :id" + (" for update of q" if lock else "")
    row = connection.execute(text(statement), {"id": identity}).first()
    return _quarantined(row) if row else None


def dispute_of(connection: Connection, indicator: int) -> Quarantined | None:
    """The dispute that acts on this indicator."""
    row = connection.execute(
        text(
            _READ + " where q.indicator_id = :indicator and q.cause = 'dispute'"
            " and q.released_at is null"
        ),
        {"indicator": indicator},
    ).first()
    return _quarantined(row) if row else None


def last_released(connection: Connection, indicator: int) -> datetime | None:
    """When a person last decided that a dispute of this indicator is over."""
    found = connection.execute(
        text(
            "select max(released_at) from quarantines where indicator_id = :indicator "
            "and cause = 'dispute' and released_by is not null"
        ),
        {"indicator": indicator},
    ).scalar()
    return found if found is None or isinstance(found, datetime) else None


def confirm(connection: Connection, identity: UUID, member: UUID, why: str, at: datetime) -> None:
    connection.execute(
        text(
            "update quarantines set confirmed_by = :member, confirmed_at = :at, "
            "confirmed_why = :why where id = :id"
        ),
        {"id": identity, "member": member, "why": why, "at": at},
    )


def release(
    connection: Connection, identity: UUID, member: UUID | None, why: str, at: datetime
) -> None:
    """`member` is None where what was disputed was taken back."""
    connection.execute(
        text(
            "update quarantines set released_by = :member, released_at = :at, "
            "released_why = :why where id = :id"
        ),
        {"id": identity, "member": member, "why": why, "at": at},
    )


def _quarantined(row: Row[Any]) -> Quarantined:
    values = dict(row._mapping)
    kind = IndicatorKind(values.pop("kind"))
    value = shown_value(kind, values.pop("value"))
    return Quarantined(
        kind=kind,
        value=value,
        indicator=values.pop("indicator_id"),
        list=values.pop("list_id"),
        withdrawn=values.pop("withdrawn_at") is not None,
        **values,
    )
