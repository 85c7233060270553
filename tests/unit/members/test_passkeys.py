"""Passkeys: both ceremonies with real keys, and everything about an answer that can be wrong."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("webauthn", reason="the extra `passkeys` is not installed")

from moved_clock import MovedClock
from sqlalchemy import text

from authenticator import VERIFIED, Authenticator, b64
from lapwing.evidence.ledger import Ledger
from lapwing.members.passkeys import MOST_PASSKEYS
from lapwing.members.records import SignedIn, Via
from lapwing.members.service import Members
from lapwing.members.site import Site
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import (
    Conflict,
    InvalidInput,
    LapwingError,
    NotAllowed,
    NotFound,
    StepUpNeeded,
)
from lapwing.model.organisations import Member, Organisation
from lapwing.store.database import Database


@pytest.fixture
def present(members: Members) -> Callable[[Member], SignedIn]:
    def present(member: Member) -> SignedIn:
        _, token = members.sign_in(members.sign_in_link(member.organisation, member.id))
        return again(members, token)

    return present


def again(members: Members, token: str) -> SignedIn:
    signed = members.signed_in(token)
    assert signed is not None
    return signed


def register(
    members: Members, signed: SignedIn, device: Authenticator | None = None, name: str = "phone"
) -> Authenticator:
    device = device or Authenticator()
    answer = device.register(members.begin_registration(signed))
    members.finish_registration(signed, name, answer)
    return device


@pytest.fixture
def device(members: Members, reviewer: Member, present: Callable[..., SignedIn]) -> Authenticator:
    """The reviewer's."""
    return register(members, present(reviewer))


def events(database: Database, organisation: Any) -> list[tuple[str, dict[str, Any]]]:
    with database.organisation(organisation) as connection:
        rows = connection.execute(
            text(
                "select kind, convert_from(body, 'utf8')::jsonb->'data' from ledger_events "
                "order by position"
            )
        )
        return [(row[0], row[1]) for row in rows]


def test_a_registered_passkey_signs_its_owner_in(
    members: Members, reviewer: Member, device: Authenticator
) -> None:
    member, token = members.sign_in_with_passkey(device.sign(members.begin_sign_in()))
    assert member == reviewer
    signed = again(members, token)
    assert signed.session.via is Via.PASSKEY
    assert signed.stepped_up(signed.session.created_at)


def test_what_the_browser_is_asked(members: Members, device: Authenticator) -> None:
    _, token = members.sign_in_with_passkey(device.sign(members.begin_sign_in()))
    options = members.begin_registration(again(members, token))
    assert options["rp"] == {"id": "localhost", "name": "Lapwing"}
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["attestation"] == "none"
    assert [one["id"] for one in options["excludeCredentials"]] == [b64(device.credential_id)]
    asked = members.begin_sign_in()
    assert asked["userVerification"] == "required"
    assert asked["allowCredentials"] == []


def test_stepping_up_asks_for_ones_own_passkeys_and_lasts_ten_minutes(
    members: Members, device: Authenticator, clock: MovedClock
) -> None:
    _, token = members.sign_in_with_passkey(device.sign(members.begin_sign_in()))
    clock.pass_time(minutes=10)
    with pytest.raises(StepUpNeeded):
        again(members, token).require_step_up(clock())
    options = members.begin_step_up(again(members, token))
    assert [one["id"] for one in options["allowCredentials"]] == [b64(device.credential_id)]
    members.step_up_with_passkey(again(members, token), device.sign(options))
    again(members, token).require_step_up(clock())
    clock.pass_time(minutes=9, seconds=59)
    again(members, token).require_step_up(clock())
    clock.pass_time(seconds=1)
    with pytest.raises(StepUpNeeded):
        again(members, token).require_step_up(clock())


def test_a_link_is_no_step_up_for_a_member_with_a_passkey(
    members: Members,
    reviewer: Member,
    present: Callable[..., SignedIn],
    device: Authenticator,
    clock: MovedClock,
) -> None:
    """Whoever prints links must not get what the passkey guards."""
    signed = present(reviewer)
    (passkey,) = members.passkeys(reviewer.organisation, reviewer.id)
    with pytest.raises(StepUpNeeded):
        signed.require_step_up(clock())
    for attempt in (
        lambda: members.begin_registration(signed),
        lambda: members.make_recovery_codes(signed),
        lambda: members.create_token(signed, "laptop"),
        lambda: members.remove_passkey(signed, passkey.id),
    ):
        with pytest.raises(StepUpNeeded):
            attempt()


