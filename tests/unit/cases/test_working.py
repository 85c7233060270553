"""The steps that members take, and who may not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest
from sqlalchemy import text

from lapwing.cases.records import Decided, Gathered
from lapwing.cases.service import Cases
from lapwing.evidence.ledger import Ledger
from lapwing.members.service import Members
from lapwing.model.actors import SYSTEM, Actor, ActorKind
from lapwing.model.cases import CaseState, CaseSummary, Outcome
from lapwing.model.errors import Conflict, InvalidInput, LapwingError, NotAllowed, NotFound
from lapwing.model.organisations import Member, Role
from lapwing.store.clock import new_id
from lapwing.store.database import Database

Decide = Callable[..., Decided]
Record = Callable[[Sequence[Decided]], Gathered]


@pytest.fixture
def case(cases: Cases, organisation: UUID, decided: Decide, record: Record) -> CaseSummary:
    record([decided(account="1:aa")])
    return cases.queue(organisation)[0]


def test_a_case_goes_from_open_to_closed(
    cases: Cases, organisation: UUID, case: CaseSummary, robin: Member
) -> None:
    assert case.state is CaseState.OPEN
    claimed = cases.claim(organisation, robin, case.id)
    assert (claimed.state, claimed.claimed_by_name) == (CaseState.CLAIMED, "Robin")
    cases.note(organisation, robin, case.id, "asked the platform for the upload time")
    verdict = cases.verdict(organisation, robin, case.id, Outcome.CONFIRMED, "the same picture")
    assert (verdict.member, verdict.member_name) == (robin.id, "Robin")
    assert cases.close(organisation, robin, case.id).state is CaseState.CLOSED
    detail = cases.case(organisation, case.number)
    assert detail.summary.outcome is Outcome.CONFIRMED
    assert detail.verdicts == (verdict,)
    assert [entry.event for entry in detail.timeline] == [
        "case.opened",
        "case.claimed",
        "case.noted",
        "case.verdict",
        "case.closed",
    ]
    assert all(entry.position is not None for entry in detail.timeline)


def test_a_case_shows_its_items_with_decision_and_findings(
    cases: Cases, organisation: UUID, decided: Decide, record: Record
) -> None:
    one = decided(account="1:aa")
    gathered = record([one])
    (item,) = cases.case(organisation, 1).items
    assert (item.id, item.kind) == (one.item.id, "media")
    assert item.decision.why == one.decision.why
    assert item.decision.actions == one.decision.actions
    assert item.decision.case == gathered.case_of[one.item.id]
    assert item.findings[0].reasons == one.findings[0].reasons
    assert item.facts["hashes"]["pdq"] == "a5" * 32


@pytest.mark.parametrize(
    ("steps", "refused"),
    [
        ([], "release"),
        ([], "close"),
        (["claim"], "claim"),
        (["claim"], "close"),
        (["verdict"], "claim"),
        (["verdict"], "release"),
        (["verdict", "close"], "claim"),
        (["verdict", "close"], "release"),
        (["verdict", "close"], "note"),
        (["verdict", "close"], "verdict"),
        (["verdict", "close"], "close"),
    ],
)
def test_a_step_that_does_not_follow_is_refused_and_leaves_no_trace(
    database: Database,
    cases: Cases,
    ledger: Ledger,
    organisation: UUID,
    case: CaseSummary,
    robin: Member,
    steps: list[str],
    refused: str,
) -> None:
    def take(step: str) -> None:
        more = {"note": ("a note",), "verdict": ("unsure", "a reason")}.get(step, ())
        getattr(cases, step)(organisation, robin, case.id, *more)

    for step in steps:
        take(step)
    with database.organisation(organisation) as connection:
        before = ledger.head(connection, organisation)
    with pytest.raises(Conflict):
        take(refused)
    with database.organisation(organisation) as connection:
        assert ledger.head(connection, organisation) == before


@pytest.mark.parametrize("reason", ["", "   ", "\n\t", "\x00"])
def test_a_verdict_without_a_reason_is_refused(
    cases: Cases, organisation: UUID, case: CaseSummary, robin: Member, reason: str
) -> None:
    with pytest.raises(InvalidInput, match="reason must not be empty") as refusal:
        cases.verdict(organisation, robin, case.id, "confirmed", reason)
    assert refusal.value.field == "reason"
    assert cases.case(organisation, case.id).verdicts == ()


def test_a_verdict_needs_a_known_outcome(
    cases: Cases, organisation: UUID, case: CaseSummary, robin: Member
) -> None:
    with pytest.raises(InvalidInput, match="confirmed, harmless, unsure, welfare"):
        cases.verdict(organisation, robin, case.id, "guilty", "a reason")


@pytest.mark.parametrize(
    "actor",
    [
        SYSTEM,
        Actor(kind=ActorKind.API_KEY, name="scanner", id=new_id()),
        Actor(kind=ActorKind.MEMBER, name="Robin", id=new_id()),
        None,
    ],
)
def test_no_key_and_no_program_can_give_a_verdict(
    cases: Cases, organisation: UUID, case: CaseSummary, actor: Actor | None
) -> None:
    for step in ("claim", "release", "close"):
        with pytest.raises(NotAllowed, match="only a named member"):
            getattr(cases, step)(organisation, actor, case.id)
    with pytest.raises(NotAllowed, match="only a named member"):
        cases.verdict(organisation, actor, case.id, "confirmed", "a reason")
    assert cases.case(organisation, case.id).verdicts == ()


def test_a_member_of_another_organisation_can_give_no_verdict(
    cases: Cases,
    organisation: UUID,
    other_organisation: UUID,
    case: CaseSummary,
    stranger: Member,
) -> None:
    with pytest.raises(NotAllowed, match="not a member"):
        cases.verdict(organisation, stranger, case.id, "confirmed", "a reason")
    posing = Member(
        id=stranger.id,
        organisation=organisation,
        name="Robin",
        role=Role.ADMIN,
        created_at=stranger.created_at,
    )
    with pytest.raises(NotAllowed, match="not a member"):
        cases.verdict(organisation, posing, case.id, "confirmed", "a reason")


def test_a_disabled_member_can_take_no_step(
    cases: Cases, members: Members, organisation: UUID, case: CaseSummary, robin: Member
) -> None:
    members.disable_member(organisation, SYSTEM, robin.id)
    with pytest.raises(NotAllowed):
        cases.claim(organisation, robin, case.id)


def test_another_organisation_gets_nothing_through_any_function(
    cases: Cases, other_organisation: UUID, case: CaseSummary, stranger: Member
) -> None:
    assert cases.queue(other_organisation) == []
    for state in CaseState:
        assert cases.queue(other_organisation, state) == []
    for reference in (case.id, str(case.id), case.number):
        tries: list[Callable[[], object]] = [
            lambda r=reference: cases.case(other_organisation, r),
            lambda r=reference: cases.claim(other_organisation, stranger, r),
            lambda r=reference: cases.release(other_organisation, stranger, r),
            lambda r=reference: cases.note(other_organisation, stranger, r, "a note"),
            lambda r=reference: cases.verdict(other_organisation, stranger, r, "unsure", "why"),
            lambda r=reference: cases.close(other_organisation, stranger, r),
        ]
        for attempt in tries:
            with pytest.raises(NotFound):
                attempt()


def test_another_organisation_never_extends_a_case(
    database: Database,
    cases: Cases,
    organisation: UUID,
    other_organisation: UUID,
    case: CaseSummary,
    decided: Decide,
) -> None:
    with database.organisation(other_organisation) as connection:
        gathered = cases.gather(
            connection, other_organisation, [decided(account="1:aa")], case.opened_at
        )
    assert gathered.opened == 1
    assert cases.case(organisation, case.id).summary.items == 1
    assert cases.queue(other_organisation)[0].number == 1


def test_of_two_members_who_claim_at_once_one_gets_the_case(
    cases: Cases, organisation: UUID, case: CaseSummary, robin: Member, wren: Member
) -> None:
    start = threading.Barrier(2)
    answers: list[CaseSummary | LapwingError] = []

    def claim(member: Member) -> None:
        start.wait()
        try:
            answers.append(cases.claim(organisation, member, case.id))
        except LapwingError as refusal:
            answers.append(refusal)

    threads = [threading.Thread(target=claim, args=(member,)) for member in (robin, wren)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(answer).__name__ for answer in answers) == ["CaseSummary", "Conflict"]


def test_a_case_claimed_by_another_waits_for_them(
    cases: Cases,
    members: Members,
    organisation: UUID,
    case: CaseSummary,
    robin: Member,
    wren: Member,
) -> None:
    cases.claim(organisation, robin, case.id)
    with pytest.raises(Conflict, match="another member"):
        cases.verdict(organisation, wren, case.id, "confirmed", "a reason")
    with pytest.raises(NotAllowed):
        cases.release(organisation, wren, case.id)
    admin = members.add_member(organisation, "Ada", Role.ADMIN, SYSTEM)
    assert cases.release(organisation, admin, case.id).state is CaseState.OPEN
    assert cases.claim(organisation, wren, case.id).claimed_by == wren.id


def test_every_verdict_is_kept_and_the_last_one_stands(
    cases: Cases, organisation: UUID, case: CaseSummary, robin: Member, wren: Member
) -> None:
    cases.verdict(organisation, robin, case.id, "unsure", "cannot tell")
    cases.verdict(organisation, wren, case.id, "harmless", "a textbook picture")
    detail = cases.case(organisation, case.id)
    assert [verdict.outcome for verdict in detail.verdicts] == [Outcome.UNSURE, Outcome.HARMLESS]
    assert detail.summary.outcome is Outcome.HARMLESS
    assert [entry.event for entry in detail.timeline].count("case.verdict") == 2


def test_a_verdict_changes_no_decision(
    database: Database, cases: Cases, organisation: UUID, case: CaseSummary, robin: Member
) -> None:
    before = cases.case(organisation, case.id).items
    cases.verdict(organisation, robin, case.id, "harmless", "a textbook picture")
    assert cases.case(organisation, case.id).items == before
    with (
        pytest.raises(Exception, match="permission denied"),
        database.organisation(organisation) as connection,
    ):
        connection.execute(text("update decisions set actions = '{allow}'"))


def test_the_queue_is_ordered_by_priority(
    cases: Cases, organisation: UUID, decided: Decide, record: Record
) -> None:
    record([decided(account=f"1:{n}", score=score) for n, score in enumerate([0.2, 0.9, 0.5])])
    assert [round(case.priority, 1) for case in cases.queue(organisation)] == [0.9, 0.5, 0.2]
    assert len(cases.queue(organisation, limit=2)) == 2


@pytest.mark.parametrize("reference", [0, -1, 2**40, "0", "999999", new_id()])
def test_a_case_that_is_not_there_is_not_found(
    cases: Cases, organisation: UUID, reference: UUID | int | str
) -> None:
    with pytest.raises(NotFound):
        cases.case(organisation, reference)


def test_a_reference_that_is_no_reference_is_refused(cases: Cases, organisation: UUID) -> None:
    with pytest.raises(InvalidInput, match="neither a case number nor a case id"):
        cases.case(organisation, "first")
