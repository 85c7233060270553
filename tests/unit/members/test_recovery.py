"""Recovery codes: good for once, slow to guess, and a guess locks out nothing else."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from moved_clock import MovedClock
from sqlalchemy import text

from lapwing.members import recovery
from lapwing.members.records import SignedIn, Via
from lapwing.members.service import Members
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import LapwingError, NotAllowed, StepUpNeeded, TooManyAttempts
from lapwing.model.organisations import Member
from lapwing.store.database import Database

WRONG = "0000-0000-0000"


@pytest.fixture
def signed(members: Members, reviewer: Member) -> SignedIn:
    return signed_in(members, reviewer)


def signed_in(members: Members, member: Member) -> SignedIn:
    _, token = members.sign_in(members.sign_in_link(member.organisation, member.id))
    found = members.signed_in(token)
    assert found is not None
    return found


@pytest.fixture
def codes(members: Members, signed: SignedIn) -> tuple[str, ...]:
    return members.make_recovery_codes(signed)


def guess(code: str) -> str:
    """The same code with a wrong secret."""
    return f"{code[:9]}-{WRONG}"


def test_a_code_signs_in_once_and_counts_as_presence(
    members: Members, reviewer: Member, codes: tuple[str, ...], clock: MovedClock
) -> None:
    member, token = members.sign_in_with_recovery(codes[0])
    assert member == reviewer
    found = members.signed_in(token)
    assert found is not None
    assert found.session.via is Via.RECOVERY
    found.require_step_up(clock())
    assert members.recovery_codes_left(reviewer.organisation, reviewer.id) == 7
    with pytest.raises(NotAllowed, match="used up"):
        members.sign_in_with_recovery(codes[0])
    members.sign_in_with_recovery(codes[1])


def test_a_code_is_read_however_it_was_typed(members: Members, codes: tuple[str, ...]) -> None:
    code = codes[0]
    typed = code.replace("-", " ").lower().replace("0", "o").replace("1", "l")
    members.sign_in_with_recovery(f" {typed} ")


@pytest.mark.parametrize(
    "code", ["", "x", "A" * 20, "-" * 100, "A" * 5000, "ÄÖÜ" * 10, "\0" * 20, "ABCD-EFGH"]
)
def test_what_is_no_code_is_refused(members: Members, code: str) -> None:
    with pytest.raises(NotAllowed, match="unknown"):
        members.sign_in_with_recovery(code)


def test_new_codes_end_the_old(members: Members, signed: SignedIn, codes: tuple[str, ...]) -> None:
    new = members.make_recovery_codes(signed)
    with pytest.raises(NotAllowed, match="replaced"):
        members.sign_in_with_recovery(codes[0])
    members.sign_in_with_recovery(new[0])


def test_each_wrong_secret_doubles_the_wait_on_this_code_up_to_a_day(
    members: Members, codes: tuple[str, ...], clock: MovedClock
) -> None:
    waits = []
    for _ in range(20):
        with pytest.raises(NotAllowed):
            members.sign_in_with_recovery(guess(codes[0]))
        with pytest.raises(TooManyAttempts) as refused:
            members.sign_in_with_recovery(codes[0])
        waits.append(refused.value.retry_after - 1)
        clock.pass_time(seconds=refused.value.retry_after)
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert max(waits) == timedelta(days=1).total_seconds()
    clock.pass_time(days=1)
    members.sign_in_with_recovery(codes[0])


def test_guessing_at_one_code_locks_out_nothing_else(
    members: Members, reviewer: Member, codes: tuple[str, ...], signed: SignedIn
) -> None:
    for _ in range(3):
        with pytest.raises(LapwingError):
            members.sign_in_with_recovery(guess(codes[0]))
    members.sign_in_with_recovery(codes[1])
    assert signed_in(members, reviewer).member == reviewer
    members.make_recovery_codes(signed)


def test_guesses_at_the_same_time_count_one_by_one(
    members: Members, codes: tuple[str, ...]
) -> None:
    ready, outcomes = threading.Barrier(6), []

    def attempt() -> None:
        ready.wait()
        try:
            members.sign_in_with_recovery(guess(codes[0]))
        except LapwingError as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(NotAllowed) == 1
    assert outcomes.count(TooManyAttempts) == 5


def test_of_two_who_use_a_code_at_once_one_signs_in(
    members: Members, codes: tuple[str, ...]
) -> None:
    ready, outcomes = threading.Barrier(4), []

    def attempt() -> None:
        ready.wait()
        try:
            members.sign_in_with_recovery(codes[0])
        except LapwingError:
            outcomes.append(False)
        else:
            outcomes.append(True)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(True) == 1


def test_when_too_many_codes_are_being_checked_the_next_is_asked_to_wait(
    members: Members, codes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashing is slow on purpose, and must not take the machine."""
    busy = threading.BoundedSemaphore(1)
    busy.acquire()
    monkeypatch.setattr(recovery, "_AT_ONCE", busy)
    monkeypatch.setattr(recovery, "_PATIENCE", 0.05)
    with pytest.raises(TooManyAttempts, match="being checked"):
        members.sign_in_with_recovery(codes[0])


