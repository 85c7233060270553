from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from moved_clock import MovedClock
from sqlalchemy import text

from lapwing.members.authority import key_actor, member_actor, require_scope
from lapwing.members.service import Members
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import InvalidInput, NotAllowed, NotFound
from lapwing.model.organisations import Member, Organisation, Role, Scope
from lapwing.store.clock import new_id, utc_now
from lapwing.store.database import Database


def make_list(database: Database, organisation: UUID) -> UUID:
    identity = new_id()
    with database.organisation(organisation) as connection:
        connection.execute(
            text(
                "insert into lists (organisation_id, id, name, kind, source, basis, category,"
                " verified, known_distance, near_distance, action, created_at)"
                " values (:o, :i, 'block', 'block', 's', 'b', 'c', true, 10, 31, 'hold', :at)"
            ),
            {"o": organisation, "i": identity, "at": utc_now()},
        )
    return identity


def test_a_key_is_known_by_its_secret(members: Members, house: Organisation) -> None:
    key, secret = members.create_key(house.id, SYSTEM, "scanner", [Scope.SCREEN, "match"])
    assert re.fullmatch(r"lw_[A-Za-z0-9_-]{43}", secret)
    assert key.scopes == (Scope.SCREEN, Scope.MATCH)
    assert members.key(secret) == key
    assert [one.id for one in members.keys(house.id)] == [key.id]


def test_a_revoked_key_stops_at_once(members: Members, house: Organisation, admin: Member) -> None:
    key, secret = members.create_key(house.id, SYSTEM, "scanner", ["screen"])
    revoked = members.revoke_key(house.id, member_actor(admin), key.id)
    assert revoked.revoked_at is not None
    assert members.key(secret) is None
    assert members.keys(house.id) == [revoked]
    with pytest.raises(NotFound):
        members.revoke_key(house.id, SYSTEM, key.id)
    with pytest.raises(NotAllowed, match="revoked"):
        require_scope(revoked, Scope.SCREEN)


def test_another_organisation_sees_and_revokes_no_key(
    members: Members, house: Organisation, elsewhere: Organisation
) -> None:
    key, secret = members.create_key(house.id, SYSTEM, "scanner", ["screen"])
    assert members.keys(elsewhere.id) == []
    with pytest.raises(NotFound):
        members.revoke_key(elsewhere.id, SYSTEM, key.id)
    assert members.key(secret) == key


@pytest.mark.parametrize(
    "secret", ["", "lw_", "a" * 43, "lw_" + "a" * 43, "LW_" + "a" * 43, "lw_" + "é" * 43]
)
def test_a_made_up_secret_is_nobody(members: Members, secret: str) -> None:
    assert members.key(secret) is None


@pytest.mark.parametrize(
    "scope", ["verdict", "cases.write", "report.file", "share", "*", "", "SCREEN"]
)
def test_no_key_gets_a_scope_that_does_not_exist(
    members: Members, house: Organisation, scope: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        members.create_key(house.id, SYSTEM, "scanner", ["screen", scope])
    assert refused.value.field == "scopes"
    assert members.keys(house.id) == []


def test_a_key_without_scopes_is_refused(members: Members, house: Organisation) -> None:
    with pytest.raises(InvalidInput, match="at least one"):
        members.create_key(house.id, SYSTEM, "scanner", [])


def test_no_scope_lets_a_key_judge_file_or_share() -> None:
    words = ("verdict", "judge", "report", "file", "filing", "share", "sharing", "send", "notice")
    assert not [scope for scope in Scope for word in words if word in scope.value]


def test_a_key_reaches_only_its_own_lists(
    members: Members, house: Organisation, elsewhere: Organisation, database: Database
) -> None:
    mine, other = make_list(database, house.id), new_id()
    key, _ = members.create_key(house.id, SYSTEM, "feeder", ["bank.write"], lists=[mine, mine])
    assert key.lists == (mine,)
    require_scope(key, Scope.BANK_WRITE, mine)
    with pytest.raises(NotAllowed, match="list"):
        require_scope(key, Scope.BANK_WRITE, other)
    with pytest.raises(NotAllowed, match=r"bank\.read"):
        require_scope(key, Scope.BANK_READ, mine)
    with pytest.raises(InvalidInput) as refused:
        members.create_key(elsewhere.id, SYSTEM, "feeder", ["bank.write"], lists=[mine])
    assert refused.value.field == "lists"


def test_only_an_admin_in_person_makes_keys(
    members: Members, house: Organisation, admin: Member, reviewer: Member, elsewhere: Organisation
) -> None:
    key, _ = members.create_key(house.id, member_actor(admin), "scanner", ["screen"])
    stranger = members.add_member(elsewhere.id, "Ada", Role.ADMIN, SYSTEM)
    for actor in (member_actor(reviewer), key_actor(key), member_actor(stranger)):
        with pytest.raises(NotAllowed):
            members.create_key(house.id, actor, "second", ["screen"])
        with pytest.raises(NotAllowed):
            members.revoke_key(house.id, actor, key.id)
        with pytest.raises(NotAllowed):
            members.add_member(house.id, "Mallory", Role.ADMIN, actor)
        with pytest.raises(NotAllowed):
            members.disable_member(house.id, actor, admin.id)
        with pytest.raises(NotAllowed):
            members.change_organisation(house.id, actor, media_hosts=["cdn.example.org"])
    assert [one.name for one in members.keys(house.id)] == ["scanner"]


def test_when_a_key_was_last_used_is_noted_now_and_then(
    members: Members, house: Organisation, clock: MovedClock
) -> None:
    key, secret = members.create_key(house.id, SYSTEM, "scanner", ["screen"])
    assert members.keys(house.id)[0].last_used_at is None
    first = clock()
    for minutes, seen in ((0, 0), (4, 0), (2, 6)):
        clock.pass_time(minutes=minutes)
        members.key(secret)
        assert members.keys(house.id)[0].last_used_at == first + timedelta(minutes=seen)
    assert members.keys(house.id)[0].id == key.id
