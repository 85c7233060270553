"""Checks that what is on record agrees with itself: tables with each other and with the ledger.

For any test that has written, and above all for one that was interrupted while writing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from lapwing.evidence.ledger import Ledger
from lapwing.model.events import EventKind
from lapwing.store.database import Database


class Books(NamedTuple):
    """How much is on record; equal before and after when nothing was to change."""

    items: int
    decisions: int
    findings: int
    cases: int
    case_items: int
    subjects: int
    verdicts: int
    kept: int
    leaves: int
    head: str


_NONE_MAY_REMAIN = {
    "an item without its decision": """
        select i.id from items i left join decisions d on d.item_id = i.id where d.id is null""",
    "a decision without its item": """
        select d.id from decisions d left join items i on i.id = d.item_id where i.id is null""",
    "a finding without its item": """
        select f.id from findings f left join items i on i.id = f.item_id where i.id is null""",
    "an item sent twice": """
        select source || '/' || source_id from items group by source, source_id
        having count(*) > 1""",
    "a decision whose case does not hold its item": """
        select d.id from decisions d
          left join case_items c on c.item_id = d.item_id and c.case_id = d.case_id
         where d.case_id is not null and c.item_id is null""",
    "an item in a case that its decision does not name": """
        select c.item_id from case_items c left join decisions d on d.item_id = c.item_id
         where d.case_id is distinct from c.case_id""",
    "an item in two cases": """
        select item_id from case_items group by item_id having count(*) > 1""",
    "a case without items": """
        select c.id from cases c where not exists (select from case_items i where i.case_id = c.id)
    """,
    "a gap in the case numbers": """
        select number from (select number, row_number() over (order by number) as place from cases)
         counted where number <> place""",
    "a subject still open in a decided case": """
        select s.value from case_subjects s join cases c on c.id = s.case_id
         where s.open and c.state in ('decided', 'closed')""",
    "a decided case whose outcome is not its last verdict": """
        select c.id from cases c
         where c.outcome is distinct from (select v.outcome from verdicts v where v.case_id = c.id
                                            order by v.at desc, v.id desc limit 1)""",
    "kept content of an item that its case does not hold": """
        select v.id from vault_objects v
          left join case_items c on c.item_id = v.item_id and c.case_id = v.case_id
         where c.item_id is null""",
}


def check_books(database: Database, ledger: Ledger, organisation: UUID) -> Books:
    """Assert that everything on record for this organisation agrees, and count it."""
    with database.organisation(organisation) as connection:
        for wrong, query in _NONE_MAY_REMAIN.items():
            found = connection.execute(text(query)).scalars().all()
            assert not found, f"{wrong}: {found[:5]} and {max(0, len(found) - 5)} more"
        ledger.verify(connection, organisation)
        events = _events(connection)
        _check_decisions(connection, events)
        _check_cases(connection, events)
        _check_same(connection, events, EventKind.VERDICT, "verdict", "select id from verdicts")
        kept = [event for event in events if event["kind"] == EventKind.CONTENT_KEPT]
        assert len(kept) == _count(connection, "vault_objects")
    return count_books(database, ledger, organisation)


def count_books(database: Database, ledger: Ledger, organisation: UUID) -> Books:
    """How much is on record, without a check."""
    with database.organisation(organisation) as connection:
        head = ledger.head(connection, organisation)
        counts = (
            _count(connection, table)
            for table in (
                "items",
                "decisions",
                "findings",
                "cases",
                "case_items",
                "case_subjects",
                "verdicts",
                "vault_objects",
                "ledger_events",
            )
        )
        return Books(*counts, head="" if head is None else head.root)


def _events(connection: Connection) -> list[dict[str, Any]]:
    rows = connection.execute(
        text("select kind, case_id, body from ledger_events order by position")
    )
    return [
        {"case": None, "data": {}, "kind": row.kind}
        | (msgspec.json.decode(row.body) if row.body is not None else {})
        for row in rows
    ]


def _check_decisions(connection: Connection, events: list[dict[str, Any]]) -> None:
    """One leaf a decision, and it says what the table says."""
    rows = connection.execute(
        text(
            """select d.id, d.item_id, d.case_id, d.actions, d.rules, i.source, i.source_id,
                      (select count(*) from findings f where f.item_id = d.item_id) as findings
                 from decisions d join items i on i.id = d.item_id"""
        )
    )
    wanted = Counter(
        msgspec.json.encode(
            [
                str(row.item_id),
                str(row.id),
                row.case_id and str(row.case_id),
                row.actions,
                row.rules,
                row.source,
                row.source_id,
                row.findings,
            ]
        )
        for row in rows
    )
    written = Counter(
        msgspec.json.encode(
            [
                event["subject"],
                event["data"]["decision"],
                event["case"],
                event["data"]["actions"],
                event["data"]["rules"],
                event["data"]["source"],
                event["data"]["source_id"],
                len(event["data"]["findings"]),
            ]
        )
        for event in events
        if event["kind"] == EventKind.DECIDED
    )
    assert wanted == written, f"decisions and ledger differ: {wanted - written} {written - wanted}"


def _check_cases(connection: Connection, events: list[dict[str, Any]]) -> None:
    """One opening a case, and openings and extensions add up to the items in it."""
    _check_same(connection, events, EventKind.CASE_OPENED, None, "select id from cases")
    rows = connection.execute(text("select case_id, count(*) from case_items group by case_id"))
    wanted = {str(case): count for case, count in rows}
    written: Counter[str] = Counter()
    for event in events:
        if event["kind"] in (EventKind.CASE_OPENED, EventKind.CASE_EXTENDED):
            written[event["subject"]] += event["data"]["count"]
    assert wanted == dict(written), "the ledger counts other items in the cases than the tables"


def _check_same(
    connection: Connection,
    events: list[dict[str, Any]],
    kind: EventKind,
    key: str | None,
    query: str,
) -> None:
    rows = Counter(str(value) for value in connection.execute(text(query)).scalars())
    leaves = Counter(
        event["subject"] if key is None else event["data"][key]
        for event in events
        if event["kind"] == kind
    )
    assert rows == leaves, f"{kind.value} leaves and rows differ"


def _count(connection: Connection, table: str) -> int:
    return int(connection.execute(text(f"select count(*) from {table}")).scalar_one())