def test_a_code_steps_up_its_own_member_only(
    members: Members,
    admin: Member,
    codes: tuple[str, ...],
    signed: SignedIn,
    clock: MovedClock,
) -> None:
    stranger = signed_in(members, admin)
    with pytest.raises(NotAllowed):
        members.step_up_with_recovery(stranger, codes[0])
    clock.pass_time(minutes=11)
    with pytest.raises(StepUpNeeded):
        signed.require_step_up(clock())
    members.step_up_with_recovery(signed, codes[0])
    (session,) = members.sessions(signed.member.organisation, signed.member.id)
    assert session.stepped_up_at == clock()


def test_a_disabled_members_code_opens_nothing(
    members: Members, reviewer: Member, codes: tuple[str, ...]
) -> None:
    members.disable_member(reviewer.organisation, SYSTEM, reviewer.id)
    with pytest.raises(NotAllowed):
        members.sign_in_with_recovery(codes[0])


def test_making_codes_needs_a_step_up(
    members: Members, signed: SignedIn, clock: MovedClock
) -> None:
    clock.pass_time(minutes=11)
    with pytest.raises(StepUpNeeded):
        members.make_recovery_codes(signed)


def test_codes_are_stored_as_argon2_hashes_and_stand_nowhere_else(
    members: Members, reviewer: Member, codes: tuple[str, ...], database: Database
) -> None:
    with pytest.raises(NotAllowed):
        members.sign_in_with_recovery(guess(codes[1]))
    members.sign_in_with_recovery(codes[0])
    with database.organisation(reviewer.organisation) as connection:
        hashes = connection.execute(text("select secret_hash from recovery_codes")).scalars().all()
        rows = connection.execute(
            text(
                "select row_to_json(r)::text from recovery_codes r union all "
                "select convert_from(body, 'utf8') from ledger_events union all "
                "select row_to_json(s)::text from member_sessions s"
            )
        )
        everything = " ".join(rows.scalars())
    assert len(hashes) == len(set(hashes)) == 8
    assert all(one.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for one in hashes)
    for code in codes:
        assert code.replace("-", "")[8:] not in everything


def test_codes_are_random_and_all_different(members: Members, signed: SignedIn) -> None:
    drawn = [*members.make_recovery_codes(signed), *members.make_recovery_codes(signed)]
    bare = [code.replace("-", "") for code in drawn]
    assert len({code[:8] for code in bare}) == len({code[8:] for code in bare}) == 16


def test_wrong_codes_are_counted_in_the_ledger(
    members: Members, reviewer: Member, codes: tuple[str, ...], database: Database
) -> None:
    with pytest.raises(NotAllowed):
        members.sign_in_with_recovery(guess(codes[0]))
    with database.organisation(reviewer.organisation) as connection:
        body = connection.execute(
            text(
                "select convert_from(body, 'utf8')::jsonb from ledger_events "
                "where kind = 'member.sign_in_failed'"
            )
        ).scalar_one()
    assert body["actor"]["kind"] == "system"
    assert body["subject"] == str(reviewer.id)
    assert body["data"] == {"via": "recovery", "why": "wrong code", "failures_in_a_row": 1}
