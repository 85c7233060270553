"""SQL of this room. Every function runs in the caller's transaction, behind row-level security.

Look-ups of a whole batch go row by row into an index (`lateral … limit 1`): left free, the planner
may read a whole table that has grown faster than its statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, text

from lapwing.model.cases import CaseState, Outcome, Subject, SubjectKind, Verdict


class NewCase(Struct, frozen=True, kw_only=True):
    id: UUID
    number: int
    priority: float
    title: str


def lock(connection: Connection, organisation: UUID) -> None:
    """Serialise what opens cases or frees subjects, until the transaction ends.

    Keeps numbers without gaps and one open case a subject. Taken before any case row and before
    the ledger's lock, always in this order.
    """
    connection.execute(
        text("select pg_advisory_xact_lock(hashtextextended('lapwing.cases:' || :o, 0))"),
        {"o": str(organisation)},
    )


def open_cases(connection: Connection, subjects: Sequence[Subject]) -> dict[Subject, UUID]:
    """The case that is open on each subject."""
    rows = connection.execute(
        text(
            """select asked.kind, asked.value, found.case_id
                 from unnest(cast(:kinds as text[]), cast(:values as text[])) as asked (kind, value)
                cross join lateral (
                  select s.case_id from case_subjects s
                   where s.kind = asked.kind and s.value = asked.value and s.open
                   limit 1) as found"""
        ),
        _columns(subjects),
    )
    return {Subject(SubjectKind(kind), value): case for kind, value, case in rows}


def earlier_cases(connection: Connection, subjects: Sequence[Subject]) -> dict[Subject, UUID]:
    """The newest case in which each subject stood, open or not."""
    rows = connection.execute(
        text(
            """select asked.kind, asked.value, found.case_id
                 from unnest(cast(:kinds as text[]), cast(:values as text[])) as asked (kind, value)
                cross join lateral (
                  select s.case_id from case_subjects s join cases c on c.id = s.case_id
                   where s.kind = asked.kind and s.value = asked.value
                   order by c.number desc limit 1) as found"""
        ),
        _columns(subjects),
    )
    return {Subject(SubjectKind(kind), value): case for kind, value, case in rows}


def last_number(connection: Connection) -> int:
    """The highest case number of the organisation, 0 before the first."""
    number = connection.execute(text("select max(number) from cases")).scalar_one()
    return int(number or 0)


def insert_cases(
    connection: Connection, organisation: UUID, cases: Sequence[NewCase], at: datetime
) -> None:
    connection.execute(
        text(
            """insert into cases (organisation_id, id, number, state, priority, title,
                                  opened_at, updated_at)
               select :o, id, number, 'open', priority, title, :at, :at
                 from unnest(cast(:ids as uuid[]), cast(:numbers as integer[]),
                             cast(:priorities as real[]), cast(:titles as text[]))
                      as new (id, number, priority, title)"""
        ),
        {
            "o": organisation,
            "at": at,
            "ids": [case.id for case in cases],
            "numbers": [case.number for case in cases],
            "priorities": [case.priority for case in cases],
            "titles": [case.title for case in cases],
        },
    )


def raise_cases(connection: Connection, cases: Sequence[NewCase], at: datetime) -> None:
    """Extended cases: touched now, and named after their strongest finding."""
    connection.execute(
        text(
            """update cases c
                  set updated_at = greatest(c.updated_at, :at),
                      title = case when n.priority > c.priority then n.title else c.title end,
                      priority = greatest(c.priority, n.priority)
                 from unnest(cast(:ids as uuid[]), cast(:priorities as real[]),
                             cast(:titles as text[])) as n (id, priority, title)
                where c.id = n.id"""
        ),
        {
            "at": at,
            "ids": [case.id for case in cases],
            "priorities": [case.priority for case in cases],
            "titles": [case.title for case in cases],
        },
    )


def insert_subjects(
    connection: Connection, organisation: UUID, subjects: Iterable[tuple[UUID, Subject, bool]]
) -> None:
    """Rows of (case, subject, open). One already there stays as it is."""
    rows = list(subjects)
    connection.execute(
        text(
            """insert into case_subjects (organisation_id, case_id, kind, value, open)
               select :o, * from unnest(cast(:cases as uuid[]), cast(:kinds as text[]),
                                        cast(:values as text[]), cast(:open as boolean[]))
               on conflict (case_id, kind, value) do nothing"""
        ),
        {
            "o": organisation,
            "cases": [case for case, _, _ in rows],
            "open": [is_open for _, _, is_open in rows],
        }
        | _columns([subject for _, subject, _ in rows]),
    )


def insert_items(
    connection: Connection, organisation: UUID, case_of: dict[UUID, UUID], at: datetime
) -> None:
    connection.execute(
        text(
            """insert into case_items (organisation_id, case_id, item_id, added_at)
               select :o, case_id, item_id, :at
                 from unnest(cast(:cases as uuid[]), cast(:items as uuid[]))
                      as new (case_id, item_id)"""
        ),
        {"o": organisation, "at": at, "cases": list(case_of.values()), "items": list(case_of)},
    )


def free_subjects(connection: Connection, case: UUID) -> None:
    """From now on a new item on the same subject opens a new case."""
    connection.execute(
        text("update case_subjects set open = false where case_id = :case and open"),
        {"case": case},
    )


def member_is_active(connection: Connection, member: UUID) -> bool:
    return bool(
        connection.execute(
            text("select exists (select from members where id = :m and disabled_at is null)"),
            {"m": member},
        ).scalar_one()
    )


def find(connection: Connection, case: UUID | int) -> UUID | None:
    """The id of a case by id or number, or None."""
    column = "number" if isinstance(case, int) else "id"
    found: UUID | None = connection.execute(
        text(f"select id from cases where {column} = :case"), {"case": case}
    ).scalar_one_or_none()
    return found


def lock_case(connection: Connection, case: UUID) -> tuple[CaseState, UUID | None]:
    """State and claimer of a case, kept still until the transaction ends."""
    row = connection.execute(
        text("select state, claimed_by from cases where id = :case for update"), {"case": case}
    ).one()
    return CaseState(row.state), row.claimed_by


def set_claim(connection: Connection, case: UUID, member: UUID | None, at: datetime) -> None:
    connection.execute(
        text(
            """update cases set state = :state, claimed_by = cast(:member as uuid),
                                claimed_at = :claimed_at, updated_at = :at
                where id = :case"""
        ),
        {
            "case": case,
            "state": CaseState.OPEN if member is None else CaseState.CLAIMED,
            "member": member,
            "claimed_at": None if member is None else at,
            "at": at,
        },
    )


def set_state(
    connection: Connection, case: UUID, state: CaseState, at: datetime, outcome: Outcome | None
) -> None:
    """Move a case on; `outcome` None leaves the one it has."""
    connection.execute(
        text(
            """update cases set state = :state, updated_at = :at,
                                outcome = coalesce(cast(:outcome as text), outcome)
                where id = :case"""
        ),
        {"case": case, "state": state, "at": at, "outcome": outcome},
    )


def set_danger(
    connection: Connection, case: UUID, at: datetime, why: str | None, due_at: datetime | None
) -> None:
    """Mark a case, or take the mark back where `why` is None."""
    connection.execute(
        text(
            """update cases set danger_at = case when cast(:why as text) is null then null
                                                 else cast(:at as timestamptz) end,
                                danger_why = :why, due_at = :due, updated_at = :at
                where id = :case"""
        ),
        {"case": case, "at": at, "why": why, "due": due_at},
    )


def is_in_danger(connection: Connection, case: UUID) -> bool:
    return bool(
        connection.execute(
            text("select danger_at is not null from cases where id = :case"), {"case": case}
        ).scalar_one_or_none()
    )


def reopen(connection: Connection, case: UUID, at: datetime, *, free: bool) -> None:
    """Mark a case as appealed; `free` puts it back into the queue with nobody's name on it."""
    connection.execute(
        text(
            """update cases set appealed_at = :at, updated_at = :at,
                                state = case when :free then :open else state end,
                                claimed_by = case when :free then null else claimed_by end,
                                claimed_at = case when :free then null else claimed_at end
                where id = :case"""
        ),
        {"case": case, "at": at, "free": free, "open": CaseState.OPEN},
    )


def case_of_item(connection: Connection, item: UUID) -> UUID | None:
    """The newest case that an item belongs to."""
    found: UUID | None = connection.execute(
        text(
            """select case_id from case_items where item_id = :item
                order by added_at desc, case_id desc limit 1"""
        ),
        {"item": item},
    ).scalar_one_or_none()
    return found


def item_is_there(connection: Connection, item: UUID) -> bool:
    return bool(
        connection.execute(
            text("select exists (select from items where id = :item)"), {"item": item}
        ).scalar_one()
    )


def insert_verdict(connection: Connection, organisation: UUID, verdict: Verdict) -> None:
    connection.execute(
        text(
            """insert into verdicts (organisation_id, id, case_id, member_id, outcome, reason, at)
               values (:o, :id, :case, :member, :outcome, :reason, :at)"""
        ),
        {
            "o": organisation,
            "id": verdict.id,
            "case": verdict.case,
            "member": verdict.member,
            "outcome": verdict.outcome,
            "reason": verdict.reason,
            "at": verdict.at,
        },
    )


def _columns(subjects: Sequence[Subject]) -> dict[str, list[str]]:
    return {
        "kinds": [subject.kind.value for subject in subjects],
        "values": [subject.value for subject in subjects],
    }
