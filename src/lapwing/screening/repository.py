"""SQL of this room: one statement a table and batch. Runs in the caller's transaction.

Rows travel as one JSON document: arrays of a thousand values, one a column, cost the driver five
times as much, and COPY does not work under row-level security. Look-ups go row by row into an index
(`lateral … limit 1`): left free, the planner may read a whole table that has grown faster than its
statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from lapwing.cases.reading import findings_of, summaries
from lapwing.model.decisions import Action, Decision
from lapwing.model.findings import Finding
from lapwing.model.items import kind_of
from lapwing.screening.admission import Admitted
from lapwing.screening.records import ScreenedItem

Key = tuple[str, str]
"""(source, source_id): what makes an item unique within its organisation."""

_encode = msgspec.json.Encoder().encode


def first_decisions(connection: Connection, keys: Sequence[Key]) -> dict[Key, Decision]:
    """The decisions on items that were sent before, by (source, source_id)."""
    rows = connection.execute(
        text(
            """select found.*
                 from json_to_recordset(cast(:asked as json)) as asked (source text, source_id text)
                cross join lateral (
                  select i.id as item_id, i.organisation_id, i.source, i.source_id, d.id, d.at,
                         d.actions, d.rules, d.why, d.pack, d.generation, d.case_id
                    from items i join decisions d on d.item_id = i.id
                   where i.organisation_id = lapwing_organisation()
                     and i.source = asked.source and i.source_id = asked.source_id
                   limit 1) as found"""
        ),
        {"asked": _rows([{"source": key[0], "source_id": key[1]} for key in keys])},
    )
    return {(row.source, row.source_id): _decision(row) for row in rows}


def insert_items(
    connection: Connection, organisation: UUID, admitted: Sequence[Admitted], received_at: datetime
) -> set[UUID]:
    """Insert what is not there yet and return the ids of those; waits for a concurrent sender.

    `admitted` must be sorted by key, so that two batches with the same items never wait for each
    other.
    """
    rows = [
        {
            "id": one.item.id,
            "source": one.item.source,
            "source_id": one.item.source_id,
            "kind": kind_of(one.item),
            "at": one.item.at,
            "account": one.item.account,
            "facts": one.facts,
        }
        for one in admitted
    ]
    inserted = connection.execute(
        text(
            """insert into items (organisation_id, id, source, source_id, kind, at, received_at,
                                  account, facts)
               select :o, id, source, source_id, kind, at, :received_at, account, facts
                 from json_to_recordset(cast(:rows as json))
                      as new (id uuid, source text, source_id text, kind text, at timestamptz,
                              account text, facts jsonb)
               on conflict (organisation_id, source, source_id) do nothing
               returning id"""
        ),
        {"o": organisation, "received_at": received_at, "rows": _rows(rows)},
    )
    return set(inserted.scalars())


def insert_decisions(
    connection: Connection, organisation: UUID, decisions: Sequence[Decision]
) -> None:
    connection.execute(
        text(
            """insert into decisions (organisation_id, id, item_id, at, actions, rules, why, pack,
                                      generation, case_id)
               select :o, id, item, at, actions, rules, why, pack, generation, "case"
                 from json_to_recordset(cast(:rows as json))
                      as new (id uuid, item uuid, at timestamptz, actions text[], rules text[],
                              why text[], pack text, generation bigint, "case" uuid)"""
        ),
        {"o": organisation, "rows": _rows(decisions)},
    )


def insert_findings(
    connection: Connection, organisation: UUID, findings: Sequence[Finding]
) -> None:
    connection.execute(
        text(
            """insert into findings (organisation_id, item_id, kind, family, score, reasons,
                                     detector, version)
               select :o, item, kind, family, score, reasons, detector, version
                 from json_to_recordset(cast(:rows as json))
                      as new (item uuid, kind text, family text, score real, reasons jsonb,
                              detector text, version text)"""
        ),
        {"o": organisation, "rows": _rows(findings)},
    )


def item(connection: Connection, item_id: UUID) -> ScreenedItem | None:
    """One item with its decision, findings and case, or None."""
    row = connection.execute(
        text(
            """select i.id as item_id, i.organisation_id, i.source, i.source_id, i.kind,
                      i.at as item_at, i.received_at, i.facts, d.id, d.at, d.actions, d.rules,
                      d.why, d.pack, d.generation, d.case_id
                 from items i join decisions d on d.item_id = i.id where i.id = :item"""
        ),
        {"item": item_id},
    ).one_or_none()
    if row is None:
        return None
    case = row.case_id
    return ScreenedItem(
        id=row.item_id,
        kind=row.kind,
        source=row.source,
        source_id=row.source_id,
        at=row.item_at,
        received_at=row.received_at,
        facts=row.facts,
        decision=_decision(row),
        findings=findings_of(connection, [item_id]).get(item_id, ()),
        case=summaries(connection, [case])[case] if case is not None else None,
    )


def _rows(rows: Sequence[object]) -> str:
    return _encode(rows).decode()


def _decision(row: Any) -> Decision:
    return Decision(
        id=row.id,
        item=row.item_id,
        organisation=row.organisation_id,
        source=row.source,
        source_id=row.source_id,
        at=row.at,
        actions=tuple(Action(action) for action in row.actions),
        rules=tuple(row.rules),
        pack=row.pack,
        why=tuple(row.why),
        case=row.case_id,
        generation=row.generation,
    )