Wrong = Callable[[Authenticator], None]


def another_origin(device: Authenticator) -> None:
    device.origin = "http://localhost:8601"


def a_lookalike(device: Authenticator) -> None:
    device.origin = "https://localhost.example"


def another_site(device: Authenticator) -> None:
    device.rp_id = "example.org"


def nobody_verified(device: Authenticator) -> None:
    device.flags &= ~VERIFIED


def nobody_there(device: Authenticator) -> None:
    device.flags &= ~1


def another_key(device: Authenticator) -> None:
    device.key = Authenticator().key


ALWAYS = [another_origin, a_lookalike, another_site, nobody_verified, nobody_there]


@pytest.mark.parametrize("wrong", [*ALWAYS, another_key])
def test_an_answer_that_does_not_hold_signs_nobody_in(
    members: Members, reviewer: Member, device: Authenticator, database: Database, wrong: Wrong
) -> None:
    wrong(device)
    with pytest.raises(NotAllowed):
        members.sign_in_with_passkey(device.sign(members.begin_sign_in()))
    kinds = [kind for kind, _ in events(database, reviewer.organisation)]
    assert kinds[-1] == "member.sign_in_failed"


@pytest.mark.parametrize("wrong", ALWAYS)
def test_an_answer_that_does_not_hold_registers_nothing(
    members: Members, reviewer: Member, present: Callable[..., SignedIn], wrong: Wrong
) -> None:
    signed, device = present(reviewer), Authenticator()
    wrong(device)
    with pytest.raises(NotAllowed):
        register(members, signed, device)
    assert members.passkeys(reviewer.organisation, reviewer.id) == []


def test_a_challenge_is_good_for_one_answer(members: Members, device: Authenticator) -> None:
    options = members.begin_sign_in()
    members.sign_in_with_passkey(device.sign(options))
    with pytest.raises(NotAllowed, match="answered before"):
        members.sign_in_with_passkey(device.sign(options))


def test_a_wrong_answer_uses_the_challenge_up(members: Members, device: Authenticator) -> None:
    options = members.begin_sign_in()
    bad = copy.deepcopy(device.sign(options))
    bad["response"]["signature"] = b64(b"nonsense")
    with pytest.raises(NotAllowed):
        members.sign_in_with_passkey(bad)
    with pytest.raises(NotAllowed, match="answered before"):
        members.sign_in_with_passkey(device.sign(options))


def test_a_challenge_lives_five_minutes(
    members: Members, device: Authenticator, clock: MovedClock
) -> None:
    options = members.begin_sign_in()
    clock.pass_time(minutes=5)
    with pytest.raises(NotAllowed, match="too long"):
        members.sign_in_with_passkey(device.sign(options))


def test_a_challenge_of_ones_own_making_is_refused(members: Members, device: Authenticator) -> None:
    with pytest.raises(NotAllowed, match="answered before"):
        members.sign_in_with_passkey(device.sign({"challenge": b64(b"x" * 32)}))


def test_a_challenge_holds_for_its_purpose_and_its_session_only(
    members: Members, device: Authenticator
) -> None:
    _, one = members.sign_in_with_passkey(device.sign(members.begin_sign_in()))
    _, other = members.sign_in_with_passkey(device.sign(members.begin_sign_in()))
    for_signing_in = device.sign(members.begin_sign_in())
    with pytest.raises(NotAllowed):
        members.step_up_with_passkey(again(members, one), for_signing_in)
    for_one = device.sign(members.begin_step_up(again(members, one)))
    with pytest.raises(NotAllowed):
        members.step_up_with_passkey(again(members, other), for_one)
    with pytest.raises(NotAllowed):
        members.sign_in_with_passkey(for_one)


def test_challenges_are_swept_when_their_time_is_over(
    members: Members, database: Database, clock: MovedClock
) -> None:
    for _ in range(3):
        members.begin_sign_in()
    clock.pass_time(minutes=6)
    members.begin_sign_in()
    with database.anyone() as connection:
        old = connection.execute(
            text("select count(*) from challenges where expires_at <= :now"), {"now": clock()}
        )
        assert old.scalar_one() == 0


def test_of_one_answer_sent_many_times_at_once_one_signs_in(
    members: Members, device: Authenticator
) -> None:
    answer, outcomes = device.sign(members.begin_sign_in()), []

    def attempt() -> None:
        try:
            members.sign_in_with_passkey(answer)
        except LapwingError as error:
            outcomes.append(type(error))
        else:
            outcomes.append(None)

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(None) == 1
    assert outcomes.count(NotAllowed) == 5


