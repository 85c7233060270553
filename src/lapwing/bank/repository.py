"""The bank's SQL. Row-level security decides which rows there are; no rule lives here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, text, update
from sqlalchemy.dialects import postgresql

from lapwing.bank.canonical import shown_value
from lapwing.bank.entries import Entry
from lapwing.bank.index.blocks import Block
from lapwing.bank.index.columns import ALWAYS, FOR_EVER, NO_QUALITY
from lapwing.bank.tables import bank_generation, indicators, lists
from lapwing.model.indicators import BankList, Indicator, IndicatorKind, ListAction, ListKind
from lapwing.store.database import note

_HIGHEST_ID = 2**63 - 1
CHANNEL = "lapwing_bank"
"""Notified with the new generation when a change commits."""


def generation(connection: Connection) -> int:
    """The number of the last committed change."""
    return int(connection.execute(select(bank_generation.c.generation)).scalar_one())


NEWEST = """
    select g.generation, c.mark
      from bank_generation g left join bank_changes c on c.generation = g.generation
"""
"""The last committed change as `Moment`, for a connection that listens."""

_MOMENT = text(
    """
    select g.generation, c.mark, h.mark
      from bank_generation g
      left join bank_changes c on c.generation = g.generation
      left join bank_changes h on h.generation = :held and h.generation <= g.generation
    """
)


class Moment(NamedTuple):
    """A generation and its mark, which no other history of the bank has."""

    generation: int
    mark: UUID


def moment(connection: Connection, held: int = 0) -> tuple[Moment, UUID | None]:
    """The last committed change, and the mark of generation `held` in this database's history."""
    generation, mark, other = connection.execute(_MOMENT, {"held": held}).one()
    return Moment(int(generation), mark), other


def hold_generation(connection: Connection) -> int:
    """As `generation`, and nobody else may raise it until this transaction ends.

    So changes commit in the order of their generations, and a reader who has seen one has seen
    every earlier one.
    """
    query = select(bank_generation.c.generation).with_for_update()
    return int(connection.execute(query).scalar_one())


def raise_generation(connection: Connection) -> int:
    """Count one change; readers are told when it commits."""
    raised = connection.execute(
        update(bank_generation)
        .values(generation=bank_generation.c.generation + 1)
        .returning(bank_generation.c.generation)
    ).scalar_one()
    connection.execute(
        text("select pg_notify(:channel, :generation)"),
        {"channel": CHANNEL, "generation": str(raised)},
    )
    note(connection, int(raised))
    return int(raised)


def add_list(connection: Connection, listed: BankList) -> bool:
    """Write a list; False when the organisation has one of that name."""
    values = {
        name: getattr(listed, name) for name in listed.__struct_fields__ if name != "organisation"
    } | {
        "organisation_id": listed.organisation,
        "kind": listed.kind.value,
        "action": listed.action.value,
    }
    statement = (
        postgresql.insert(lists)
        .values(values)
        .on_conflict_do_nothing(index_elements=["organisation_id", "name"])
        .returning(lists.c.id)
    )
    return connection.execute(statement).first() is not None


def change_list(connection: Connection, listed: BankList) -> bool:
    """Write what may change of a list; False where there is no such list."""
    values = {
        "action": listed.action.value,
        "verified": listed.verified,
        "known_distance": listed.known_distance,
        "near_distance": listed.near_distance,
        "valid_from": listed.valid_from,
        "valid_until": listed.valid_until,
        "changed_at": listed.changed_at,
    }
    changed = connection.execute(update(lists).where(lists.c.id == listed.id).values(values))
    return bool(changed.rowcount)


def bank_lists(connection: Connection) -> list[BankList]:
    """All lists that this connection may see, oldest first."""
    rows = connection.execute(select(lists).order_by(lists.c.created_at, lists.c.id))
    return [_bank_list(row) for row in rows]


def list_by_id(connection: Connection, identity: UUID) -> BankList | None:
    row = connection.execute(select(lists).where(lists.c.id == identity)).first()
    return _bank_list(row) if row else None


