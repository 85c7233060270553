"""Limits on strangers: what they may do, what they cannot do to others, what is kept of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from moved_clock import MovedClock
from sqlalchemy import text

from lapwing.members.attempts import LIMITS, Attempts, Limit
from lapwing.model.errors import TooManyAttempts
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring

ADDRESS = "203.0.113.77"
LIMIT = Limit("test", burst=3, per_minute=6)


@pytest.fixture
def keyring(home: Path) -> Keyring:
    return Keyring(home / "keys")


@pytest.fixture
def attempts(database: Database, keyring: Keyring, clock: MovedClock) -> Iterator[Attempts]:
    with database.anyone() as connection:
        connection.execute(text("delete from rate_buckets"))
    yield Attempts(database, keyring, clock)
    with database.anyone() as connection:
        connection.execute(text("delete from rate_buckets"))


def count(attempts: Attempts, limit: Limit = LIMIT, client: str = ADDRESS, most: int = 50) -> int:
    """How many attempts pass before one is refused."""
    for done in range(most):
        try:
            attempts.spend(limit, client)
        except TooManyAttempts:
            return done
    return most


def test_a_burst_passes_and_then_one_every_so_often(attempts: Attempts, clock: MovedClock) -> None:
    assert count(attempts) == 3
    with pytest.raises(TooManyAttempts) as refused:
        attempts.spend(LIMIT, ADDRESS)
    assert refused.value.retry_after == 10
    clock.pass_time(seconds=refused.value.retry_after)
    assert count(attempts) == 1
    clock.pass_time(hours=1)
    assert count(attempts) == 3


def test_trying_while_refused_does_not_make_the_wait_longer(
    attempts: Attempts, clock: MovedClock
) -> None:
    count(attempts)
    for _ in range(9):
        clock.pass_time(seconds=1)
        assert count(attempts) == 0
    clock.pass_time(seconds=1)
    assert count(attempts) == 1


def test_one_client_uses_nothing_of_anothers(attempts: Attempts) -> None:
    assert count(attempts) == 3
    assert count(attempts, client="203.0.113.78") == 3
    assert count(attempts, Limit("other", burst=2, per_minute=1)) == 2


def test_a_clock_that_goes_back_refuses_nobody_for_long(
    attempts: Attempts, clock: MovedClock
) -> None:
    count(attempts)
    clock.pass_time(minutes=-30)
    assert count(attempts) == 0
    clock.pass_time(seconds=11)
    attempts.spend(Limit("test", burst=4, per_minute=6), ADDRESS)


def test_many_at_once_are_counted_each(attempts: Attempts) -> None:
    passed: list[bool] = []

    def attempt() -> None:
        try:
            attempts.spend(Limit("race", burst=5, per_minute=0.01), ADDRESS)
        except TooManyAttempts:
            passed.append(False)
        else:
            passed.append(True)

    threads = [threading.Thread(target=attempt) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(passed) == [False] * 11 + [True] * 5


def test_no_address_is_stored_and_none_can_be_found_again_after_the_day(
    attempts: Attempts, keyring: Keyring, database: Database, clock: MovedClock
) -> None:
    attempts.spend(LIMIT, ADDRESS)
    with database.anyone() as connection:
        rows = connection.execute(text("select name, row_to_json(b)::text from rate_buckets b"))
        ((before, shown),) = rows.all()
    assert ADDRESS not in shown
    assert ADDRESS.encode() not in bytes(before)
    first = keyring.daily_secret(clock().date())
    clock.pass_time(days=1)
    attempts.spend(LIMIT, ADDRESS)
    with database.anyone() as connection:
        names = connection.execute(text("select name from rate_buckets")).scalars().all()
    assert [bytes(name) for name in names].count(bytes(before)) <= 1
    assert len({bytes(name) for name in names} - {bytes(before)}) == 1
    kept = sorted(path.read_text().strip() for path in (keyring.folder / "daily").iterdir())
    assert kept == [keyring.daily_secret(clock().date()).hex()]
    assert first.hex() not in kept


def test_rows_are_deleted_after_a_day(
    attempts: Attempts, database: Database, clock: MovedClock
) -> None:
    for client in range(5):
        attempts.spend(LIMIT, f"client {client}")
    clock.pass_time(days=1, seconds=1)
    attempts.spend(LIMIT, "someone")
    with database.anyone() as connection:
        assert connection.execute(text("select count(*) from rate_buckets")).scalar_one() == 1


def test_every_limit_lets_a_person_mistype_and_stops_a_machine() -> None:
    for limit in LIMITS:
        assert limit.burst >= 10
        assert limit.per_minute * 60 * 24 < 100_000
    assert len({limit.name for limit in LIMITS}) == len(LIMITS)
