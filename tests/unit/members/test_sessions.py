"""A member's own sessions and tokens, and links that say who made them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from moved_clock import MovedClock
from sqlalchemy import text

from lapwing.members.authority import member_actor
from lapwing.members.records import SessionKind, SignedIn, Via
from lapwing.members.service import Members
from lapwing.members.tokens import TOKEN_PREFIX
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import Conflict, InvalidInput, NotAllowed, NotFound, StepUpNeeded
from lapwing.model.organisations import Member
from lapwing.store.clock import new_id
from lapwing.store.database import Database


def begin(members: Members, member: Member) -> str:
    _, token = members.sign_in(members.sign_in_link(member.organisation, member.id))
    return token


def there(members: Members, token: str) -> SignedIn:
    signed = members.signed_in(token)
    assert signed is not None
    return signed


def last_event(database: Database, member: Member) -> tuple[str, dict[str, object]]:
    with database.organisation(member.organisation) as connection:
        row = connection.execute(
            text(
                "select kind, convert_from(body, 'utf8')::jsonb->'data' from ledger_events "
                "order by position desc limit 1"
            )
        ).one()
    return row[0], row[1]


def test_a_member_sees_where_they_are_signed_in(
    members: Members, reviewer: Member, admin: Member, clock: MovedClock
) -> None:
    first = there(members, begin(members, reviewer))
    clock.pass_time(minutes=1)
    second = there(members, begin(members, reviewer))
    begin(members, admin)
    running = members.sessions(reviewer.organisation, reviewer.id)
    assert [one.id for one in running] == [second.session.id, first.session.id]
    assert {one.via for one in running} == {Via.LINK}


def test_when_a_session_was_last_seen_is_noted_now_and_then(
    members: Members, reviewer: Member, clock: MovedClock
) -> None:
    token, began = begin(members, reviewer), clock()
    for minutes, seen in ((4, 0), (2, 6), (3, 6), (3, 12)):
        clock.pass_time(minutes=minutes)
        there(members, token)
        (session,) = members.sessions(reviewer.organisation, reviewer.id)
        assert session.last_seen_at == began + timedelta(minutes=seen)


def test_ending_one_session_leaves_the_others(
    members: Members, reviewer: Member, database: Database
) -> None:
    here, elsewhere = begin(members, reviewer), begin(members, reviewer)
    members.end_session(there(members, here), there(members, elsewhere).session.id)
    assert members.session(elsewhere) is None
    assert members.session(here) == reviewer
    assert last_event(database, reviewer)[0] == "member.signed_out"


def test_signing_out_everywhere_leaves_only_this_session(
    members: Members, reviewer: Member, admin: Member, database: Database
) -> None:
    here, elsewhere, anothers = (
        begin(members, reviewer),
        begin(members, reviewer),
        begin(members, admin),
    )
    _, token = members.create_token(there(members, here), "laptop")
    assert members.end_other_sessions(there(members, here)) == 2
    assert members.session(elsewhere) is None
    assert members.session(token) is None
    assert members.session(here) == reviewer
    assert members.session(anothers) == admin
    assert last_event(database, reviewer) == ("member.sessions_ended", {"sessions": 2})
    assert members.end_other_sessions(there(members, here)) == 0


def test_nobody_ends_anothers_session(members: Members, reviewer: Member, admin: Member) -> None:
    theirs = begin(members, reviewer)
    with pytest.raises(NotFound):
        members.end_session(
            there(members, begin(members, admin)), there(members, theirs).session.id
        )
    assert members.session(theirs) == reviewer


class TestAToken:
    def test_stands_for_its_member_until_it_is_revoked(
        self, members: Members, reviewer: Member, database: Database
    ) -> None:
        signed = there(members, begin(members, reviewer))
        made, secret = members.create_token(signed, " laptop ")
        assert secret.startswith(TOKEN_PREFIX)
        assert members.session(secret) == reviewer
        assert there(members, secret).session.name == "laptop"
        assert last_event(database, reviewer) == (
            "token.created",
            {"token": str(made.id), "name": "laptop", "days": 30},
        )
        members.end_session(signed, made.id)
        assert members.session(secret) is None
        assert last_event(database, reviewer)[0] == "token.revoked"

    def test_ends_after_at_most_thirty_days(
        self, members: Members, reviewer: Member, clock: MovedClock
    ) -> None:
        signed = there(members, begin(members, reviewer))
        _, short = members.create_token(signed, "short", 1)
        _, long = members.create_token(signed, "long", 30)
        for days in (0, -1, 31):
            with pytest.raises(InvalidInput) as refused:
                members.create_token(signed, "never", days)
            assert refused.value.field == "days"
        clock.pass_time(days=1)
        assert members.session(short) is None
        clock.pass_time(days=28, hours=23)
        assert members.session(long) == reviewer
        clock.pass_time(hours=1)
        assert members.session(long) is None

    def test_is_no_api_key_and_no_key_is_a_token(self, members: Members, reviewer: Member) -> None:
        _, secret = members.create_token(there(members, begin(members, reviewer)), "laptop")
        _, key = members.create_key(reviewer.organisation, SYSTEM, "machine", ["screen"])
        assert members.key(secret) is None
        assert members.session(key) is None

    def test_never_steps_up(self, members: Members, reviewer: Member, clock: MovedClock) -> None:
        signed = there(members, begin(members, reviewer))
        codes = members.make_recovery_codes(signed)
        _, secret = members.create_token(signed, "laptop")
        token = there(members, secret)
        with pytest.raises(StepUpNeeded, match="console"):
            token.require_step_up(clock())
        with pytest.raises(NotAllowed):
            members.step_up_with_recovery(token, codes[0])
        for attempt in (
            lambda: members.create_token(token, "another"),
            lambda: members.make_recovery_codes(token),
            lambda: members.begin_registration(token),
        ):
            with pytest.raises(StepUpNeeded):
                attempt()

    def test_needs_a_step_up_to_be_made(
        self, members: Members, reviewer: Member, clock: MovedClock
    ) -> None:
        signed = there(members, begin(members, reviewer))
        clock.pass_time(minutes=10)
        with pytest.raises(StepUpNeeded):
            members.create_token(signed, "laptop")

    def test_there_is_an_end_to_how_many(self, members: Members, reviewer: Member) -> None:
        signed = there(members, begin(members, reviewer))
        for number in range(20):
            members.create_token(signed, f"token {number}")
        with pytest.raises(Conflict, match="enough"):
            members.create_token(signed, "one more")

    def test_ends_when_its_member_is_disabled(self, members: Members, reviewer: Member) -> None:
        _, secret = members.create_token(there(members, begin(members, reviewer)), "laptop")
        members.disable_member(reviewer.organisation, SYSTEM, reviewer.id)
        assert members.session(secret) is None

    def test_is_stored_as_a_hash_only(
        self, members: Members, reviewer: Member, database: Database
    ) -> None:
        made, secret = members.create_token(there(members, begin(members, reviewer)), "laptop")
        with database.organisation(reviewer.organisation) as connection:
            rows = connection.execute(
                text(
                    "select row_to_json(s)::text from member_sessions s union all "
                    "select convert_from(body, 'utf8') from ledger_events"
                )
            )
            everything = " ".join(rows.scalars())
        assert secret not in everything
        assert secret.removeprefix(TOKEN_PREFIX) not in everything
        assert made.kind is SessionKind.TOKEN


class TestALink:
    def test_names_in_the_ledger_who_made_it(
        self, members: Members, admin: Member, reviewer: Member, database: Database
    ) -> None:
        members.sign_in_link(reviewer.organisation, reviewer.id, actor=member_actor(admin))
        with database.organisation(reviewer.organisation) as connection:
            body = connection.execute(
                text(
                    "select convert_from(body, 'utf8')::jsonb from ledger_events "
                    "where kind = 'member.link_made'"
                )
            ).scalar_one()
        assert body["actor"]["id"] == str(admin.id)
        assert body["subject"] == str(reviewer.id)

    def test_is_made_only_by_who_manages_members(self, members: Members, reviewer: Member) -> None:
        with pytest.raises(NotAllowed, match=r"members\.manage"):
            members.sign_in_link(reviewer.organisation, reviewer.id, actor=member_actor(reviewer))

    def test_that_comes_back_after_its_use_is_noted(
        self, members: Members, reviewer: Member, database: Database
    ) -> None:
        link = members.sign_in_link(reviewer.organisation, reviewer.id)
        members.sign_in(link)
        with pytest.raises(NotAllowed):
            members.sign_in(link)
        kind, data = last_event(database, reviewer)
        assert kind == "member.sign_in_failed"
        assert data["why"] == "the link was used before"

    def test_that_nobody_made_is_noted_nowhere(
        self, members: Members, reviewer: Member, database: Database
    ) -> None:
        before = last_event(database, reviewer)
        with pytest.raises(NotAllowed):
            members.sign_in("A" * 43)
        assert last_event(database, reviewer) == before


def test_require_present_wants_a_session_that_has_stepped_up(
    members: Members, reviewer: Member, clock: MovedClock
) -> None:
    with pytest.raises(NotAllowed):
        members.require_present(None)
    signed = there(members, begin(members, reviewer))
    assert members.require_present(signed) == signed
    clock.pass_time(minutes=10)
    with pytest.raises(StepUpNeeded):
        members.require_present(signed)


def test_a_session_that_is_not_there_cannot_be_ended(members: Members, reviewer: Member) -> None:
    with pytest.raises(NotFound):
        members.end_session(there(members, begin(members, reviewer)), new_id())
