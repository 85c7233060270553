from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest

from lapwing.cases.records import Decided, Gathered
from lapwing.cases.service import Cases
from lapwing.evidence.ledger import Ledger
from lapwing.model.cases import CaseState, Subject, SubjectKind
from lapwing.model.decisions import Action
from lapwing.model.events import EventKind
from lapwing.model.findings import FindingKind
from lapwing.model.organisations import Member
from lapwing.store.clock import utc_now
from lapwing.store.database import Database

Decide = Callable[..., Decided]
Record = Callable[[Sequence[Decided]], Gathered]


def test_items_of_one_account_gather_in_one_case(
    cases: Cases, organisation: UUID, decided: Decide, record: Record
) -> None:
    gathered = record([decided(account="1:aa"), decided(account="1:aa", pdq="b6" * 32)])
    assert (gathered.opened, gathered.extended) == (1, 0)
    (summary,) = cases.queue(organisation)
    assert summary.number == 1
    assert summary.title == "Known picture, 2 items"
    assert summary.subjects[0] == Subject(SubjectKind.ACCOUNT, "1:aa")
    assert set(gathered.case_of.values()) == {summary.id}


def test_a_later_batch_extends_the_open_case(
    cases: Cases, organisation: UUID, decided: Decide, record: Record
) -> None:
    near = decided(account="1:aa", kind=FindingKind.NEAR_MEDIA, score=0.4, actions=(Action.REVIEW,))
    record([near])
    assert cases.queue(organisation)[0].title == "Similar picture, 1 item"
    gathered = record([decided(account="1:aa")])
    assert (gathered.opened, gathered.extended) == (0, 1)
    assert [event.kind for event in gathered.events] == [EventKind.CASE_EXTENDED]
    (summary,) = cases.queue(organisation)
    assert summary.title == "Known picture, 2 items"
    assert round(summary.priority, 2) == 0.9


def test_a_weaker_finding_neither_lowers_nor_renames_a_case(
    cases: Cases, organisation: UUID, decided: Decide, record: Record
) -> None:
    record([decided(account="1:aa")])
    record([decided(account="1:aa", kind=FindingKind.NEAR_MEDIA, score=0.4)])
    (summary,) = cases.queue(organisation)
    assert summary.title == "Known picture, 2 items"
    assert round(summary.priority, 2) == 0.9


def test_without_an_account_items_gather_by_the_recognised_picture(
    cases: Cases, organisation: UUID, decided: Decide, record: Record
) -> None:
    gathered = record([decided(), decided(), decided(pdq="b6" * 32)])
    assert gathered.opened == 2
    assert sorted(case.items for case in cases.queue(organisation)) == [1, 2]


def test_an_item_without_any_subject_gets_a_case_of_its_own(
    cases: Cases, organisation: UUID, decided: Decide, record: Record
) -> None:
    bare = decided(pdq=None)
    record([bare])
    (summary,) = cases.queue(organisation)
    assert summary.title == "Sent for review, 1 item"
    # Nothing was recognised, so the picture that it carries is what it gathers by.
    assert summary.subjects == (Subject(SubjectKind.HASH, "pdq:" + "a5" * 32),)


@pytest.mark.parametrize("kind", FindingKind)
def test_every_kind_of_finding_has_a_title_of_its_own(
    cases: Cases, organisation: UUID, decided: Decide, record: Record, kind: FindingKind
) -> None:
    record([decided(kind=kind)])
    title = cases.queue(organisation)[0].title
    assert title != "Finding, 1 item"
    assert title == title.capitalize()


def test_an_item_that_needs_nobody_opens_no_case(
    cases: Cases, organisation: UUID, decided: Decide, record: Record
) -> None:
    gathered = record([decided(actions=(Action.ALLOW,)), decided(actions=(Action.HOLD,))])
    assert gathered == Gathered(case_of={}, events=[], opened=0, extended=0)
    assert cases.queue(organisation) == []


def test_cases_that_share_a_picture_show_each_other(
    cases: Cases, organisation: UUID, decided: Decide, record: Record
) -> None:
    record([decided(account="1:aa"), decided(account="1:bb")])
    (related,) = cases.case(organisation, 1).related
    assert related.case.number == 2
    assert related.shared == (Subject(SubjectKind.HASH, "pdq:" + "a5" * 32),)


def test_a_decided_case_frees_its_subject_and_the_next_one_names_it(
    cases: Cases, organisation: UUID, decided: Decide, record: Record, robin: Member
) -> None:
    record([decided(account="1:aa")])
    first = cases.queue(organisation)[0]
    cases.verdict(organisation, robin, first.id, "confirmed", "the same picture")
    gathered = record([decided(account="1:aa")])
    assert gathered.opened == 1
    assert gathered.events[0].data["earlier"] == str(first.id)
    (second,) = cases.queue(organisation)
    assert second.number == 2
    assert [one.case.id for one in cases.case(organisation, second.id).related] == [first.id]
    assert [case.id for case in cases.queue(organisation, CaseState.DECIDED)] == [first.id]


def test_a_link_too_long_for_an_index_still_gathers(
    cases: Cases, organisation: UUID, decided: Decide, record: Record
) -> None:
    long = "https://example.test/" + "a" * 8000
    record([decided(pdq=None, url=long), decided(pdq=None, url=long)])
    (summary,) = cases.queue(organisation)
    assert summary.items == 2
    assert summary.subjects[0].value.startswith("sha256:")


def test_batches_at_once_open_one_case_a_subject_and_number_without_gaps(
    database: Database, cases: Cases, ledger: Ledger, organisation: UUID, decided: Decide
) -> None:
    start = threading.Barrier(4)
    failures: list[BaseException] = []

    def send(own: int) -> None:
        batch = [decided(account="1:shared"), decided(account=f"1:own{own}")]
        try:
            start.wait()
            with database.organisation(organisation) as connection:
                gathered = cases.gather(connection, organisation, batch, utc_now())
                ledger.append(connection, organisation, gathered.events)
        except BaseException as failure:  # noqa: BLE001
            failures.append(failure)

    threads = [threading.Thread(target=send, args=(own,)) for own in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    queue = cases.queue(organisation)
    assert sorted(case.number for case in queue) == [1, 2, 3, 4, 5]
    assert sorted(case.items for case in queue) == [1, 1, 1, 1, 4]


def test_a_thousand_items_cost_no_more_statements_than_two(
    database: Database, cases: Cases, organisation: UUID, decided: Decide
) -> None:
    from sqlalchemy import event

    def statements(count: int) -> int:
        seen: list[str] = []
        with database.organisation(organisation) as connection:

            @event.listens_for(connection, "before_cursor_execute")
            def note(conn, cursor, statement, *rest) -> None:
                seen.append(statement)

            batch = [decided(account=f"1:{count}-{one}") for one in range(count)]
            cases.gather(connection, organisation, batch, utc_now())
        return len(seen)

    assert statements(1000) == statements(2) <= 8
