"""What needs two members: who may answer, how often, and what follows from it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from confirm_world import MovedClock
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from lapwing.confirm.records import ALLOW_OVERRIDE, Confirmation, ConfirmationState, Kind
from lapwing.confirm.service import MAX_DATA, Confirmations
from lapwing.evidence.ledger import Ledger
from lapwing.members.authority import member_actor
from lapwing.members.records import SignedIn
from lapwing.members.service import Members
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import (
    Conflict,
    InvalidInput,
    LapwingError,
    LimitExceeded,
    NotAllowed,
    NotFound,
    StepUpNeeded,
)
from lapwing.model.organisations import Member, Role
from lapwing.model.permissions import Permission
from lapwing.store.clock import new_id
from lapwing.store.database import Database

KIND = "test.share"
Present = Callable[[Member], SignedIn]


class Desk:
    """Each call is a transaction of its own, as a request is."""

    def __init__(self, database: Database, confirmations: Confirmations) -> None:
        self.database = database
        self.confirmations = confirmations

    def propose(self, member: Member, **changed: Any) -> Confirmation:
        said = {
            "kind": KIND,
            "subject": "list 7",
            "basis": "agreement of 2026",
            "category": "test",
            "data": {"entries": [1, 2], "to": "a partner"},
        } | changed
        with self.database.organisation(member.organisation) as connection:
            return self.confirmations.propose(connection, member.organisation, member, **said)

    def confirm(self, by: SignedIn, identity: UUID) -> Confirmation:
        house = by.member.organisation
        with self.database.organisation(house) as connection:
            return self.confirmations.confirm(connection, house, by, identity)

    def refuse(self, member: Member, identity: UUID, why: str = "not ours") -> Confirmation:
        with self.database.organisation(member.organisation) as connection:
            return self.confirmations.refuse(connection, member.organisation, member, identity, why)

    def withdraw(self, member: Member, identity: UUID, why: str = "a mistake") -> Confirmation:
        with self.database.organisation(member.organisation) as connection:
            return self.confirmations.withdraw(
                connection, member.organisation, member, identity, why
            )

    def standing(self, member: Member, subject: str = "list 7") -> dict[str, Confirmation]:
        with self.database.organisation(member.organisation) as connection:
            return self.confirmations.confirmed(connection, KIND, [subject])

    def jobs(self, what: Confirmation) -> list[str]:
        """Queued jobs of this confirmation, oldest first."""
        with self.database.organisation(what.organisation) as connection:
            rows = connection.execute(
                text(
                    "select entrypoint from pgqueuer "
                    "where convert_from(payload, 'utf8')::jsonb->>'confirmation' = :id order by id"
                ),
                {"id": str(what.id)},
            )
            return list(rows.scalars())

    def events(self, member: Member) -> list[tuple[str, str]]:
        """(kind, actor) of what the ledger holds on confirmations."""
        with self.database.organisation(member.organisation) as connection:
            rows = connection.execute(
                text(
                    "select kind, convert_from(body, 'utf8')::jsonb->'actor'->>'name' "
                    "from ledger_events where kind like 'confirmation.%' order by position"
                )
            )
            return [(row[0], row[1]) for row in rows]


@pytest.fixture
def desk(database: Database, confirmations: Confirmations) -> Desk:
    return Desk(database, confirmations)


def test_another_member_confirms_and_the_job_is_queued_with_it(
    desk: Desk, rosa: Member, omar: Member, present: Present
) -> None:
    proposed = desk.propose(rosa)
    assert desk.standing(rosa) == {}
    assert desk.jobs(proposed) == []
    done = desk.confirm(present(omar), proposed.id)
    assert (done.proposed_by, done.confirmed_by) == (rosa.id, omar.id)
    assert done.data == {"entries": [1, 2], "to": "a partner"}
    assert desk.standing(rosa) == {"list 7": done}
    assert desk.jobs(proposed) == ["test.send"]


def test_the_same_member_cannot_confirm_in_any_session(
    desk: Desk, rosa: Member, present: Present
) -> None:
    proposed = desk.propose(rosa)
    for session in (present(rosa), present(rosa)):
        with pytest.raises(NotAllowed, match="another member"):
            desk.confirm(session, proposed.id)
    assert desk.standing(rosa) == {}
    assert desk.jobs(proposed) == []


def test_an_admin_is_no_exception(
    desk: Desk, newcomer: Callable[..., Member], present: Present
) -> None:
    admin = newcomer(Role.ADMIN)
    proposed = desk.propose(admin)
    with pytest.raises(NotAllowed, match="another member"):
        desk.confirm(present(admin), proposed.id)


def test_a_token_cannot_confirm(
    desk: Desk, rosa: Member, omar: Member, present: Present, members: Members
) -> None:
    proposed = desk.propose(rosa)
    _, secret = members.create_token(present(omar), "laptop")
    signed = members.signed_in(secret)
    assert signed is not None
    with pytest.raises(StepUpNeeded, match="token"):
        desk.confirm(signed, proposed.id)


def test_a_session_that_has_not_lately_stepped_up_cannot_confirm(
    desk: Desk, rosa: Member, omar: Member, present: Present, clock: MovedClock
) -> None:
    proposed = desk.propose(rosa)
    signed = present(omar)
    clock.pass_time(minutes=10)
    with pytest.raises(StepUpNeeded):
        desk.confirm(signed, proposed.id)


def test_a_member_let_in_by_the_one_who_proposed_is_no_second_person(
    desk: Desk, rosa: Member, newcomer: Callable[..., Member], members: Members
) -> None:
    """Whoever manages members could sign in as another one; that counts as themselves."""
    admin = newcomer(Role.ADMIN, beside=rosa)
    proposed = desk.propose(admin)
    link = members.sign_in_link(rosa.organisation, rosa.id, actor=member_actor(admin))
    _, token = members.sign_in(link)
    signed = members.signed_in(token)
    assert signed is not None
    with pytest.raises(NotAllowed, match="link"):
        desk.confirm(signed, proposed.id)


def test_a_disabled_member_cannot_confirm_with_what_they_still_hold(
    desk: Desk, rosa: Member, omar: Member, present: Present, members: Members
) -> None:
    proposed = desk.propose(rosa)
    signed = present(omar)
    members.disable_member(omar.organisation, SYSTEM, omar.id)
    with pytest.raises(NotAllowed):
        desk.confirm(signed, proposed.id)


def test_what_a_disabled_member_proposed_is_proposed_anew(
    desk: Desk, rosa: Member, omar: Member, present: Present, members: Members
) -> None:
    proposed = desk.propose(rosa)
    members.disable_member(rosa.organisation, SYSTEM, rosa.id)
    with pytest.raises(Conflict, match="disabled"):
        desk.confirm(present(omar), proposed.id)


def test_a_member_of_another_organisation_finds_nothing_to_answer(
    desk: Desk, rosa: Member, newcomer: Callable[..., Member], present: Present
) -> None:
    proposed, stranger = desk.propose(rosa), newcomer(Role.ADMIN)
    for attempt in (
        lambda: desk.confirm(present(stranger), proposed.id),
        lambda: desk.refuse(stranger, proposed.id),
        lambda: desk.withdraw(stranger, proposed.id),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert desk.standing(stranger) == {}


def test_a_stranger_in_our_transaction_is_refused(
    desk: Desk, rosa: Member, newcomer: Callable[..., Member], present: Present
) -> None:
    """Should a door ever mix up organisations, the member is still looked up behind the wall."""
    proposed, stranger = desk.propose(rosa), newcomer(Role.ADMIN)
    with (
        pytest.raises(NotAllowed, match="not a member"),
        desk.database.organisation(rosa.organisation) as connection,
    ):
        desk.confirmations.confirm(connection, rosa.organisation, present(stranger), proposed.id)


@pytest.mark.parametrize("permission", [Permission.SHARE_CONFIRM, Permission.SHARE_PROPOSE])
def test_each_side_needs_its_permission(
    desk: Desk,
    rosa: Member,
    omar: Member,
    present: Present,
    members: Members,
    permission: Permission,
) -> None:
    members.permit(rosa.organisation, SYSTEM, omar.id, denied=[permission])
    if permission is Permission.SHARE_PROPOSE:
        with pytest.raises(NotAllowed, match=permission.value):
            desk.propose(omar)
        return
    proposed = desk.propose(rosa)
    with pytest.raises(NotAllowed, match=permission.value):
        desk.confirm(present(omar), proposed.id)
    with pytest.raises(NotAllowed, match=permission.value):
        desk.refuse(omar, proposed.id)


def test_an_analyst_proposes_and_does_not_confirm(
    desk: Desk, rosa: Member, newcomer: Callable[..., Member], present: Present
) -> None:
    analyst = newcomer(Role.ANALYST, beside=rosa)
    desk.confirm(present(rosa), desk.propose(analyst).id)
    with pytest.raises(NotAllowed, match="share\\.confirm"):
        desk.confirm(present(analyst), desk.propose(rosa).id)


def test_after_its_time_nobody_can_confirm(
    desk: Desk, rosa: Member, omar: Member, present: Present, clock: MovedClock
) -> None:
    proposed = desk.propose(rosa)
    clock.pass_time(days=7)
    with pytest.raises(Conflict, match="expired"):
        desk.confirm(present(omar), proposed.id)
    assert proposed.state(clock()) is ConfirmationState.EXPIRED
    with desk.database.organisation(rosa.organisation) as connection:
        assert desk.confirmations.waiting(connection) == []


def test_of_two_who_confirm_at_once_one_does(
    desk: Desk,
    rosa: Member,
    omar: Member,
    newcomer: Callable[..., Member],
    present: Present,
) -> None:
    proposed = desk.propose(rosa)
    sessions = [present(omar), *(present(newcomer(beside=rosa)) for _ in range(3))]
    ready, outcomes = threading.Barrier(len(sessions)), []

    def confirm(signed: SignedIn) -> None:
        ready.wait()
        try:
            outcomes.append(desk.confirm(signed, proposed.id))
        except LapwingError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=confirm, args=(signed,)) for signed in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [one for one in outcomes if isinstance(one, Confirmation)]
    assert len(done) == 1
    assert [type(one) for one in outcomes if one not in done] == [Conflict] * 3
    assert desk.jobs(proposed) == ["test.send"]
    kinds = [kind for kind, _ in desk.events(rosa)]
    assert kinds.count("confirmation.confirmed") == 1


def test_a_refusal_ends_it_and_says_why(
    desk: Desk, rosa: Member, omar: Member, present: Present
) -> None:
    proposed = desk.propose(rosa)
    with pytest.raises(InvalidInput):
        desk.refuse(omar, proposed.id, "  ")
    with pytest.raises(NotAllowed, match="withdraw"):
        desk.refuse(rosa, proposed.id)
    refused = desk.refuse(omar, proposed.id, "the basis has run out")
    assert (refused.refused_by, refused.why) == (omar.id, "the basis has run out")
    with pytest.raises(Conflict, match="refused"):
        desk.confirm(present(omar), proposed.id)
    assert desk.jobs(proposed) == []


def test_a_withdrawal_after_confirming_takes_the_same_path(
    desk: Desk, rosa: Member, omar: Member, present: Present
) -> None:
    proposed = desk.propose(rosa)
    desk.confirm(present(omar), proposed.id)
    withdrawn = desk.withdraw(rosa, proposed.id, "it was the wrong list")
    assert (withdrawn.confirmed_by, withdrawn.withdrawn_by) == (omar.id, rosa.id)
    assert desk.standing(rosa) == {}
    assert desk.jobs(proposed) == ["test.send", "test.retract"]
    with pytest.raises(Conflict, match="withdrawn"):
        desk.withdraw(omar, proposed.id)


def test_withdrawing_needs_no_second_member_and_no_step_up(
    desk: Desk, rosa: Member, omar: Member, present: Present, clock: MovedClock
) -> None:
    proposed = desk.propose(rosa)
    desk.confirm(present(omar), proposed.id)
    clock.pass_time(days=300)
    assert desk.withdraw(omar, proposed.id).withdrawn_by == omar.id


def test_a_withdrawal_before_anyone_confirmed_undoes_nothing(
    desk: Desk, rosa: Member, omar: Member, present: Present
) -> None:
    proposed = desk.propose(rosa)
    desk.withdraw(rosa, proposed.id)
    assert desk.jobs(proposed) == []
    with pytest.raises(Conflict, match="withdrawn"):
        desk.confirm(present(omar), proposed.id)


@pytest.mark.parametrize("field", ["subject", "basis", "category"])
@pytest.mark.parametrize("said", ["", "   ", "x" * 3000, "a\0b"])
def test_subject_basis_and_category_have_to_be_said(
    desk: Desk, rosa: Member, field: str, said: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        desk.propose(rosa, **{field: said})
    assert refused.value.field == field


def test_what_nobody_registered_cannot_be_proposed(desk: Desk, rosa: Member) -> None:
    with pytest.raises(InvalidInput, match="nowhere"):
        desk.propose(rosa, kind="nowhere")
    with pytest.raises(LimitExceeded):
        desk.propose(rosa, data={"much": "x" * MAX_DATA})


def test_two_kinds_of_one_name_are_a_mistake(ledger: Ledger, clock: MovedClock) -> None:
    with pytest.raises(ValueError, match="same name"):
        Confirmations(ledger, clock, [Kind(name=ALLOW_OVERRIDE.name, title="again")])


def test_every_step_is_in_the_ledger_under_a_name(
    desk: Desk, rosa: Member, omar: Member, present: Present, ledger: Ledger
) -> None:
    first, second = desk.propose(rosa), desk.propose(omar)
    desk.confirm(present(omar), first.id)
    desk.withdraw(omar, first.id)
    desk.refuse(rosa, second.id)
    assert desk.events(rosa) == [
        ("confirmation.proposed", rosa.name),
        ("confirmation.proposed", omar.name),
        ("confirmation.confirmed", omar.name),
        ("confirmation.withdrawn", omar.name),
        ("confirmation.refused", rosa.name),
    ]
    with desk.database.organisation(rosa.organisation) as connection:
        ledger.verify(connection, rosa.organisation)


def test_when_the_effect_fails_nothing_was_confirmed(
    database: Database,
    ledger: Ledger,
    clock: MovedClock,
    rosa: Member,
    omar: Member,
    present: Present,
) -> None:
    def broken(connection: object, confirmation: Confirmation) -> None:
        raise InvalidInput("the other side cannot take this")

    desk = Desk(
        database, Confirmations(ledger, clock, [Kind(name=KIND, title="x", confirmed=broken)])
    )
    proposed = desk.propose(rosa)
    with pytest.raises(InvalidInput, match="cannot take"):
        desk.confirm(present(omar), proposed.id)
    assert desk.standing(rosa) == {}
    assert [kind for kind, _ in desk.events(rosa)] == ["confirmation.proposed"]


def test_an_allow_entry_beats_a_verified_list_only_when_two_agreed(
    desk: Desk, newcomer: Callable[..., Member], present: Present
) -> None:
    admin = newcomer(Role.ADMIN)
    other = newcomer(beside=admin)
    entries = [("sha256", "AB" * 32), ("md5", "cd" * 16)]

    def overrides() -> frozenset[tuple[str, str]]:
        with desk.database.organisation(admin.organisation) as connection:
            return desk.confirmations.overrides(connection, entries)

    subject = "sha256:" + "ab" * 32
    proposed = desk.propose(admin, kind=ALLOW_OVERRIDE.name, subject=subject)
    assert overrides() == frozenset()
    desk.confirm(present(other), proposed.id)
    assert overrides() == {entries[0]}
    desk.withdraw(admin, proposed.id)
    assert overrides() == frozenset()


class TestTheTableItself:
    """What holds whatever the code does."""

    def write(self, desk: Desk, member: Member, statement: str, **values: object) -> None:
        with desk.database.organisation(member.organisation) as connection:
            connection.execute(text(statement), values)

    def test_the_same_member_cannot_be_written_as_both(self, desk: Desk, rosa: Member) -> None:
        proposed = desk.propose(rosa)
        with pytest.raises(DBAPIError, match="confirmations_second_person"):
            self.write(
                desk,
                rosa,
                "update confirmations set confirmed_by = proposed_by, confirmed_at = now() "
                "where id = :id",
                id=proposed.id,
            )

    def test_an_answer_cannot_be_taken_back_or_given_to_another(
        self, desk: Desk, rosa: Member, omar: Member, present: Present
    ) -> None:
        proposed = desk.propose(rosa)
        desk.confirm(present(omar), proposed.id)
        for change in (
            "confirmed_by = null, confirmed_at = null",
            "confirmed_at = now()",
            "refused_by = proposed_by, refused_at = now()",
        ):
            with pytest.raises(DBAPIError, match=r"cannot be changed|one_answer"):
                self.write(
                    desk, rosa, f"update confirmations set {change} where id = :id", id=proposed.id
                )

    def test_what_was_proposed_cannot_be_changed(self, desk: Desk, rosa: Member) -> None:
        proposed = desk.propose(rosa)
        for column in ("data", "subject", "basis", "category", "proposed_by", "expires_at"):
            with pytest.raises(DBAPIError, match="permission denied"):
                self.write(
                    desk,
                    rosa,
                    f"update confirmations set {column} = {column} where id = :id",
                    id=proposed.id,
                )


def test_an_unknown_one_is_not_found(desk: Desk, rosa: Member) -> None:
    with pytest.raises(NotFound):
        desk.withdraw(rosa, new_id())
