"""kill -9 while the bank is imported and its file is written: the index equals the database.

LAPWING_TEST_SIZE=full kills 50 times, otherwise 6. Every other kill meets a file being written.
The seed of the moments is in the failure.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from uuid import UUID

import growing_bank
import msgspec
import pytest
from sqlalchemy import text

from lapwing.app import House, open_house
from lapwing.bank.changes import NewList
from lapwing.bank.index.snapshot import Snapshot
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import ListKind
from lapwing.model.organisations import OrganisationKind
from lapwing.settings import Settings
from lapwing.store.embedded import EmbeddedPostgres

KILLS = 50 if os.environ.get("LAPWING_TEST_SIZE") == "full" else 6
LONGEST_WAIT = 1.5
PATIENCE = 120.0

Standing = dict[tuple[str, UUID], set[int]]
"""Ids by kind and list."""


@pytest.fixture
def embedded(home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home)
    server.start()
    yield server
    server.remove()


@pytest.mark.slow
def test_a_bank_killed_while_it_grows_is_the_databases_bank(
    home: Path, tmp_path: Path, embedded: EmbeddedPostgres
) -> None:
    seed = random.SystemRandom().getrandbits(32)
    moments = random.Random(seed)  # noqa: S311
    journal = tmp_path / "acknowledged"
    organisation, listed = found(home)
    drafts = left = sizes = 0
    for kill in range(KILLS):
        said = f"seed {seed}, kill {kill}"
        child = subprocess.Popen(
            [sys.executable, growing_bank.__file__, home, str(organisation), str(listed), journal],
            stderr=(tmp_path / "errors").open("ab"),
        )
        files, acknowledged = files_of(home), len(lines(journal))

        def grown(acknowledged: int = acknowledged) -> bool:
            return len(lines(journal)) > acknowledged

        def written(files: set[Path] = files) -> bool:
            return bool(files_of(home) - files)

        try:
            wait_until(child, grown, said)
            if kill % 2:
                stop_while_writing(child, home, said)
            else:
                wait_until(child, written, said)
                time.sleep(moments.uniform(0, LONGEST_WAIT))
        finally:
            child.kill()
            child.wait()
        drafts += draft_of(home)
        left += bool(files_of(home))
        sizes = check(home, journal, organisation, said)
    assert drafts >= KILLS // 2, "too few kills met a file being written"
    assert left > KILLS // 2, "hardly any file was there after a kill"
    print(f"{KILLS} kills, {drafts} drafts and {left} files left, {sizes} standing, seed {seed}")


def check(home: Path, journal: Path, organisation: UUID, said: str) -> int:
    """The index over the file that was left is the database's, and keeps what was promised."""
    house = open_house(settings(home))
    try:
        there = in_database(house)
        snapshot = house.live.snapshot()
        here = in_index(snapshot)
        assert here == there, f"the index is another one than the database ({said})"
        based = house.live.held.base is not None
        # What stands in the index is what is found: asked for by value, as a caller would.
        assert searched(house, snapshot, organisation) == len(snapshot), said
        standing = set().union(*there.values())
        lasting = lines(journal)
        added = {identity for line in lasting for identity in line.added}
        leaving = {identity for line in lasting for identity in line.leaving}
        gone = {identity for line in lasting for identity in line.gone}
        assert added - leaving <= standing, f"an acknowledged one is lost ({said})"
        assert not gone & standing, f"a withdrawn one is served ({said})"
        assert based is bool(files_of(home)), f"a file was not believed ({said})"
        return len(standing)
    finally:
        house.close()


def in_database(house: House) -> Standing:
    with house.database.owner() as connection:
        rows = connection.execute(
            text(
                "select kind, list_id, array_agg(id) from indicators where withdrawn_at is null "
                "group by kind, list_id"
            )
        )
        return {(kind, list_id): set(ids) for kind, list_id, ids in rows}


def in_index(snapshot: Snapshot) -> Standing:
    standing: Standing = {}
    for kind, shelf in snapshot.shelves.items():
        for layer in shelf.layers:
            columns = layer.columns()
            for identity, number in zip(
                columns.ids.tolist(), columns.list_no.tolist(), strict=True
            ):
                key = (kind.value, snapshot.lists[number].id)
                assert identity not in standing.setdefault(key, set()), "twice in the index"
                standing[key].add(identity)
    return standing


def searched(house: House, snapshot: Snapshot, organisation: UUID) -> int:
    """How many standing indicators a search for every value that ever stood finds."""
    view = snapshot.view(organisation, house.clock())
    found: set[int] = set()
    with house.database.owner() as connection:
        rows = connection.execute(text("select kind, array_agg(value) from indicators group by 1"))
        for kind, values in rows:
            found |= {hit.indicator for hit in view.exact(kind, [bytes(one) for one in values])}
    return len(found)


def settings(home: Path) -> Settings:
    return Settings.read({"LAPWING_HOME": str(home)})


def found(home: Path) -> tuple[UUID, UUID]:
    """An organisation with a list."""
    house = open_house(settings(home))
    organisation = house.members.create_organisation(
        name="kill", kind=OrganisationKind.PLATFORM, country="US"
    ).id
    new = NewList(name="growing", kind=ListKind.BLOCK, source="test", basis="test", category="test")
    listed = house.bank.create_list(organisation, SYSTEM, new).id
    house.close()
    return organisation, listed


def files_of(home: Path) -> set[Path]:
    return set((home / "bank").glob("generation-*"))


def draft_of(home: Path) -> bool:
    return any((home / "bank").glob(".generation-*"))


def lines(journal: Path) -> list[growing_bank.Line]:
    """Whole lines only: one cut short by the kill was never read by anybody."""
    if not journal.exists():
        return []
    whole = [line for line in journal.read_bytes().split(b"\n")[:-1] if line.endswith(b"}")]
    return [msgspec.json.decode(line, type=growing_bank.Line) for line in whole]


def stop_while_writing(child: subprocess.Popen[bytes], home: Path, said: str) -> None:
    """Stand it still in the middle of writing a file; it is gone before it has moved again."""
    until = time.monotonic() + PATIENCE
    while True:
        wait_until(child, partial(draft_of, home), said)
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        if draft_of(home):
            return
        child.send_signal(signal.SIGCONT)
        assert time.monotonic() < until, f"no file was being written ({said})"


def wait_until(child: subprocess.Popen[bytes], so: Callable[[], bool], said: str) -> None:
    until = time.monotonic() + PATIENCE
    while not so():
        assert child.poll() is None, f"it ended by itself ({said})"
        assert time.monotonic() < until, f"it never came ({said})"
        time.sleep(0.002)
