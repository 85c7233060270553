"""A key is remembered for a moment, and not a moment longer than it is good."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event

from lapwing.evidence.ledger import Ledger
from lapwing.members.remembered import KEPT_SECONDS, MOST, STALE_SECONDS, RememberedKeys
from lapwing.members.service import Members
from lapwing.members.tokens import new_key_secret
from lapwing.model.actors import SYSTEM
from lapwing.model.organisations import ApiKey, Organisation, Scope
from lapwing.store.clock import new_id, utc_now
from lapwing.store.database import Database
from lapwing.store.epoch import Epoch


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def a_key() -> ApiKey:
    return ApiKey(
        id=new_id(), organisation=new_id(), name="k", scopes=(Scope.MATCH,), created_at=utc_now()
    )


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def epoch(tmp_path: Path) -> Epoch:
    return Epoch(tmp_path / "keys.epoch")


@pytest.fixture
def remembered(epoch: Epoch, seconds: Seconds) -> RememberedKeys:
    return RememberedKeys(epoch, seconds)


def test_a_key_is_remembered_for_a_second_and_no_longer(
    remembered: RememberedKeys, seconds: Seconds
) -> None:
    key = a_key()
    assert remembered.look_up(b"a", lambda: key) is key
    assert remembered.get(b"a") == (key, False)
    seconds.now += STALE_SECONDS
    assert remembered.get(b"a") == (key, True)
    seconds.now += KEPT_SECONDS - STALE_SECONDS
    assert remembered.get(b"a") == (None, True)
    assert len(remembered) == 0


def test_its_moment_begins_before_it_was_looked_up(
    remembered: RememberedKeys, seconds: Seconds
) -> None:
    key = a_key()

    def slowly() -> ApiKey:
        seconds.now += KEPT_SECONDS
        return key

    assert remembered.look_up(b"a", slowly) is key
    assert remembered.get(b"a") == (None, True)


def test_what_ends_while_a_key_is_looked_up_is_not_missed(
    remembered: RememberedKeys, epoch: Epoch
) -> None:
    key = a_key()

    def overtaken() -> ApiKey:
        epoch.end()
        return key

    remembered.look_up(b"a", overtaken)
    assert remembered.get(b"a") == (None, True)


def test_a_key_that_is_none_is_neither_remembered_nor_left(remembered: RememberedKeys) -> None:
    remembered.look_up(b"a", a_key)
    assert remembered.look_up(b"a", lambda: None) is None
    assert remembered.get(b"a") == (None, True)
    for number in range(100):
        remembered.look_up(b"%d" % number, lambda: None)
    assert len(remembered) == 0


def test_no_more_than_so_many_are_remembered(remembered: RememberedKeys) -> None:
    key = a_key()
    for number in range(MOST + 10):
        remembered.look_up(b"%d" % number, lambda: key)
    assert len(remembered) == MOST
    assert remembered.get(b"0") == (None, True)
    assert remembered.get(b"%d" % (MOST + 9)) == (key, False)


def test_an_epoch_ends_for_every_process(tmp_path: Path) -> None:
    path = tmp_path / "keys.epoch"
    epoch, twin = Epoch(path), Epoch(path)
    before = epoch.current()
    assert twin.current() == before
    end = "import pathlib, sys, lapwing.store.epoch as e; e.Epoch(pathlib.Path(sys.argv[1])).end()"
    subprocess.run([sys.executable, "-c", end, path], check=True)
    assert epoch.current() != before
    assert twin.current() == epoch.current()
    assert path.stat().st_mode & 0o077 == 0
    assert Epoch().current() == bytes(8)


def test_a_file_that_cannot_be_had_keeps_nobody_from_working(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "keys.epoch"
    path.symlink_to(tmp_path / "elsewhere")
    epoch = Epoch(path)
    before = epoch.current()
    epoch.end()
    assert epoch.current() != before
    assert not (tmp_path / "elsewhere").exists()
    assert "epoch.not_shared" in capsys.readouterr().err


class TestInTheDatabase:
    @pytest.fixture
    def make(self, database: Database, ledger: Ledger, tmp_path: Path) -> Callable[[], Members]:
        """The service as each process of a node has it."""
        return lambda: Members(database, ledger, utc_now, epoch=Epoch(tmp_path / "keys.epoch"))

    def test_a_key_revoked_by_another_process_stops_at_once(
        self, make: Callable[[], Members], house: Organisation
    ) -> None:
        here, there = make(), make()
        key, secret = here.create_key(house.id, SYSTEM, "scanner", [Scope.MATCH])
        assert there.known_key(secret) == key
        assert there.remembered_key(secret)[0] == key
        here.revoke_key(house.id, SYSTEM, key.id)
        assert there.remembered_key(secret) == (None, True)
        assert there.known_key(secret) is None

    def test_a_remembered_key_asks_nothing_of_the_database(
        self, make: Callable[[], Members], database: Database, house: Organisation
    ) -> None:
        here = make()
        _, secret = here.create_key(house.id, SYSTEM, "scanner", [Scope.MATCH])
        here.known_key(secret)
        asked: list[str] = []

        def note(*said: object) -> None:
            asked.append(str(said[2]))

        engine = database._app
        event.listen(engine, "before_cursor_execute", note)
        try:
            for _ in range(50):
                assert here.known_key(secret) is not None
            assert asked == []
            assert here.known_key(new_key_secret()) is None
            assert asked
        finally:
            event.remove(engine, "before_cursor_execute", note)

    @pytest.mark.parametrize("secret", ["", "lw_", "lw_m_" + "a" * 43, "lw_" + "a" * 43])
    def test_what_is_no_key_is_never_remembered(
        self, make: Callable[[], Members], house: Organisation, secret: str
    ) -> None:
        here = make()
        assert here.known_key(secret) is None
        here.refresh_key(secret)
        assert here.remembered_key(secret)[0] is None
        assert len(here._remembered) == 0
