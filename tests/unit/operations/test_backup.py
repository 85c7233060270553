"""A house that was saved and restored is the same house, and goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from uuid import UUID

import msgspec
import pyrage
import pytest
from saved_houses import KEY, LOCK, Saved, State, files_in, restored, save_house, state_of
from sqlalchemy import Connection, text

from books import check_books
from lapwing.evidence.heads import SignedHead
from lapwing.evidence.ledger import Ledger
from lapwing.intake.records import ItemBuilder
from lapwing.model.actors import SYSTEM
from lapwing.model.decisions import Decision
from lapwing.model.errors import (
    Conflict,
    IntegrityBroken,
    InvalidInput,
    LapwingError,
    NotAllowed,
    Unavailable,
)
from lapwing.model.submissions import Submission
from lapwing.operations.restore import restore
from lapwing.operations.sealing import Key, Lock
from lapwing.operations.side import SIDE, Target
from lapwing.store.clock import new_id, utc_now
from lapwing.store.embedded import EmbeddedPostgres
from web_world import KNOWN_SHA256, opened_client

KEYS = pyrage.x25519.Identity.generate()


def decide(house, organisation: UUID, name: str, **record: object) -> Decision:  # type: ignore[no-untyped-def]
    builder = ItemBuilder(
        organisation=organisation,
        source="api",
        account_secret=house.keyring.account_secret(organisation),
        platform="api",
        clock=house.clock,
        new_id=new_id,
    )
    item = builder.build("media", {"id": name, **record})
    screened = house.screening.screen(organisation, SYSTEM, [Submission(item=item)])
    (decision,) = screened.decisions
    return decision


ENDED = {"member_sessions", "sign_in_links"}
"""Tables that a restore changes: whoever was signed in signs in again."""


def changed(saved: Saved, now: State) -> set[str]:
    """Tables that hold other rows than when they were saved. None is missing, none is new."""
    before = saved.state.tables
    assert before.keys() == now.tables.keys()
    return {name for name, rows in now.tables.items() if rows != before[name]}


def test_a_restored_house_is_the_same_and_goes_on(saved: Saved, target: Target) -> None:
    done = restore(saved.file, KEY, target, clock=utc_now)
    assert done.secrets
    assert {one.organisation for one in done.ledgers} == {one.organisation for one in saved.sides}
    with restored(target) as house:
        now = state_of(house)
        assert changed(saved, now) <= ENDED
        assert now.blobs == saved.state.blobs
        assert now.secrets == saved.state.secrets
        assert {oct(path.stat().st_mode & 0o777) for path in target.secrets.rglob("*.*")} == {
            "0o600"
        }
        for side in saved.sides:
            check_books(house.database, house.ledger, side.organisation)
            again = decide(house, side.organisation, "first", sha256=KNOWN_SHA256)
            before = decide(saved.house, side.organisation, "first", sha256=KNOWN_SHA256)
            assert again == before, "what was decided before keeps its decision"
            fresh = decide(house, side.organisation, "after", sha256=KNOWN_SHA256)
            assert "hold" in {action.value for action in fresh.actions}
            with house.database.organisation(side.organisation) as connection:
                assert house.vault.cover(connection, side.organisation, side.kept)
            check_books(house.database, house.ledger, side.organisation)
        with opened_client(house) as client:
            mine = client.get("/v1/cases", headers=saved.sides[0].bearer)
            assert mine.status_code == 200


def test_a_server_takes_it_as_well(saved: Saved, tmp_path: Path, empty_database: str) -> None:
    home = tmp_path / "home"
    target = Target(
        home=home,
        secrets=tmp_path / "elsewhere" / "keys",
        blobs_url=(tmp_path / "elsewhere" / "blobs").as_uri(),
        database_url=empty_database,
    )
    restore(saved.file, KEY, target, clock=utc_now)
    with restored(target) as house:
        assert changed(saved, state_of(house)) <= ENDED
        for side in saved.sides:
            check_books(house.database, house.ledger, side.organisation)
        assert files_in(tmp_path / "elsewhere" / "keys") == saved.state.secrets
        assert files_in(tmp_path / "elsewhere" / "blobs") == saved.state.blobs
    with pytest.raises(Conflict, match="not empty"):
        restore(saved.file, KEY, target, clock=utc_now)


def test_it_opens_for_each_recipient_and_nobody_else(
    saved: Saved, target: Target, tmp_path: Path
) -> None:
    file = tmp_path / "for two"
    other = pyrage.x25519.Identity.generate()
    lock = Lock(recipients=(str(other.to_public()), str(KEYS.to_public())))
    save_house(saved.house, file, lock)
    stranger = Key(identities=(str(pyrage.x25519.Identity.generate()),))
    for wrong in (stranger, KEY, Key()):
        with pytest.raises(NotAllowed):
            restore(file, wrong, target, clock=utc_now)
        assert_untouched(target)
    done = restore(file, Key(identities=(str(KEYS),)), target, clock=utc_now)
    assert len(done.ledgers) == 2


def test_without_secrets_it_verifies_and_waits_for_them(
    saved: Saved, target: Target, tmp_path: Path
) -> None:
    file = tmp_path / "no secrets"
    about, _ = save_house(saved.house, file, LOCK)
    assert not about.secrets
    assert b"signing-1.pem" not in file.read_bytes()
    done = restore(file, KEY, target, clock=utc_now)
    assert (done.secrets, len(done.ledgers)) == (False, 2)
    mine = saved.sides[0].organisation
    with restored(target) as house, pytest.raises(Unavailable, match="key folder"):
        decide(house, mine, "new", sha256=KNOWN_SHA256)


def test_secrets_kept_apart_are_put_back_with_it(
    saved: Saved, target: Target, tmp_path: Path
) -> None:
    file = tmp_path / "no secrets"
    save_house(saved.house, file, LOCK)
    done = restore(file, KEY, target, clock=utc_now, secrets_from=saved.house.settings.secrets)
    assert done.secrets
    with restored(target) as house:
        decide(house, saved.sides[0].organisation, "new", sha256=KNOWN_SHA256)


def damaged(content: bytes, how: str, chance: random.Random) -> bytes:
    place = chance.randrange(200, len(content))
    if how == "flipped":
        return (
            content[:place]
            + bytes([content[place] ^ 1 << chance.randrange(8)])
            + content[place + 1 :]
        )
    if how == "cut":
        return content[:place]
    if how == "doubled":
        return content[:place] + content[place - 100 :]
    header, _, rest = content.partition(b"\n")
    return header.replace(b"a", b"b", 5) + b"\n" + rest


@pytest.mark.parametrize("how", ["flipped", "cut", "doubled", "key changed"])
def test_a_changed_file_leaves_the_home_empty(
    saved: Saved, target: Target, tmp_path: Path, how: str
) -> None:
    content = saved.file.read_bytes()
    for seed in range(2):
        file = tmp_path / f"{how}-{seed}"
        file.write_bytes(damaged(content, how, random.Random(f"{how} {seed}")))  # noqa: S311
        with pytest.raises((IntegrityBroken, NotAllowed, InvalidInput)):
            restore(file, KEY, target, clock=utc_now)
        assert_untouched(target)


@pytest.mark.parametrize("content", [b"", b"{}\n", b"not a backup", b"\xff" * 1000])
def test_what_is_no_backup_is_said_to_be_none(
    target: Target, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match="not a backup"):
        restore(file, KEY, target, clock=utc_now)
    assert_untouched(target)


class Promised(Ledger):
    """A ledger that had one leaf more when its head was taken than there are now."""

    def head(self, connection: Connection, organisation: UUID) -> SignedHead | None:
        head = super().head(connection, organisation)
        return head and msgspec.structs.replace(head, size=head.size + 1)


def test_a_ledger_without_its_end_is_not_restored(
    saved: Saved, target: Target, tmp_path: Path
) -> None:
    file = tmp_path / "cut"
    ledger = Promised(saved.house.keyring, saved.house.clock)
    save_house(saved.house, file, LOCK, secrets=True, ledger=ledger)
    with pytest.raises(IntegrityBroken):
        restore(file, KEY, target, clock=utc_now)
    assert_untouched(target)


def test_a_home_that_is_not_empty_is_left_alone(saved: Saved, target: Target) -> None:
    target.home.mkdir()
    (target.home / "somebody's").write_text("words")
    with pytest.raises(Conflict, match="not empty"):
        restore(saved.file, KEY, target, clock=utc_now)
    assert files_in(target.home) == {"somebody's": b"words"}


def test_a_backup_is_private_and_never_overwrites(saved: Saved, tmp_path: Path) -> None:
    assert saved.file.stat().st_mode & 0o777 == 0o600
    before = saved.file.read_bytes()
    with pytest.raises(InvalidInput, match="there already"):
        save_house(saved.house, saved.file, LOCK)
    assert saved.file.read_bytes() == before
    with pytest.raises(InvalidInput, match="recipient"):
        save_house(saved.house, tmp_path / "new", Lock(recipients=("age1nobody",)))
    with pytest.raises(InvalidInput, match="passphrase"):
        save_house(saved.house, tmp_path / "new", Lock())
    assert list(tmp_path.iterdir()) == []


def test_the_house_works_on_while_it_is_saved(saved: Saved, target: Target, tmp_path: Path) -> None:
    mine = saved.sides[0].organisation
    stop = threading.Event()
    decided: list[Decision] = []

    def work() -> None:
        while not stop.is_set():
            decided.append(decide(saved.house, mine, f"during-{len(decided)}", sha256=KNOWN_SHA256))

    working = threading.Thread(target=work)
    working.start()
    try:
        while len(decided) < 3:
            time.sleep(0.01)
        before = len(decided)
        save_house(saved.house, tmp_path / "busy", LOCK, secrets=True)
    finally:
        stop.set()
        working.join()
    restore(tmp_path / "busy", KEY, target, clock=utc_now)
    with restored(target) as house:
        check_books(house.database, house.ledger, mine)
        with house.database.owner() as connection:
            there = set(connection.execute(text("select id from decisions")).scalars())
    assert {one.id for one in decided[: before - 1]} <= there


def test_content_whose_time_was_over_while_it_was_saved_is_no_damage(
    saved: Saved, target: Target, tmp_path: Path
) -> None:
    """A blob that is gone is noted; one that the backup should have and has not is damage."""
    house = saved.house
    gone = next((house.settings.home / "blobs").rglob("*.age"))
    content = gone.read_bytes()
    gone.unlink()
    try:
        _, manifest = save_house(house, tmp_path / "less", LOCK, secrets=True)
    finally:
        gone.write_bytes(content)
    assert manifest.missing == (gone.relative_to(house.settings.home / "blobs").as_posix(),)
    assert restore(tmp_path / "less", KEY, target, clock=utc_now).manifest == manifest


KILLED = """
import sys
from pathlib import Path
from lapwing.operations.restore import restore
from lapwing.operations.sealing import Key
from lapwing.operations.side import Target
from lapwing.store.clock import utc_now
home = Path(sys.argv[2])
target = Target(home=home, secrets=home / "secrets", blobs_url=(home / "blobs").as_uri())
restore(Path(sys.argv[1]), Key(passphrase=sys.argv[3]), target, clock=utc_now)
"""


def test_a_restore_that_was_killed_is_cleared_away_by_the_next(
    saved: Saved, target: Target
) -> None:
    command = [sys.executable, "-c", KILLED, saved.file, target.home, KEY.passphrase or ""]
    process = subprocess.Popen(command)
    side = EmbeddedPostgres(target.home / SIDE)
    while not side.running():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (target.home / SIDE).exists()
    restore(saved.file, KEY, target, clock=utc_now)
    assert not (target.home / SIDE).exists()
    with restored(target) as house:
        assert state_of(house).secrets == saved.state.secrets


MEMORY = """
import os, resource, sys
from pathlib import Path
from lapwing.operations.sealing import Key, Lock, opened, sealed
from lapwing.operations.archive import Writer, entries
lock, key = Lock(passphrase="x"), Key(passphrase="x")
file = Path(sys.argv[1])
def fill(megabytes):
    with file.open("wb") as out, sealed(out, lock) as stream:
        writer = Writer(stream, lambda size: None)
        for number in range(megabytes):
            writer.add(f"blobs/{number}", os.urandom(1 << 20))
        writer.finish(())
    with file.open("rb") as source, opened(source, key) as stream:
        for entry in entries(stream):
            pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
small = fill(20)
print(fill(200) - small)
"""


def test_memory_does_not_grow_with_the_backup(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, tmp_path / "large"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 16 << 10, "kilobytes more for ten times as much"


def assert_untouched(target: Target) -> None:
    assert not target.home.exists() or os.listdir(target.home) == []
    assert not EmbeddedPostgres(target.home / SIDE).running()


def test_errors_tell_no_value_of_the_database(saved: Saved, tmp_path: Path) -> None:
    target = Target(
        home=tmp_path / "home",
        secrets=tmp_path / "home" / "secrets",
        blobs_url=(tmp_path / "home" / "blobs").as_uri(),
        database_url="postgresql://nobody:secret@127.0.0.1:1/none",
    )
    with pytest.raises(LapwingError) as told:
        restore(saved.file, KEY, target, clock=utc_now)
    assert "secret" not in str(told.value)