@pytest.mark.parametrize("back", [0, 1, 5])
def test_a_counter_that_does_not_grow_is_a_copy(
    members: Members, reviewer: Member, device: Authenticator, database: Database, back: int
) -> None:
    device.counter = 40
    members.sign_in_with_passkey(device.sign(members.begin_sign_in()))
    device.counter = 40 - back
    with pytest.raises(NotAllowed, match="counter went back"):
        members.sign_in_with_passkey(device.sign(members.begin_sign_in()))
    kind, data = events(database, reviewer.organisation)[-1]
    assert (kind, data["why"]) == ("member.sign_in_failed", "counter went back")
    device.counter = 41
    members.sign_in_with_passkey(device.sign(members.begin_sign_in()))


def test_a_counter_that_grew_once_cannot_become_none(
    members: Members, device: Authenticator
) -> None:
    device.counter = None
    with pytest.raises(NotAllowed, match="counter went back"):
        members.sign_in_with_passkey(device.sign(members.begin_sign_in()))


def test_a_passkey_without_a_counter_works_again_and_again(
    members: Members, reviewer: Member, present: Callable[..., SignedIn]
) -> None:
    device = register(members, present(reviewer), Authenticator(counter=None))
    for _ in range(3):
        members.sign_in_with_passkey(device.sign(members.begin_sign_in()))


def test_a_removed_passkey_signs_nobody_in(members: Members, device: Authenticator) -> None:
    options = members.begin_sign_in()
    _, token = members.sign_in_with_passkey(device.sign(members.begin_sign_in()))
    signed = again(members, token)
    (mine,) = members.passkeys(signed.member.organisation, signed.member.id)
    members.remove_passkey(signed, mine.id)
    with pytest.raises(NotAllowed, match="removed"):
        members.sign_in_with_passkey(device.sign(options))
    with pytest.raises(NotFound):
        members.remove_passkey(signed, mine.id)
    with pytest.raises(NotFound):
        members.begin_step_up(signed)


def test_a_disabled_members_passkey_signs_nobody_in(
    members: Members, reviewer: Member, device: Authenticator
) -> None:
    members.disable_member(reviewer.organisation, SYSTEM, reviewer.id)
    with pytest.raises(NotAllowed, match="removed"):
        members.sign_in_with_passkey(device.sign(members.begin_sign_in()))


def test_a_passkey_of_somebody_else_steps_nobody_up(
    members: Members,
    reviewer: Member,
    admin: Member,
    present: Callable[..., SignedIn],
    device: Authenticator,
) -> None:
    theirs = register(members, present(admin))
    _, token = members.sign_in_with_passkey(device.sign(members.begin_sign_in()))
    signed = again(members, token)
    answer = theirs.sign(members.begin_step_up(signed))
    with pytest.raises(NotAllowed, match="not one of your"):
        members.step_up_with_passkey(signed, answer)


def test_a_passkey_that_claims_another_owner_is_refused(
    members: Members, admin: Member, device: Authenticator
) -> None:
    device.user_handle = admin.id.bytes
    with pytest.raises(NotAllowed):
        members.sign_in_with_passkey(device.sign(members.begin_sign_in()))


def test_nobody_removes_or_sees_anothers_passkeys(
    members: Members,
    reviewer: Member,
    admin: Member,
    present: Callable[..., SignedIn],
    device: Authenticator,
) -> None:
    (theirs,) = members.passkeys(reviewer.organisation, reviewer.id)
    with pytest.raises(NotFound):
        members.remove_passkey(present(admin), theirs.id)
    assert members.passkeys(admin.organisation, admin.id) == []


def test_a_credential_is_registered_once_whoever_asks(
    members: Members,
    found: Callable[..., Organisation],
    present: Callable[..., SignedIn],
    device: Authenticator,
) -> None:
    """Else one organisation could find out, or take, what another has."""
    elsewhere = members.add_member(found().id, "Eve", "admin", SYSTEM)  # type: ignore[arg-type]
    again_made = Authenticator(credential_id=device.credential_id)
    with pytest.raises(Conflict):
        register(members, present(elsewhere), again_made)


def test_an_id_that_could_be_guessed_is_refused(
    members: Members, reviewer: Member, present: Callable[..., SignedIn]
) -> None:
    with pytest.raises(NotAllowed, match="guessed"):
        register(members, present(reviewer), Authenticator(credential_id=b"short"))


