"""Marks on indicators: what changes how they count, kept beside them. The SQL, and no rule."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, text

from lapwing.model.indicators import IndicatorKind, Mark

_MARK = text(
    """
    insert into indicator_marks (organisation_id, indicator_id, marks, generation)
    select :organisation, id, :on, :generation from indicators
     where id = any(cast(:ids as bigint[])) order by id
    on conflict (organisation_id, indicator_id) do update
       set marks = (indicator_marks.marks & ~cast(:off as smallint)) | cast(:on as smallint),
           generation = :generation
    """
)


def mark(
    connection: Connection,
    organisation: UUID,
    ids: Collection[int],
    *,
    generation: int,
    on: Mark = Mark(0),  # noqa: B008 - a number
    off: Mark = Mark(0),  # noqa: B008 - a number
) -> None:
    """Set and take off marks of the organisation's own indicators, from this generation on."""
    values = {
        "organisation": organisation,
        "ids": sorted(ids),
        "on": int(on),
        "off": int(off),
        "generation": generation,
    }
    connection.execute(_MARK, values)


_ALLOWED = text(
    """
    select i.id from indicators i join lists l on l.id = i.list_id
     where l.kind = 'allow' and i.kind = :kind and i.value = :value and i.withdrawn_at is null
    """
)


def allow_entries(connection: Connection, kind: IndicatorKind, value: bytes) -> list[int]:
    """The entries of allow lists that hold this hash."""
    rows = connection.execute(_ALLOWED, {"kind": kind.value, "value": value})
    return [int(identity) for identity in rows.scalars()]
