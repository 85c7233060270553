"""Every function of the repository, run as one organisation on what belongs to another."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection
from sqlalchemy.exc import ProgrammingError

from lapwing.members import credential_rows, link_rows, repository, session_rows
from lapwing.members.records import Passkey, Session, SessionKind, Via
from lapwing.members.service import Members
from lapwing.members.tokens import digest
from lapwing.model.actors import SYSTEM
from lapwing.model.organisations import Member, Organisation, OrganisationKind, Role
from lapwing.store.clock import new_id
from lapwing.store.database import Database

ROOMS = (repository, link_rows, session_rows, credential_rows)
BY_SECRET = {
    "link_holder",
    "spent_link_holder",
    "session_holder",
    "key_holder",
    "passkey_holder",
    "recovery_holder",
}
"""These answer to what only the caller holds, whoever asks: that is how a caller becomes known."""
NO_ONES = {"add_challenge", "use_challenge", "member_of_row"}
"""These know nothing of any organisation."""


@pytest.fixture
def theirs(members: Members, reviewer: Member, database: Database) -> dict[str, Any]:
    """What the other organisation has."""
    _, session = members.sign_in(members.sign_in_link(reviewer.organisation, reviewer.id))
    key, secret = members.create_key(reviewer.organisation, SYSTEM, "scanner", ["screen"])
    passkey = Passkey(
        id=new_id(),
        member=reviewer.id,
        name="of theirs",
        credential_id=reviewer.id.bytes,
        public_key=b"key",
        sign_count=1,
        transports=(),
        backed_up=False,
        created_at=reviewer.created_at,
    )
    selector = str(reviewer.id)
    with database.organisation(reviewer.organisation) as connection:
        credential_rows.add_passkey(connection, reviewer, passkey)
        credential_rows.replace_recovery_codes(
            connection, reviewer, {selector: "hash"}, reviewer.created_at
        )
        credential_rows.count_failure(
            connection, reviewer.organisation, reviewer.id, "link", reviewer.created_at
        )
    signed = members.signed_in(session)
    assert signed is not None
    return {
        "passkey": passkey,
        "selector": selector,
        "running": signed.session,
        "organisation": members.organisation(reviewer.organisation),
        "member": reviewer,
        "link": digest(members.sign_in_link(reviewer.organisation, reviewer.id)),
        "session": digest(session),
        "key": key,
        "secret": digest(secret),
    }


def newcomer(at: datetime) -> Organisation:
    return Organisation(
        id=new_id(), name="newcomer", kind=OrganisationKind.NGO, country="US", created_at=at
    )


def a_session(now: datetime) -> Session:
    return Session(
        id=new_id(),
        kind=SessionKind.BROWSER,
        via=Via.LINK,
        name=None,
        created_at=now,
        expires_at=now + timedelta(minutes=1),
        last_seen_at=None,
        stepped_up_at=None,
    )


READ_NOTHING: dict[str, Callable[[Connection, dict[str, Any], Any], Any]] = {
    "organisation": lambda c, t, now: repository.organisation(c, t["organisation"].id),
    "organisation_named": lambda c, t, now: repository.organisation_named(
        c, t["organisation"].name
    ),
    "member": lambda c, t, now: repository.member(c, t["member"].id),
    "member_named": lambda c, t, now: repository.member_named(c, t["member"].name),
    "all_members": lambda c, t, now: repository.all_members(c),
    "disable_member": lambda c, t, now: repository.disable_member(c, t["member"].id, now),
    "permit_member": lambda c, t, now: repository.permit_member(
        c, replace(t["member"], role=Role.ADMIN)
    ),
    "member_names": lambda c, t, now: repository.member_names(c),
    "lock_members": lambda c, t, now: repository.lock_members(c),
    "use_link": lambda c, t, now: link_rows.use_link(c, t["link"], now),
    "signed_in": lambda c, t, now: session_rows.signed_in(c, t["session"], now),
    "see": lambda c, t, now: session_rows.see(c, t["running"], now + timedelta(hours=1)),
    "step_up": lambda c, t, now: session_rows.step_up(c, t["running"].id, now),
    "sessions_of": lambda c, t, now: session_rows.sessions_of(c, t["member"].id, now),
    "end_session_of": lambda c, t, now: session_rows.end_session_of(
        c, t["member"].id, t["running"].id, now
    ),
    "end_sessions_of": lambda c, t, now: session_rows.end_sessions_of(c, t["member"].id, now),
    "passkeys_of": lambda c, t, now: credential_rows.passkeys_of(c, t["member"].id),
    "passkey_counts": lambda c, t, now: credential_rows.passkey_counts(c),
    "passkey_of_credential": lambda c, t, now: credential_rows.passkey_of_credential(
        c, t["passkey"].credential_id
    ),
    "use_passkey": lambda c, t, now: credential_rows.use_passkey(c, t["passkey"].id, 9, True, now),
    "remove_passkey": lambda c, t, now: credential_rows.remove_passkey(
        c, t["member"].id, t["passkey"].id, now
    ),
    "recovery_codes_left": lambda c, t, now: credential_rows.recovery_codes_left(c, t["member"].id),
    "try_recovery_code": lambda c, t, now: credential_rows.try_recovery_code(c, t["selector"]),
    "delay_recovery_code": lambda c, t, now: credential_rows.delay_recovery_code(
        c, t["selector"], now
    ),
    "use_recovery_code": lambda c, t, now: credential_rows.use_recovery_code(c, t["selector"], now),
    "forget_failures": lambda c, t, now: credential_rows.forget_failures(c, t["member"].id, "link"),
    "key_of_secret": lambda c, t, now: repository.key_of_secret(c, t["secret"]),
    "see_key": lambda c, t, now: repository.see_key(c, t["key"].id, now),
    "all_keys": lambda c, t, now: repository.all_keys(c),
    "revoke_key": lambda c, t, now: repository.revoke_key(c, t["key"].id, now),
    "known_lists": lambda c, t, now: repository.known_lists(c, [new_id()]),
    "change_organisation": lambda c, t, now: repository.change_organisation(c, t["organisation"]),
}
REFUSED: dict[str, Callable[[Connection, dict[str, Any], Any], Any]] = {
    "add_organisation": lambda c, t, now: repository.add_organisation(c, newcomer(now)),
    "add_member": lambda c, t, now: repository.add_member(c, t["member"]),
    "add_link": lambda c, t, now: link_rows.add_link(
        c, t["member"], b"\x01" * 32, now, now + timedelta(minutes=1)
    ),
    "add_session": lambda c, t, now: session_rows.add_session(
        c, t["member"], b"\x01" * 32, a_session(now)
    ),
    "add_passkey": lambda c, t, now: credential_rows.add_passkey(
        c, t["member"], replace(t["passkey"], id=new_id(), credential_id=b"x" * 16)
    ),
    "replace_recovery_codes": lambda c, t, now: credential_rows.replace_recovery_codes(
        c, t["member"], {"another": "hash"}, now
    ),
    "count_failure": lambda c, t, now: credential_rows.count_failure(
        c, t["member"].organisation, t["member"].id, "link", now
    ),
    "add_key": lambda c, t, now: repository.add_key(c, t["key"], b"\x01" * 32, "x"),
}


def test_no_function_is_left_out() -> None:
    functions = {
        name
        for room in ROOMS
        for name, function in inspect.getmembers(room, inspect.isfunction)
        if function.__module__ == room.__name__ and not name.startswith("_")
    }
    assert functions == {*READ_NOTHING, *REFUSED, *BY_SECRET, *NO_ONES, "all_organisations"}


@pytest.mark.parametrize("name", sorted(READ_NOTHING))
def test_another_organisation_reads_and_changes_nothing(
    name: str,
    members: Members,
    theirs: dict[str, Any],
    elsewhere: Organisation,
    database: Database,
    clock: Callable[[], Any],
) -> None:
    with database.organisation(elsewhere.id) as connection:
        assert not READ_NOTHING[name](connection, theirs, clock())
    house = theirs["organisation"]
    assert members.organisation(house.id) == house
    assert members.members(house.id) == [theirs["member"]]
    assert members.keys(house.id) == [theirs["key"]]
    with database.organisation(house.id) as connection:
        signed = session_rows.signed_in(connection, theirs["session"], clock())
        assert signed is not None
        assert signed.session == theirs["running"]
        assert credential_rows.passkeys_of(connection, signed.member.id) == [theirs["passkey"]]
        kept = credential_rows.try_recovery_code(connection, theirs["selector"])
        assert kept == (signed.member.id, "hash", 0, None)
        counted = credential_rows.count_failure(
            connection, house.id, signed.member.id, "link", clock()
        )
        assert counted == 2
        assert link_rows.use_link(connection, theirs["link"], clock())


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_nobody_writes_rows_of_another_organisation(
    name: str,
    theirs: dict[str, Any],
    elsewhere: Organisation,
    database: Database,
    clock: Callable[[], Any],
) -> None:
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        database.organisation(elsewhere.id) as connection,
    ):
        REFUSED[name](connection, theirs, clock())


def test_an_organisation_sees_itself_only(
    theirs: dict[str, Any], elsewhere: Organisation, database: Database
) -> None:
    with database.organisation(elsewhere.id) as connection:
        assert repository.all_organisations(connection) == [elsewhere]
    with database.anyone() as connection:
        assert repository.all_organisations(connection) == []
        assert repository.all_members(connection) == []
        assert repository.all_keys(connection) == []