def list_by_name(connection: Connection, name: str) -> BankList | None:
    row = connection.execute(select(lists).where(lists.c.name == name)).first()
    return _bank_list(row) if row else None


_ADD = text(
    """
    insert into indicators (organisation_id, list_id, kind, value, quality, category, source, basis,
                            added_at, valid_from, valid_until, generation)
    select :organisation, :list, e.kind, e.value, e.quality, e.category, e.source, e.basis,
           :at, e.valid_from, e.valid_until, :generation
      from unnest(cast(:kinds as text[]), cast(:values as bytea[]), cast(:qualities as smallint[]),
                  cast(:categories as text[]), cast(:sources as text[]), cast(:bases as text[]),
                  cast(:starts as timestamptz[]), cast(:ends as timestamptz[]))
           with ordinality as e (kind, value, quality, category, source, basis,
                                 valid_from, valid_until, place)
     order by e.place
    on conflict (list_id, kind, value) where withdrawn_at is null do nothing
    returning id, kind, value
    """
)


class Written(NamedTuple):
    """An indicator that a statement wrote."""

    id: int
    kind: IndicatorKind
    value: bytes


def add_indicators(
    connection: Connection,
    listed: BankList,
    entries: Sequence[Entry],
    *,
    at: datetime,
    generation: int,
) -> list[Written]:
    """Write those entries that are not on the list already, in one statement and in their order."""
    rows = connection.execute(
        _ADD,
        {
            "organisation": listed.organisation,
            "list": listed.id,
            "at": at,
            "generation": generation,
            "kinds": [entry.kind.value for entry in entries],
            "values": [entry.value for entry in entries],
            "qualities": [entry.quality for entry in entries],
            "categories": [entry.category for entry in entries],
            "sources": [entry.source for entry in entries],
            "bases": [entry.basis for entry in entries],
            "starts": [entry.valid_from for entry in entries],
            "ends": [entry.valid_until for entry in entries],
        },
    )
    return [Written(row.id, IndicatorKind(row.kind), row.value) for row in rows]


_LIVE_VALUES = text(
    """
    select i.id, i.kind, i.value
      from unnest(cast(:kinds as text[]), cast(:values as bytea[])) as e (kind, value)
      join indicators i on i.list_id = :list and i.kind = e.kind and i.value = e.value
     where i.withdrawn_at is null
     order by i.id
    """
)


def live_values(
    connection: Connection, list_id: UUID, values: Sequence[tuple[IndicatorKind, bytes]]
) -> list[Written]:
    """Those of the values that stand on the list now."""
    rows = connection.execute(
        _LIVE_VALUES,
        {
            "list": list_id,
            "kinds": [kind.value for kind, _ in values],
            "values": [value for _, value in values],
        },
    )
    return [Written(row.id, IndicatorKind(row.kind), row.value) for row in rows]


def withdraw(
    connection: Connection,
    list_id: UUID,
    ids: Sequence[int],
    *,
    why: str,
    at: datetime,
    generation: int,
) -> list[Written]:
    """Mark those of the ids that stand on the list as withdrawn; in rising order of id."""
    rows = connection.execute(
        text(
            """
            update indicators
               set withdrawn_at = :at, withdrawn_why = :why, generation = :generation
             where list_id = :list and id = any(cast(:ids as bigint[])) and withdrawn_at is null
            returning id, kind, value
            """
        ),
        {"list": list_id, "ids": list(ids), "why": why, "at": at, "generation": generation},
    )
    return sorted(Written(row.id, IndicatorKind(row.kind), row.value) for row in rows)


def indicators_of(
    connection: Connection, list_id: UUID, *, limit: int, after: int, withdrawn: bool
) -> list[Indicator]:
    """Up to `limit` indicators of a list with an id above `after`, by id."""
    query = select(indicators).where(indicators.c.list_id == list_id, indicators.c.id > after)
    if not withdrawn:
        query = query.where(indicators.c.withdrawn_at.is_(None))
    rows = connection.execute(query.order_by(indicators.c.id).limit(limit))
    return [_indicator(row) for row in rows]


