"""The node's index follows the database: nothing late, nothing lost, nothing from elsewhere."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import text

from lapwing.bank import repository
from lapwing.bank.entries import entry_for
from lapwing.bank.live import LiveBank
from lapwing.bank.service import Bank
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import BankList, IndicatorKind, NewIndicator
from lapwing.store.clock import utc_now
from lapwing.store.database import Database

MakeList = Callable[..., BankList]


@pytest.fixture
def second_live(database: Database) -> Iterator[LiveBank]:
    """As another process would hold it: its own engines, its own index."""
    other = Database(database.url)
    yield LiveBank(other)
    other.close()


def a_code() -> NewIndicator:
    return NewIndicator(kind=IndicatorKind.PDQ, value=secrets.token_hex(32), quality=100)


def found(live: LiveBank, organisation: UUID, code: NewIndicator) -> list[int]:
    query = np.frombuffer(bytes.fromhex(code.value), np.uint8).reshape(1, 32)
    view = live.snapshot().view(organisation, utc_now())
    return [hit.indicator for hit in view.near(query)]


def test_an_added_hash_matches_and_a_withdrawn_one_stops_at_once_everywhere(
    bank: Bank, live: LiveBank, second_live: LiveBank, organisation: UUID, make_list: MakeList
) -> None:
    listed, code = make_list(organisation), a_code()
    assert found(live, organisation, code) == found(second_live, organisation, code) == []
    added = bank.add(organisation, SYSTEM, listed.id, [code])
    for each in (live, second_live):
        assert found(each, organisation, code) == list(added.ids)
        assert each.snapshot().generation >= added.generation
    bank.withdraw(organisation, SYSTEM, listed.id, ids=added.ids, why="mistake")
    for each in (live, second_live):
        assert found(each, organisation, code) == []


def test_every_kind_comes_and_goes(
    bank: Bank, live: LiveBank, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    name = secrets.token_hex(4)
    wanted = {
        IndicatorKind.PDQ: secrets.token_hex(32),
        IndicatorKind.MD5: secrets.token_hex(16),
        IndicatorKind.SHA1: secrets.token_hex(20),
        IndicatorKind.SHA256: secrets.token_hex(32),
        IndicatorKind.URL: f"{name}.example/bad",
        IndicatorKind.DOMAIN: f"{name}.example",
    }

    def seen() -> set[IndicatorKind]:
        view = live.snapshot().view(organisation, utc_now())
        return {
            kind
            for kind, value in wanted.items()
            for hit in view.exact(
                kind,
                [
                    value.encode()
                    if kind in (IndicatorKind.URL, IndicatorKind.DOMAIN)
                    else bytes.fromhex(value)
                ],
            )
            if hit.value == value and hit.kind is kind and hit.list == listed
        }

    entries = [NewIndicator(kind=kind, value=value) for kind, value in wanted.items()]
    assert seen() == set()
    ids = bank.add(organisation, SYSTEM, listed.id, entries).ids
    assert seen() == set(wanted)
    bank.withdraw(organisation, SYSTEM, listed.id, ids=ids[:3], why="mistake")
    assert seen() == set(list(wanted)[3:])
    assert LiveBank(live.database).snapshot().count(IndicatorKind.URL) >= 1


def test_an_unchanged_bank_gives_the_same_snapshot(
    bank: Bank, live: LiveBank, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    first = live.snapshot()
    assert live.snapshot() is first
    make_list(organisation)
    assert live.snapshot() is not first
    second = live.snapshot()
    bank.add(organisation, SYSTEM, listed.id, [])
    assert live.snapshot() is second


def test_following_and_loading_afresh_give_the_same_answers(
    bank: Bank, live: LiveBank, organisation: UUID, make_list: MakeList, database: Database
) -> None:
    listed = make_list(organisation)
    codes = [a_code() for _ in range(40)]
    rng = np.random.default_rng(1)
    for start in range(0, 40, 8):
        added = bank.add(organisation, SYSTEM, listed.id, codes[start : start + 8])
        live.snapshot()
        chosen = [added.ids[k] for k in rng.choice(8, 3, replace=False)]
        bank.withdraw(organisation, SYSTEM, listed.id, ids=chosen, why="mistake")
        live.snapshot()
    bank.add(organisation, SYSTEM, listed.id, codes)
    queries = np.array([list(bytes.fromhex(code.value)) for code in codes], np.uint8)
    at = utc_now()
    followed, loaded = live.snapshot(), LiveBank(database).snapshot()
    answers = followed.view(organisation, at).near(queries)
    assert len(answers) == 40
    assert answers == loaded.view(organisation, at).near(queries)
    assert len(followed) == len(loaded)


def test_an_organisation_never_sees_anothers_indicators(
    bank: Bank,
    live: LiveBank,
    organisation: UUID,
    other_organisation: UUID,
    make_list: MakeList,
) -> None:
    listed, code = make_list(organisation), a_code()
    make_list(other_organisation)
    bank.add(organisation, SYSTEM, listed.id, [code])
    assert len(found(live, organisation, code)) == 1
    assert found(live, other_organisation, code) == []
    assert listed not in live.snapshot().view(other_organisation, utc_now()).lists


def test_dates_and_distances_written_to_the_database_hold_in_the_index(
    bank: Bank, live: LiveBank, organisation: UUID, make_list: MakeList
) -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, 123457, tzinfo=UTC)
    listed = make_list(organisation, known_distance=0, near_distance=2)
    code = NewIndicator(
        kind=IndicatorKind.PDQ,
        value=secrets.token_hex(32),
        valid_from=at,
        valid_until=at + timedelta(microseconds=1),
    )
    bank.add(organisation, SYSTEM, listed.id, [code])
    query = np.frombuffer(bytes.fromhex(code.value), np.uint8).reshape(1, 32).copy()
    snapshot = live.snapshot()
    for moment, hits in ((-1, 0), (0, 1), (1, 0)):
        view = snapshot.view(organisation, at + timedelta(microseconds=moment))
        assert len(view.near(query)) == hits
    query[0, 0] ^= 0b111
    assert snapshot.view(organisation, at).near(query) == []


def test_a_writer_that_has_not_committed_hides_nothing_and_shows_nothing(
    bank: Bank,
    live: LiveBank,
    second_live: LiveBank,
    database: Database,
    organisation: UUID,
    make_list: MakeList,
) -> None:
    """A slow writer holds its generation; whoever comes after waits and is numbered after it."""
    listed = make_list(organisation)
    slow, quick = a_code(), a_code()
    started, may_end = Event(), Event()

    def write_slowly() -> None:
        with database.organisation(organisation) as connection:
            generation = repository.hold_generation(connection)
            repository.add_indicators(
                connection,
                listed,
                [entry_for(listed, slow)],
                at=utc_now(),
                generation=generation + 1,
            )
            repository.raise_generation(connection)
            started.set()
            may_end.wait(10)

    writer = Thread(target=write_slowly)
    writer.start()
    assert started.wait(10)
    assert found(live, organisation, slow) == []
    adder = Thread(target=lambda: bank.add(organisation, SYSTEM, listed.id, [quick]))
    adder.start()
    assert found(live, organisation, quick) == []
    may_end.set()
    writer.join()
    adder.join()
    for each in (live, second_live):
        assert len(found(each, organisation, slow)) == len(found(each, organisation, quick)) == 1


def test_readers_and_writers_at_once_never_see_the_past(
    bank: Bank, live: LiveBank, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    wrong: list[str] = []

    def write(_: int) -> None:
        for _ in range(6):
            code = a_code()
            ids = bank.add(organisation, SYSTEM, listed.id, [code]).ids
            if found(live, organisation, code) != list(ids):
                wrong.append("an added one did not match")
            bank.withdraw(organisation, SYSTEM, listed.id, ids=ids, why="mistake")
            if found(live, organisation, code):
                wrong.append("a withdrawn one still matched")

    threads = [Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_database_set_back_is_loaded_afresh(
    bank: Bank, live: LiveBank, organisation: UUID, make_list: MakeList, database: Database
) -> None:
    listed, code = make_list(organisation), a_code()
    bank.add(organisation, SYSTEM, listed.id, [code])
    assert len(found(live, organisation, code)) == 1
    newest = live.snapshot().generation
    with database.owner() as connection:
        connection.execute(text("delete from indicators where generation = :g"), {"g": newest})
        connection.execute(text("update bank_generation set generation = generation - 1"))
    try:
        assert found(live, organisation, code) == []
        assert live.snapshot().generation == newest - 1
    finally:  # other tests share the database and its counter
        with database.owner() as connection:
            connection.execute(text("update bank_generation set generation = generation + 1"))


def test_a_change_is_announced_when_it_commits(
    bank: Bank, database: Database, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    with database.owner() as connection:
        listener = connection.connection.driver_connection
        listener.execute("listen lapwing_bank")
        listener.commit()
        added = bank.add(organisation, SYSTEM, listed.id, [a_code()])
        heard = [notice.payload for notice in listener.notifies(timeout=5, stop_after=1)]
        listener.execute("unlisten *")
    assert heard == [str(added.generation)]
