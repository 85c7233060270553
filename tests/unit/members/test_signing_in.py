from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text

from lapwing.evidence.ledger import Ledger
from lapwing.members.authority import member_actor
from lapwing.members.service import Members
from lapwing.model.errors import InvalidInput, NotAllowed, NotFound
from lapwing.model.organisations import Member, Organisation
from lapwing.store.database import Database


def test_a_link_signs_its_member_in(members: Members, reviewer: Member) -> None:
    token = members.sign_in_link(reviewer.organisation, reviewer.id)
    member, session = members.sign_in(token)
    assert member == reviewer
    assert members.session(session) == reviewer


def test_a_link_works_once(members: Members, reviewer: Member) -> None:
    token = members.sign_in_link(reviewer.organisation, reviewer.id)
    members.sign_in(token)
    with pytest.raises(NotAllowed, match="used up"):
        members.sign_in(token)


def test_of_many_who_use_a_link_at_once_one_gets_in(members: Members, reviewer: Member) -> None:
    token = members.sign_in_link(reviewer.organisation, reviewer.id)
    together = Barrier(6)

    def try_it() -> bool:
        together.wait()
        try:
            members.sign_in(token)
        except NotAllowed:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        outcomes = [attempt.result() for attempt in [pool.submit(try_it) for _ in range(6)]]
    assert sorted(outcomes) == [False] * 5 + [True]


def test_a_link_expires(members: Members, reviewer: Member, clock) -> None:
    token = members.sign_in_link(reviewer.organisation, reviewer.id, minutes=15)
    clock.pass_time(minutes=15)
    with pytest.raises(NotAllowed):
        members.sign_in(token)


def test_a_session_ends_after_twelve_hours(members: Members, reviewer: Member, clock) -> None:
    _, session = members.sign_in(members.sign_in_link(reviewer.organisation, reviewer.id))
    clock.pass_time(hours=11, minutes=59)
    assert members.session(session) == reviewer
    clock.pass_time(minutes=1)
    assert members.session(session) is None


def test_signing_out_ends_the_session_at_once(members: Members, reviewer: Member) -> None:
    _, session = members.sign_in(members.sign_in_link(reviewer.organisation, reviewer.id))
    assert members.sign_out(session)
    assert members.session(session) is None
    assert not members.sign_out(session)


@pytest.mark.parametrize(
    "token", ["", "x", "é" * 43, "a" * 43, "a" * 44, "a" * 100_000, "\x00" * 43]
)
def test_a_made_up_token_opens_nothing(members: Members, token: str) -> None:
    assert members.session(token) is None
    assert not members.sign_out(token)
    with pytest.raises(NotAllowed):
        members.sign_in(token)


def test_a_link_is_no_session_and_a_session_no_link(members: Members, reviewer: Member) -> None:
    link = members.sign_in_link(reviewer.organisation, reviewer.id)
    assert members.session(link) is None
    _, session = members.sign_in(link)
    with pytest.raises(NotAllowed):
        members.sign_in(session)


def test_a_disabled_member_is_out_at_once(
    members: Members, admin: Member, reviewer: Member
) -> None:
    _, session = members.sign_in(members.sign_in_link(reviewer.organisation, reviewer.id))
    unused = members.sign_in_link(reviewer.organisation, reviewer.id)
    members.disable_member(reviewer.organisation, member_actor(admin), reviewer.id)
    assert members.session(session) is None
    with pytest.raises(NotAllowed):
        members.sign_in(unused)
    with pytest.raises(NotFound):
        members.sign_in_link(reviewer.organisation, reviewer.id)
    assert members.members(reviewer.organisation) == [admin]


def test_no_link_for_a_member_of_another_organisation(
    members: Members, reviewer: Member, elsewhere: Organisation
) -> None:
    with pytest.raises(NotFound):
        members.sign_in_link(elsewhere.id, reviewer.id)


@pytest.mark.parametrize("minutes", [0, -1, 24 * 60 + 1])
def test_a_link_cannot_last_for_ever(members: Members, reviewer: Member, minutes: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        members.sign_in_link(reviewer.organisation, reviewer.id, minutes=minutes)
    assert refused.value.field == "minutes"


def test_no_secret_is_stored_in_clear(
    members: Members, reviewer: Member, admin: Member, database: Database, ledger: Ledger
) -> None:
    link = members.sign_in_link(reviewer.organisation, reviewer.id)
    _, session = members.sign_in(link)
    _, secret = members.create_key(
        reviewer.organisation, member_actor(admin), "scanner", ["screen"]
    )
    tables = ("sign_in_links", "member_sessions", "api_keys", "ledger_events")
    with database.organisation(reviewer.organisation) as connection:
        rows = [
            str({name: bytes(v) if isinstance(v, memoryview) else v for name, v in row.items()})
            for table in tables
            for row in connection.execute(text(f"select * from {table}")).mappings()
        ]
    assert len(rows) >= 7
    stored = "\n".join(rows)
    assert "member.signed_in" in stored
    for token in (link, session, secret, secret.removeprefix("lw_")):
        assert token not in stored


def test_signing_in_and_out_is_in_the_ledger(
    members: Members, reviewer: Member, database: Database, ledger: Ledger
) -> None:
    _, session = members.sign_in(members.sign_in_link(reviewer.organisation, reviewer.id))
    members.sign_out(session)
    with database.organisation(reviewer.organisation) as connection:
        rows = connection.execute(text("select kind from ledger_events order by position"))
        kinds = [row[0] for row in rows]
        ledger.verify(connection, reviewer.organisation)
    assert kinds == [
        "organisation.created",
        "member.added",
        "member.link_made",
        "member.signed_in",
        "member.signed_out",
    ]
