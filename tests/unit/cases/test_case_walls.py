"""Every function of this room's repository, run as another organisation on ids of the first."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, NoResultFound

from books import Books, count_books
from lapwing.cases import reading, repository
from lapwing.cases.records import Decided, Gathered
from lapwing.cases.repository import NewCase
from lapwing.cases.service import Cases
from lapwing.evidence.ledger import Ledger
from lapwing.model.cases import CaseState, Outcome, Subject, SubjectKind, Verdict
from lapwing.model.organisations import Member
from lapwing.store.clock import new_id
from lapwing.store.database import Database

NOW = datetime(2026, 3, 2, tzinfo=UTC)


class Theirs(NamedTuple):
    """What another organisation might have got hold of."""

    case: UUID
    number: int
    item: UUID
    member: UUID
    subject: Subject


Ask = Callable[[Connection, UUID, Theirs], Any]


def _new_case(theirs: Theirs) -> NewCase:
    return NewCase(id=theirs.case, number=theirs.number, priority=1.0, title="taken over")


def _verdict(theirs: Theirs) -> Verdict:
    return Verdict(
        id=new_id(),
        case=theirs.case,
        member=theirs.member,
        member_name="",
        outcome=Outcome.HARMLESS,
        reason="taken over",
        at=NOW,
    )


READS: dict[str, Ask] = {
    "open_cases": lambda c, o, t: repository.open_cases(c, [t.subject]),
    "earlier_cases": lambda c, o, t: repository.earlier_cases(c, [t.subject]),
    "last_number": lambda c, o, t: repository.last_number(c),
    "member_is_active": lambda c, o, t: repository.member_is_active(c, t.member),
    "find": lambda c, o, t: repository.find(c, t.case) or repository.find(c, t.number),
    "case_of_item": lambda c, o, t: repository.case_of_item(c, t.item),
    "item_is_there": lambda c, o, t: repository.item_is_there(c, t.item),
    "verdicts_of": lambda c, o, t: reading.verdicts_of(c, t.case),
    "summaries": lambda c, o, t: reading.summaries(c, [t.case]),
    "queue": lambda c, o, t: reading.queue(c, list(CaseState), 50),
    "related": lambda c, o, t: reading.related(c, t.case, 50),
    "items_of": lambda c, o, t: reading.items_of(c, t.case, 50),
    "danger_why": lambda c, o, t: reading.danger_why(c, t.case),
    "in_danger": lambda c, o, t: reading.in_danger(c, 50),
    "is_in_danger": lambda c, o, t: repository.is_in_danger(c, t.case),
    "findings_of": lambda c, o, t: reading.findings_of(c, [t.item]),
}
WRITES: dict[str, Ask] = {
    "lock": lambda c, o, t: repository.lock(c, o),
    "lock_case": lambda c, o, t: repository.lock_case(c, t.case),
    "insert_cases": lambda c, o, t: repository.insert_cases(c, o, [_new_case(t)], NOW),
    "raise_cases": lambda c, o, t: repository.raise_cases(c, [_new_case(t)], NOW),
    "insert_subjects": lambda c, o, t: repository.insert_subjects(
        c, o, [(t.case, t.subject, True)]
    ),
    "insert_items": lambda c, o, t: repository.insert_items(c, o, {t.item: t.case}, NOW),
    "free_subjects": lambda c, o, t: repository.free_subjects(c, t.case),
    "set_claim": lambda c, o, t: repository.set_claim(c, t.case, t.member, NOW),
    "set_state": lambda c, o, t: repository.set_state(
        c, t.case, CaseState.CLOSED, NOW, Outcome.HARMLESS
    ),
    "reopen": lambda c, o, t: repository.reopen(c, t.case, NOW, free=True),
    "set_danger": lambda c, o, t: repository.set_danger(c, t.case, NOW, "taken over", NOW),
    "insert_verdict": lambda c, o, t: repository.insert_verdict(c, o, _verdict(t)),
}


@pytest.fixture
def theirs(
    cases: Cases,
    organisation: UUID,
    robin: Member,
    decided: Callable[..., Decided],
    record: Callable[[Sequence[Decided]], Gathered],
) -> Theirs:
    one = decided(account="1:aa")
    gathered = record([one])
    case = gathered.case_of[one.item.id]
    cases.verdict(organisation, robin, case, "unsure", "a reason")
    cases.danger(organisation, robin, case, "a reason")
    subject = Subject(SubjectKind.ACCOUNT, "1:aa")
    return Theirs(case, 1, one.item.id, robin.id, subject)


def test_every_function_is_tried_here() -> None:
    public = {
        name
        for module in (repository, reading)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == module.__name__
    }
    assert public == READS.keys() | WRITES.keys()


@pytest.mark.parametrize("name", READS)
def test_reading_gives_another_organisation_nothing(
    database: Database, organisation: UUID, other_organisation: UUID, theirs: Theirs, name: str
) -> None:
    with database.organisation(other_organisation) as connection:
        assert not READS[name](connection, other_organisation, theirs)


@pytest.mark.parametrize("as_owner_of_the_rows", [False, True])
@pytest.mark.parametrize("name", WRITES)
def test_writing_changes_nothing_of_another_organisation(
    database: Database,
    cases: Cases,
    ledger: Ledger,
    organisation: UUID,
    other_organisation: UUID,
    theirs: Theirs,
    name: str,
    as_owner_of_the_rows: bool,
) -> None:
    before: tuple[Books, object] = (
        count_books(database, ledger, organisation),
        cases.case(organisation, theirs.case),
    )
    claimed = organisation if as_owner_of_the_rows else other_organisation
    with suppress(DBAPIError, NoResultFound), database.organisation(other_organisation) as c:
        WRITES[name](c, claimed, theirs)
    after = count_books(database, ledger, organisation), cases.case(organisation, theirs.case)
    assert after == before
