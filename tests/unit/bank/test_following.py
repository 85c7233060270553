"""A process that follows the bank is level without being asked, whatever goes wrong on the way."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from uuid import UUID

import numpy as np
import pytest
import watching
from numpy.typing import NDArray
from sqlalchemy import text

from lapwing.bank import repository
from lapwing.bank.following import Follower
from lapwing.bank.generations import Generations
from lapwing.bank.index.snapshot import Snapshot
from lapwing.bank.keeping import Keeper, Keeping
from lapwing.bank.live import FRESH_SECONDS, LiveBank
from lapwing.bank.service import Bank
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import BankList, IndicatorKind, NewIndicator
from lapwing.store.clock import utc_now
from lapwing.store.database import Database

MakeList = Callable[..., BankList]
EAGER = Keeping(least=1, share=0.0, look_seconds=0.02, rest=0.0, retry_seconds=0.1)


def a_code() -> NewIndicator:
    return NewIndicator(kind=IndicatorKind.PDQ, value=secrets.token_hex(32), quality=100)


def asked(code: NewIndicator) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex(code.value), np.uint8).reshape(1, 32)


def sees(snapshot: Snapshot, organisation: UUID, code: NewIndicator) -> bool:
    return bool(snapshot.view(organisation, utc_now()).near(asked(code)))


def waited_for(what: Callable[[], bool], seconds: float = 20.0) -> float:
    """How long it took until that was so."""
    began = monotonic()
    while not what():
        assert monotonic() - began < seconds, "it never came"
        sleep(0.001)
    return monotonic() - began


@contextmanager
def following(
    database: Database, folder: Path | None = None, keeping: Keeping | None = None
) -> Iterator[LiveBank]:
    """As a process of its own would: its engines, its index, over the node's folder."""
    own = Database(database.url)
    live = LiveBank(own, None if folder is None else Generations(folder, "test"))
    follower = Follower(live, keeping)
    follower.start()
    try:
        live.snapshot()
        yield live
    finally:
        follower.stop()
        own.close()


def held(live: LiveBank) -> Snapshot:
    return live.held.snapshot


def test_a_change_comes_without_being_asked_for(
    bank: Bank, database: Database, organisation: UUID, make_list: MakeList, tmp_path: Path
) -> None:
    listed, code = make_list(organisation), a_code()
    with following(database, tmp_path / "bank") as live:
        waited_for(lambda: live.held.base is not None)  # all is compiled by then
        added = bank.add(organisation, SYSTEM, listed.id, [code])
        assert waited_for(lambda: sees(held(live), organisation, code)) < 1
        assert held(live).generation >= added.generation
        bank.withdraw(organisation, SYSTEM, listed.id, ids=added.ids, why="mistake")
        assert waited_for(lambda: not sees(held(live), organisation, code)) < 1


