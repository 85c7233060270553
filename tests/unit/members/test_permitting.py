"""Permissions by role and by name, and who may change them."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from lapwing.members.authority import member_actor
from lapwing.members.service import Members
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import Conflict, InvalidInput, LapwingError, NotAllowed, NotFound
from lapwing.model.organisations import Member, Organisation, Role, Scope
from lapwing.model.permissions import BY_ROLE, Permission
from lapwing.store.clock import new_id
from lapwing.store.database import Database

MANAGE = Permission.MEMBERS_MANAGE


@pytest.fixture
def deputy(members: Members, admin: Member) -> Member:
    """Manages members, but is no admin."""
    made = members.add_member(admin.organisation, "Dina", Role.ANALYST, SYSTEM)
    return members.permit(admin.organisation, SYSTEM, made.id, granted=[MANAGE])


def test_a_role_gives_permissions_and_names_add_and_take_some(
    members: Members, reviewer: Member
) -> None:
    changed = members.permit(
        reviewer.organisation,
        SYSTEM,
        reviewer.id,
        granted=[Permission.BANK_WRITE],
        denied=["content.uncover"],
    )
    assert changed == members.member(reviewer.organisation, reviewer.id)
    gained = changed.permissions - BY_ROLE[Role.REVIEWER]
    lost = BY_ROLE[Role.REVIEWER] - changed.permissions
    assert (gained, lost) == ({Permission.BANK_WRITE}, {Permission.CONTENT_UNCOVER})
    with pytest.raises(NotAllowed, match=r"content\.uncover.*uncover kept content"):
        changed.require(Permission.CONTENT_UNCOVER)


def test_what_is_unset_stays(members: Members, reviewer: Member) -> None:
    house = reviewer.organisation
    members.permit(house, SYSTEM, reviewer.id, denied=[Permission.SCREEN])
    changed = members.permit(house, SYSTEM, reviewer.id, role=Role.ANALYST)
    assert changed.role is Role.ANALYST
    assert changed.denied == (Permission.SCREEN,)


def test_a_change_is_in_the_ledger_and_no_change_is_not(
    members: Members, reviewer: Member, admin: Member, database: Database
) -> None:
    def written() -> list[dict[str, object]]:
        with database.organisation(reviewer.organisation) as connection:
            rows = connection.execute(
                text(
                    "select convert_from(body, 'utf8')::jsonb from ledger_events "
                    "where kind = 'member.permitted' order by position"
                )
            )
            return list(rows.scalars())

    for _ in range(2):
        members.permit(
            reviewer.organisation, member_actor(admin), reviewer.id, granted=["bank.write"]
        )
    (event,) = written()
    assert event["data"] == {
        "before": {"role": "reviewer", "granted": [], "denied": []},
        "after": {"role": "reviewer", "granted": ["bank.write"], "denied": []},
    }
    assert event["subject"] == str(reviewer.id)


def test_it_counts_from_the_next_request_on(members: Members, reviewer: Member) -> None:
    house = reviewer.organisation
    _, token = members.sign_in(members.sign_in_link(house, reviewer.id))
    members.permit(house, SYSTEM, reviewer.id, denied=[Permission.CASES_DECIDE])
    found = members.session(token)
    assert found is not None
    assert not found.may(Permission.CASES_DECIDE)


def test_only_who_manages_members_changes_anything(
    members: Members, reviewer: Member, admin: Member
) -> None:
    with pytest.raises(NotAllowed, match=r"members\.manage"):
        members.permit(admin.organisation, member_actor(reviewer), admin.id, role=Role.ANALYST)


def test_nobody_changes_what_they_themselves_may_do(
    members: Members, admin: Member, deputy: Member
) -> None:
    for one in (admin, deputy):
        with pytest.raises(NotAllowed, match="another member"):
            members.permit(one.organisation, member_actor(one), one.id, granted=[Permission.SCREEN])
        with pytest.raises(NotAllowed, match="another member"):
            members.permit(one.organisation, member_actor(one), one.id, role=Role.REVIEWER)


def test_nobody_gives_what_they_do_not_have(
    members: Members, deputy: Member, reviewer: Member
) -> None:
    house, actor = deputy.organisation, member_actor(deputy)
    with pytest.raises(NotAllowed, match=r"keys\.manage"):
        members.permit(house, actor, reviewer.id, granted=[Permission.KEYS_MANAGE])
    with pytest.raises(NotAllowed, match="do not have it yourself"):
        members.permit(house, actor, reviewer.id, role=Role.ADMIN)
    given = members.permit(house, actor, reviewer.id, granted=[Permission.BANK_WRITE])
    assert given.may(Permission.BANK_WRITE)


def test_nobody_adds_a_member_who_may_more_than_they(members: Members, deputy: Member) -> None:
    with pytest.raises(NotAllowed, match="do not have it yourself"):
        members.add_member(deputy.organisation, "Max", Role.ADMIN, member_actor(deputy))
    members.add_member(deputy.organisation, "Max", Role.ANALYST, member_actor(deputy))


def test_nobody_makes_a_link_for_a_member_who_may_more_than_they(
    members: Members, deputy: Member, admin: Member
) -> None:
    """With the link they could sign in as that member."""
    with pytest.raises(NotAllowed, match="may more than you"):
        members.sign_in_link(admin.organisation, admin.id, actor=member_actor(deputy))


def test_somebody_always_manages_members(members: Members, admin: Member) -> None:
    for change in ({"role": Role.REVIEWER}, {"denied": [MANAGE]}):
        with pytest.raises(Conflict, match="nobody would be left"):
            members.permit(admin.organisation, SYSTEM, admin.id, **change)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="nobody would be left"):
        members.disable_member(admin.organisation, member_actor(admin), admin.id)
    second = members.add_member(admin.organisation, "Bo", Role.ADMIN, SYSTEM)
    members.permit(admin.organisation, member_actor(second), admin.id, role=Role.REVIEWER)


def test_two_who_demote_each_other_at_once_cannot_both(members: Members, admin: Member) -> None:
    second = members.add_member(admin.organisation, "Bo", Role.ADMIN, SYSTEM)
    ready, outcomes = threading.Barrier(2), []

    def demote(by: Member, whom: Member) -> None:
        ready.wait()
        try:
            members.permit(admin.organisation, member_actor(by), whom.id, role=Role.REVIEWER)
        except LapwingError as error:
            outcomes.append(type(error))
        else:
            outcomes.append(None)

    threads = [
        threading.Thread(target=demote, args=pair) for pair in ((admin, second), (second, admin))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(None) == 1
    managing = [one for one in members.members(admin.organisation) if one.may(MANAGE)]
    assert len(managing) == 1


def test_what_cannot_be_meant_is_refused(members: Members, reviewer: Member) -> None:
    house = reviewer.organisation
    with pytest.raises(InvalidInput, match="no permission 'fly'"):
        members.permit(house, SYSTEM, reviewer.id, granted=["fly"])
    with pytest.raises(InvalidInput, match="both"):
        members.permit(house, SYSTEM, reviewer.id, granted=["bank.write"], denied=["bank.write"])


def test_a_member_of_another_organisation_is_not_there(
    members: Members, reviewer: Member, elsewhere: Organisation, admin: Member
) -> None:
    with pytest.raises(NotFound):
        members.permit(elsewhere.id, SYSTEM, reviewer.id, role=Role.ADMIN)
    with pytest.raises(NotAllowed):
        members.permit(elsewhere.id, member_actor(admin), reviewer.id, role=Role.ADMIN)
    with pytest.raises(NotFound):
        members.permit(reviewer.organisation, SYSTEM, new_id(), role=Role.ADMIN)


def test_every_scope_of_a_key_is_a_permission_of_the_same_name_and_no_key_does_more() -> None:
    # Hosted callers are machines of others; nobody in the house does what they may.
    scopes = {scope.value for scope in Scope} - {Scope.HOSTED.value}
    assert scopes < {permission.value for permission in Permission}
    for_people = {permission.value for permission in Permission} - scopes
    assert {"cases.decide", "reports.file", "share.confirm", "members.manage"} <= for_people


def test_every_permission_says_what_it_means_and_someone_has_it() -> None:
    for permission in Permission:
        assert permission.meaning
        assert permission in BY_ROLE[Role.ADMIN]
    assert not BY_ROLE[Role.ANALYST] & {
        Permission.CASES_DECIDE,
        Permission.CONTENT_UNCOVER,
        Permission.SHARE_CONFIRM,
        Permission.REPORTS_FILE,
    }
    assert MANAGE not in BY_ROLE[Role.REVIEWER] | BY_ROLE[Role.ANALYST]