# A row carries up to 4,096 indicators: a million rows one by one would take four times as long.
# The range has both ends, so that the planner expects few rows and uses the index on generation;
# `withdrawn_at is null` would make it walk the whole partial index of live values besides.
_BLOCK_OF_ROWS = f"""
    select kind, list_id, category, source,
           string_agg(
             int8send(id)
             || int2send(coalesce(quality, {NO_QUALITY}::smallint))
             || int8send(coalesce((extract(epoch from valid_from) * 1000000)::bigint, {ALWAYS}))
             || int8send(coalesce((extract(epoch from valid_until) * 1000000)::bigint, {FOR_EVER}))
             || int4send(octet_length(value))
             || value,
             ''::bytea)
      from indicators
     where {{these}}
     group by kind, list_id, category, source, id >> 12
"""
_BLOCKS = text(
    _BLOCK_OF_ROWS.format(
        these="generation > :since and generation <= :until "
        "and coalesce(withdrawn_at, 'infinity') = 'infinity'"
    )
)
# All of the bank goes by ranges of ids: the server then sorts little at a time, and the reader
# knows how far it has come.
_BLOCKS_BY_ID = text(
    _BLOCK_OF_ROWS.format(these="id > :after and id <= :until and withdrawn_at is null")
)


def standing_blocks(connection: Connection, since: int, until: int) -> Iterator[Block]:
    """Indicators not withdrawn that last changed in generations since+1..until, streamed."""
    result = connection.execute(
        _BLOCKS, {"since": since, "until": until}, execution_options={"yield_per": 50}
    )
    for row in result:
        yield Block._make(row)


def last_id(connection: Connection) -> int:
    """The highest id of an indicator, 0 when there is none."""
    return int(connection.execute(select(func.coalesce(func.max(indicators.c.id), 0))).scalar_one())


def blocks_by_id(connection: Connection, after: int, until: int) -> Iterator[Block]:
    """Indicators not withdrawn with ids after+1..until, streamed."""
    result = connection.execute(
        _BLOCKS_BY_ID, {"after": after, "until": until}, execution_options={"yield_per": 50}
    )
    for row in result:
        yield Block._make(row)


def withdrawn_ids(connection: Connection, since: int, until: int) -> list[int]:
    """Indicators that were withdrawn in generations since+1..until."""
    query = select(indicators.c.id).where(
        indicators.c.generation > since,
        indicators.c.generation <= until,
        indicators.c.withdrawn_at.is_not(None),
    )
    return list(connection.execute(query).scalars())


_CHANGED_MARKS = text(
    """
    select m.indicator_id, m.marks
      from indicator_marks m
      join indicators i on i.id = m.indicator_id and i.organisation_id = m.organisation_id
     where m.generation > :since and m.generation <= :until
    """
)


def changed_marks(connection: Connection, since: int, until: int) -> dict[int, int]:
    """Marks by indicator that were set, changed or taken off (0) in generations since+1..until.

    The join keeps an organisation from marking what is not its own.
    """
    rows = connection.execute(_CHANGED_MARKS, {"since": since, "until": until})
    return {int(row.indicator_id): int(row.marks) for row in rows}


def _bank_list(row: Row[Any]) -> BankList:
    values = dict(row._mapping)
    organisation = values.pop("organisation_id")
    words = {"kind": ListKind(row.kind), "action": ListAction(row.action)}
    return BankList(organisation=organisation, **(values | words))


def indicator(connection: Connection, identity: int) -> Indicator | None:
    """One indicator, withdrawn or not. None for a number that can be no id, too."""
    if not 0 < identity <= _HIGHEST_ID:
        return None
    row = connection.execute(select(indicators).where(indicators.c.id == identity)).first()
    return _indicator(row) if row else None


def _indicator(row: Row[Any]) -> Indicator:
    kind = IndicatorKind(row.kind)
    return Indicator(
        id=row.id,
        organisation=row.organisation_id,
        list=row.list_id,
        kind=kind,
        value=shown_value(kind, row.value),
        quality=row.quality,
        category=row.category,
        source=row.source,
        basis=row.basis,
        added_at=row.added_at,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        withdrawn_at=row.withdrawn_at,
        generation=row.generation,
    )