def test_a_lost_notification_costs_at_most_a_second(
    bank: Bank,
    database: Database,
    organisation: UUID,
    make_list: MakeList,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = make_list(organisation)
    monkeypatch.setattr(repository, "CHANNEL", "somewhere_else")
    with following(database) as live:
        monkeypatch.undo()
        waits = []
        for _ in range(3):
            code = a_code()
            bank.add(organisation, SYSTEM, listed.id, [code])
            waits.append(waited_for(lambda code=code: sees(held(live), organisation, code)))  # type: ignore[misc]
    assert max(waits) < 1


def test_recent_asks_nothing_while_it_is_followed_and_the_database_when_it_is_not(
    bank: Bank,
    database: Database,
    organisation: UUID,
    make_list: MakeList,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = make_list(organisation)
    queries: list[int] = []
    with following(database) as live:
        once = LiveBank.snapshot
        monkeypatch.setattr(LiveBank, "snapshot", lambda self: (queries.append(1), once(self))[1])
        waited_for(lambda: live.fresh() is not None)
        for _ in range(100):
            live.recent()
        assert not queries
        live.recent(at_least=held(live).generation + 1)
        assert len(queries) == 1
    # Nobody follows any more, so every answer is asked for.
    code = a_code()
    bank.add(organisation, SYSTEM, listed.id, [code])
    assert sees(live.recent(), organisation, code)
    assert len(queries) == 2


def test_what_this_node_has_acknowledged_counts_at_once_in_every_process_of_it(
    bank: Bank, database: Database, organisation: UUID, make_list: MakeList, tmp_path: Path
) -> None:
    """Nobody hears of it, and yet nobody answers from before it: the tidemark is shared."""
    listed = make_list(organisation)
    with (
        following(database, tmp_path / "bank") as one,
        following(database, tmp_path / "bank") as two,
    ):
        # The writer is a third process of the node.
        LiveBank(bank._database, Generations(tmp_path / "bank", "test"))
        for _ in range(30):
            code = a_code()
            ids = bank.add(organisation, SYSTEM, listed.id, [code]).ids
            assert sees(two.recent(), organisation, code)
            assert sees(one.recent(), organisation, code)
            bank.withdraw(organisation, SYSTEM, listed.id, ids=ids, why="mistake")
            assert not sees(one.recent(), organisation, code)
            assert not sees(two.recent(), organisation, code)


def test_a_tidemark_that_is_too_high_is_corrected(database: Database, tmp_path: Path) -> None:
    with following(database, tmp_path / "bank") as live:
        live.heard(10**12)
        assert live.fresh() is None
        assert live.recent().generation < 10**12
        assert waited_for(lambda: live.fresh() is not None) < 2


def test_it_follows_again_when_the_database_was_away(
    bank: Bank, database: Database, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    with following(database) as live:
        for _ in range(2):
            with database.owner() as connection:
                ended = connection.execute(
                    text(
                        "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                        "where query ilike '%bank_changes%' and pid <> pg_backend_pid() "
                        "and datname = current_database()"
                    )
                ).scalar_one()
            assert ended
            code = a_code()
            bank.add(organisation, SYSTEM, listed.id, [code])
            assert waited_for(lambda code=code: sees(held(live), organisation, code)) < 5  # type: ignore[misc]
        waited_for(lambda: live.fresh() is not None)


def test_a_bank_that_was_set_back_and_went_another_way_is_read_anew(
    bank: Bank, database: Database, organisation: UUID, make_list: MakeList, tmp_path: Path
) -> None:
    """The numbers are the same again, what they stand for is not; memory and file both go."""
    listed, undone, instead = make_list(organisation), a_code(), a_code()
    with following(database, tmp_path / "bank", EAGER) as live:
        bank.add(organisation, SYSTEM, listed.id, [undone])
        newest = live.snapshot().generation
        waited_for(lambda: live.held.base_generation == newest)
        with database.owner() as connection:
            connection.execute(text("delete from indicators where generation = :g"), {"g": newest})
            connection.execute(text("update bank_generation set generation = generation - 1"))
        assert bank.add(organisation, SYSTEM, listed.id, [instead]).generation == newest
        snapshot = live.snapshot()
        assert snapshot.generation == newest
        assert sees(snapshot, organisation, instead)
        assert not sees(snapshot, organisation, undone)
        waited_for(lambda: sees(live.recent(), organisation, instead), FRESH_SECONDS + 1)
    with following(database, tmp_path / "bank") as again:
        assert sees(held(again), organisation, instead)
        assert not sees(held(again), organisation, undone)


def test_a_file_of_another_database_is_refused(
    bank: Bank, database: Database, organisation: UUID, make_list: MakeList, tmp_path: Path
) -> None:
    listed, code = make_list(organisation), a_code()
    bank.add(organisation, SYSTEM, listed.id, [code])
    files = Generations(tmp_path / "bank", "test")
    generation = LiveBank(database).snapshot().generation
    foreign = files.write(Snapshot(generation, (), (), Snapshot.empty().shelves), UUID(int=5))
    live = LiveBank(database, files)
    assert sees(live.snapshot(), organisation, code)
    assert live.held.base is None
    assert not foreign.exists()


def test_all_processes_stand_on_the_file_that_one_wrote_and_a_damaged_one_is_replaced(
    bank: Bank, database: Database, organisation: UUID, make_list: MakeList, tmp_path: Path
) -> None:
    listed, code = make_list(organisation), a_code()
    bank.add(organisation, SYSTEM, listed.id, [code])
    folder = tmp_path / "bank"
    with following(database, folder) as one, following(database, folder) as two:
        waited_for(lambda: one.held.base is not None and one.held.base == two.held.base)
        base = one.held.base
        assert base is not None
        assert one.held.snapshot.apart() == two.held.snapshot.apart() == 0
        whole = bytearray(base.read_bytes())
        whole[-1] ^= 1
        replaced = base.with_name("x")
        replaced.write_bytes(whole)
        replaced.rename(base)  # those who have mapped it keep what they have
        with following(database, folder) as three:
            assert sees(held(three), organisation, code)
            waited_for(lambda: three.held.base is not None)
            assert three.held.base != base
        assert sees(one.recent(), organisation, code)


def test_many_changes_merged_beside_searches_answer_as_the_database_says(
    bank: Bank, database: Database, organisation: UUID, make_list: MakeList, tmp_path: Path
) -> None:
    """Files are written all the time while others search, add and withdraw."""
    listed = make_list(organisation)
    stop, wrong = Event(), list[str]()
    standing = [a_code() for _ in range(40)]
    bank.add(organisation, SYSTEM, listed.id, standing)
    queries = np.concatenate([asked(code) for code in standing])

    def search(live: LiveBank) -> None:
        while not stop.is_set():
            hits = live.recent().view(organisation, utc_now()).near(queries)
            if {hit.query for hit in hits} != set(range(40)):
                wrong.append(f"{len(hits)} of 40 found")

    with following(database, tmp_path / "bank", EAGER) as live:
        threads = [Thread(target=search, args=(live,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        chance = np.random.default_rng(7)
        passing: dict[int, NewIndicator] = {}
        bases = set()
        for _ in range(60):
            codes = [a_code() for _ in range(int(chance.integers(1, 30)))]
            added = bank.add(organisation, SYSTEM, listed.id, codes)
            passing |= dict(zip(added.ids, codes, strict=True))
            gone = chance.choice(list(passing), min(len(passing), 10), replace=False).tolist()
            bank.withdraw(organisation, SYSTEM, listed.id, ids=gone, why="mistake")
            for identity in gone:
                del passing[identity]
            bases.add(live.held.base_generation)
        stop.set()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert len(bases) > 5
        view = live.snapshot().view(organisation, utc_now())
        found = view.near(np.concatenate([asked(code) for code in [*standing, *passing.values()]]))
        assert len(found) == 40 + len(passing)
        assert LiveBank(database).snapshot().count(IndicatorKind.PDQ) == live.snapshot().count(
            IndicatorKind.PDQ
        )


def test_a_file_that_cannot_be_written_costs_nothing_but_memory(
    bank: Bank,
    database: Database,
    organisation: UUID,
    make_list: MakeList,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    listed, code = make_list(organisation), a_code()
    folder = tmp_path / "bank"
    folder.write_text("a file where the folder should be")
    live = LiveBank(database, Generations(folder, "test"))
    keeper = Keeper(live, EAGER)
    live.snapshot()
    keeper.look()
    assert "bank.cannot_write" in capfd.readouterr().err
    bank.add(organisation, SYSTEM, listed.id, [code])
    assert sees(live.snapshot(), organisation, code)
    folder.unlink()
    keeper.look()
    waited_for(lambda: (keeper.look(), live.held.base is not None)[1])
    assert sees(live.snapshot(), organisation, code)


def test_nobody_waits_for_a_file_that_cannot_be_written(
    bank: Bank, database: Database, organisation: UUID, make_list: MakeList, tmp_path: Path
) -> None:
    """The first has loaded and cannot write; the second loads by itself."""
    code = a_code()
    bank.add(organisation, SYSTEM, make_list(organisation).id, [code])
    folder = tmp_path / "bank"
    first, second = (LiveBank(database, Generations(folder, "test")) for _ in range(2))
    first.followed = second.followed = True
    first.snapshot()
    assert first.generations is not None
    assert second.generations is not None
    assert not second.generations.become_writer()
    answered: list[bool] = []
    waiting = Thread(
        target=lambda: answered.append(sees(second.snapshot(), organisation, code)), daemon=True
    )
    waiting.start()
    sleep(0.3)
    assert not answered
    first.generations.resign()  # as the keeper does when writing fails
    waiting.join(20)
    assert answered == [True]


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from pathlib import Path
from uuid import UUID
from lapwing.bank.generations import Generations
from lapwing.bank.keeping import Keeper, Keeping
from lapwing.bank.live import LiveBank
from lapwing.store.database import Database
folder = Path(sys.argv[2])
live = LiveBank(Database(sys.argv[1]), Generations(folder, "test"))
keeper = Keeper(live, Keeping(retry_seconds=0))
before = len(live.snapshot())
other = Generations(folder, "test")
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
keeper.look()
assert live.held.base is None and not list(folder.glob("*.bank")), list(folder.iterdir())
assert not list(folder.glob(".generation-*")), "a draft was left"
assert other.become_writer(), "processes that wait for a file would wait in vain"
other.resign()
assert len(live.snapshot()) == before > 0
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
keeper.look()
assert live.held.base is not None and len(live.snapshot()) == before
"""


def test_no_room_for_a_file_is_said_served_through_and_tried_again(
    bank: Bank, database: Database, organisation: UUID, make_list: MakeList, tmp_path: Path
) -> None:
    bank.add(organisation, SYSTEM, make_list(organisation).id, [a_code() for _ in range(200)])
    url = database.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, url, str(tmp_path / "bank")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "bank.not_written" in done.stderr


@contextmanager
def watcher(
    database: Database, folder: Path, organisation: UUID
) -> Iterator[subprocess.Popen[str]]:
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, watching.__file__, url, str(folder), str(organisation)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        with suppress(BrokenPipeError):
            assert child.stdin is not None
            child.stdin.close()
        child.wait(30)


def test_another_process_hears_of_a_change_long_before_it_would_look(
    bank: Bank, database: Database, organisation: UUID, make_list: MakeList, tmp_path: Path
) -> None:
    """From the writer's answer to the first search that has it, in a process of its own."""
    listed = make_list(organisation)
    with (
        following(database, tmp_path / "bank"),
        watcher(database, tmp_path / "bank", organisation) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline().startswith("ready")
        waits = []
        for _ in range(10):
            code = a_code()
            child.stdin.write(f"add {code.value}\n")
            child.stdin.flush()
            sleep(0.05)
            ids = bank.add(organisation, SYSTEM, listed.id, [code]).ids
            waits.append(heard_after(child))
            child.stdin.write(f"gone {code.value}\n")
            child.stdin.flush()
            sleep(0.05)
            bank.withdraw(organisation, SYSTEM, listed.id, ids=ids, why="mistake")
            waits.append(heard_after(child))
    # Looking alone would have a third of them so soon; `lapwing bench live` has the figures.
    assert sorted(waits)[len(waits) * 3 // 4] < 0.3, waits
    assert max(waits) < 2 * FRESH_SECONDS


def heard_after(child: subprocess.Popen[str]) -> float:
    done = monotonic()
    assert child.stdout is not None
    when, _ = child.stdout.readline().split()
    return float(when) - done


def test_a_killed_writer_is_followed_by_another(
    bank: Bank, database: Database, organisation: UUID, make_list: MakeList, tmp_path: Path
) -> None:
    bank.add(organisation, SYSTEM, make_list(organisation).id, [a_code()])
    folder = tmp_path / "bank"
    with watcher(database, folder, organisation) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("ready")
        other = Generations(folder, "test")
        waited_for(lambda: bool(other.found()))
        assert not other.become_writer()
        child.send_signal(signal.SIGKILL)
        child.wait(30)
        assert other.become_writer()