def test_there_is_an_end_to_how_many(
    members: Members, reviewer: Member, present: Callable[..., SignedIn]
) -> None:
    signed = present(reviewer)
    for number in range(MOST_PASSKEYS):
        register(members, signed, name=f"key {number}")
    with pytest.raises(Conflict, match="enough"):
        members.begin_registration(signed)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"id": "x"},
        {"id": 7, "response": {}},
        {"id": "AAAA", "response": {"clientDataJSON": "!!!"}},
        {"id": "AAAA", "response": {"clientDataJSON": b64(b"not json")}},
        {"id": "AAAA", "response": {"clientDataJSON": b64(b"[1]")}},
        {"id": "AAAA", "response": {"clientDataJSON": b64(b'{"challenge": 5}')}},
        {"id": "ü", "response": {"clientDataJSON": b64(b'{"challenge": "AAAA"}')}},
        {"id": "A" * 70_000, "response": {"clientDataJSON": b64(b'{"challenge": "AAAA"}')}},
    ],
    ids=str,
)
def test_what_is_no_answer_is_refused_as_input(members: Members, sent: dict[str, Any]) -> None:
    for attempt in (members.sign_in_with_passkey,):
        with pytest.raises(InvalidInput) as refused:
            attempt(sent)
        assert refused.value.field == "credential"


@pytest.mark.parametrize("part", ["authenticatorData", "signature", "clientDataJSON", "userHandle"])
@pytest.mark.parametrize("put", [None, "", "AAAA", 5, [], b64(b"\xff" * 300)])
def test_damage_anywhere_is_refused_and_crashes_nothing(
    members: Members, device: Authenticator, part: str, put: object
) -> None:
    answer = device.sign(members.begin_sign_in())
    if put is None:
        del answer["response"][part]
    else:
        answer["response"][part] = put
    if part == "userHandle" and put is None:
        members.sign_in_with_passkey(answer)  # a browser need not say it
        return
    with pytest.raises((InvalidInput, NotAllowed)):
        members.sign_in_with_passkey(answer)


@pytest.mark.parametrize("put", [None, "", "AAAA", 5, b64(b"\xa1\x01"), b64(b"\xff" * 300)])
def test_damage_in_registering_is_refused(
    members: Members, reviewer: Member, present: Callable[..., SignedIn], put: object
) -> None:
    signed = present(reviewer)
    answer = Authenticator().register(members.begin_registration(signed))
    answer["response"]["attestationObject"] = put
    with pytest.raises((InvalidInput, NotAllowed)):
        members.finish_registration(signed, "phone", answer)


def test_at_an_address_that_gets_no_passkeys_it_says_why(
    database: Database, ledger: Ledger, clock: MovedClock
) -> None:
    for origin, why in (
        ("http://127.0.0.1:8600", "numeric"),
        ("http://lapwing.example.org", "https"),
    ):
        here = Members(database, ledger, clock, site=Site.at(origin))
        with pytest.raises(NotAllowed, match=why):
            here.begin_sign_in()


def test_every_step_is_in_the_ledger_and_no_secret_with_it(
    members: Members, reviewer: Member, device: Authenticator, database: Database
) -> None:
    _, token = members.sign_in_with_passkey(device.sign(members.begin_sign_in()))
    signed = again(members, token)
    members.step_up_with_passkey(signed, device.sign(members.begin_step_up(signed)))
    members.remove_passkey(signed, members.passkeys(reviewer.organisation, reviewer.id)[0].id)
    written = events(database, reviewer.organisation)
    assert [kind for kind, _ in written][-4:] == [
        "passkey.added",
        "member.signed_in",
        "member.stepped_up",
        "passkey.removed",
    ]
    everything = str(written)
    for secret in (token, b64(device.credential_id), device.credential_id.hex()):
        assert secret not in everything


def test_failures_are_counted_in_the_ledger_at_powers_of_two(
    members: Members, reviewer: Member, device: Authenticator, database: Database
) -> None:
    key = device.key
    another_key(device)
    for _ in range(9):
        with pytest.raises(NotAllowed):
            members.sign_in_with_passkey(device.sign(members.begin_sign_in()))
    device.key = key
    members.sign_in_with_passkey(device.sign(members.begin_sign_in()))
    another_key(device)
    with pytest.raises(NotAllowed):
        members.sign_in_with_passkey(device.sign(members.begin_sign_in()))
    counts = [
        data["failures_in_a_row"]
        for kind, data in events(database, reviewer.organisation)
        if kind == "member.sign_in_failed"
    ]
    assert counts == [1, 2, 4, 8, 1]
