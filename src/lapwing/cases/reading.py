"""Reading cases: the queue, and one case with all that hangs on it. SQL only, like `repository`.

A case also shows items, decisions and findings: screening writes those tables and stands to the
right of this room, so their columns are named here in plain SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from lapwing.cases.records import CaseItem
from lapwing.model.cases import CaseState, CaseSummary, Outcome, Subject, SubjectKind, Verdict
from lapwing.model.decisions import Action, Decision
from lapwing.model.findings import Family, Finding, FindingKind, Reason

_SUMMARY = """
  select c.id, c.number, c.state, c.priority, c.title, c.opened_at, c.updated_at, c.due_at,
         c.danger_at, c.outcome, c.appealed_at, c.claimed_by, m.name as claimed_by_name,
         (select count(*) from case_items i where i.case_id = c.id) as items,
         (select coalesce(jsonb_agg(jsonb_build_array(s.kind, s.value)
                                    order by s.open desc, s.kind, s.value), '[]')
            from (select * from case_subjects s where s.case_id = c.id
                   order by s.open desc, s.kind, s.value limit 20) s) as subjects
    from cases c left join members m on m.id = c.claimed_by
"""


def summaries(connection: Connection, cases: Sequence[UUID]) -> dict[UUID, CaseSummary]:
    """Summaries by id; of the subjects the first twenty."""
    rows = connection.execute(
        text(f"{_SUMMARY} where c.id = any(cast(:cases as uuid[]))"), {"cases": list(cases)}
    )
    return {row.id: _summary(row) for row in rows}


def queue(connection: Connection, states: Sequence[CaseState], limit: int) -> list[CaseSummary]:
    """Children in danger first, then by deadline, then priority, then age."""
    rows = connection.execute(
        text(
            f"""with top as (
                  select id from cases where state = any(cast(:states as text[]))
                   order by danger_at is null, due_at nulls last, priority desc, opened_at, number
                   limit :limit)
                {_SUMMARY} where c.id in (select id from top)
                order by c.danger_at is null, c.due_at nulls last, c.priority desc, c.opened_at,
                         c.number"""
        ),
        {"states": list(states), "limit": limit},
    )
    return [_summary(row) for row in rows]


def related(
    connection: Connection, case: UUID, limit: int
) -> list[tuple[UUID, tuple[Subject, ...]]]:
    """Other cases that share a subject, newest first, with the subjects shared."""
    rows = connection.execute(
        text(
            """select c.id, jsonb_agg(jsonb_build_array(o.kind, o.value)
                                      order by o.kind, o.value) as shared
                 from case_subjects s
                 join case_subjects o
                   on (o.organisation_id, o.kind, o.value) = (s.organisation_id, s.kind, s.value)
                  and o.case_id <> s.case_id
                 join cases c on c.id = o.case_id
                where s.case_id = :case
                group by c.id, c.number order by c.number desc limit :limit"""
        ),
        {"case": case, "limit": limit},
    )
    return [(row.id, _subjects(row.shared)) for row in rows]


def items_of(connection: Connection, case: UUID, limit: int) -> tuple[CaseItem, ...]:
    """The newest items of a case with their decisions and findings, newest first."""
    rows = connection.execute(
        text(
            """select i.id, i.kind, i.source, i.source_id, i.at, i.received_at, i.facts,
                      i.organisation_id, ci.added_at, d.id as decision_id, d.at as decided_at,
                      d.actions, d.rules, d.why, d.pack, d.generation, d.case_id
                 from case_items ci
                 join items i on i.id = ci.item_id
                 join decisions d on d.item_id = i.id
                where ci.case_id = :case
                order by ci.added_at desc, i.id desc limit :limit"""
        ),
        {"case": case, "limit": limit},
    ).all()
    findings = findings_of(connection, [row.id for row in rows])
    return tuple(_item(row, findings.get(row.id, ())) for row in rows)


def findings_of(connection: Connection, items: Sequence[UUID]) -> dict[UUID, tuple[Finding, ...]]:
    """Findings by item, strongest first."""
    rows = connection.execute(
        text(
            """select item_id, kind, family, score, reasons, detector, version from findings
                where item_id = any(cast(:items as uuid[])) order by score desc, id"""
        ),
        {"items": list(items)},
    )
    found: dict[UUID, list[Finding]] = {}
    for row in rows:
        finding = Finding(
            item=row.item_id,
            kind=FindingKind(row.kind),
            family=Family(row.family),
            score=row.score,
            reasons=msgspec.convert(row.reasons, tuple[Reason, ...]),
            detector=row.detector,
            version=row.version,
        )
        found.setdefault(row.item_id, []).append(finding)
    return {item: tuple(list_) for item, list_ in found.items()}


def verdicts_of(connection: Connection, case: UUID) -> tuple[Verdict, ...]:
    """Oldest first."""
    rows = connection.execute(
        text(
            """select v.id, v.case_id, v.member_id, m.name, v.outcome, v.reason, v.at
                 from verdicts v join members m on m.id = v.member_id
                where v.case_id = :case order by v.at, v.id"""
        ),
        {"case": case},
    )
    return tuple(
        Verdict(
            id=row.id,
            case=row.case_id,
            member=row.member_id,
            member_name=row.name,
            outcome=Outcome(row.outcome),
            reason=row.reason,
            at=row.at,
        )
        for row in rows
    )


def danger_why(connection: Connection, case: UUID) -> str | None:
    """Why a member said that a child is in danger now; None where nobody does."""
    found: str | None = connection.execute(
        text("select danger_why from cases where id = :case"), {"case": case}
    ).scalar_one_or_none()
    return found


def in_danger(connection: Connection, limit: int) -> list[CaseSummary]:
    """Cases without a verdict in which a child is in danger, the longest waiting first."""
    rows = connection.execute(
        text(
            f"""{_SUMMARY} where c.danger_at is not null and c.state in ('open', 'claimed')
                order by c.danger_at, c.number limit :limit"""
        ),
        {"limit": limit},
    )
    return [_summary(row) for row in rows]


def _subjects(pairs: Iterable[tuple[str, str]]) -> tuple[Subject, ...]:
    return tuple(Subject(SubjectKind(kind), value) for kind, value in pairs)


def _summary(row: Any) -> CaseSummary:
    items = "1 item" if row.items == 1 else f"{row.items} items"
    return CaseSummary(
        id=row.id,
        number=row.number,
        state=CaseState(row.state),
        priority=row.priority,
        title=f"{row.title}, {items}",
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        items=row.items,
        subjects=_subjects(row.subjects),
        claimed_by=row.claimed_by,
        claimed_by_name=row.claimed_by_name,
        due_at=row.due_at,
        danger_at=row.danger_at,
        outcome=Outcome(row.outcome) if row.outcome else None,
        appealed_at=row.appealed_at,
    )


def _item(row: Any, findings: tuple[Finding, ...]) -> CaseItem:
    decision = Decision(
        id=row.decision_id,
        item=row.id,
        organisation=row.organisation_id,
        source=row.source,
        source_id=row.source_id,
        at=row.decided_at,
        actions=tuple(Action(action) for action in row.actions),
        rules=tuple(row.rules),
        pack=row.pack,
        why=tuple(row.why),
        case=row.case_id,
        generation=row.generation,
    )
    return CaseItem(
        id=row.id,
        kind=row.kind,
        source=row.source,
        source_id=row.source_id,
        at=row.at,
        received_at=row.received_at,
        added_at=row.added_at,
        facts=row.facts,
        decision=decision,
        findings=findings,
    )
