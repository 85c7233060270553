"""kill -9 of everything at once, in the middle of a batch: nothing acknowledged is lost.

LAPWING_TEST_SIZE=full kills 20 times, otherwise 5. The seed of the moments is in the failure.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import msgspec
import psutil
import pytest
import sending
from sqlalchemy import text

from books import check_books
from lapwing.app import House, open_house
from lapwing.bank.changes import NewList
from lapwing.evidence.heads import SignedHead
from lapwing.law.registry import may_keep_content
from lapwing.law.rows import LawRow
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import IndicatorKind, ListKind, NewIndicator
from lapwing.model.organisations import OrganisationKind
from lapwing.store.embedded import EmbeddedPostgres

KILLS = 20 if os.environ.get("LAPWING_TEST_SIZE") == "full" else 5
LONGEST_WAIT = 0.8
"""Seconds after the first acknowledgement of a round; several batches long."""


class Line(msgspec.Struct):
    """What the sender wrote: that it begins a batch, or that the batch was acknowledged."""

    begun: int | None = None
    batch: int = -1
    decisions: dict[str, UUID] = {}


@pytest.fixture
def embedded(home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home)
    server.start()
    yield server
    server.remove()


@pytest.mark.slow
def test_a_killed_house_loses_and_doubles_nothing(
    home: Path, tmp_path: Path, embedded: EmbeddedPostgres
) -> None:
    seed = random.SystemRandom().getrandbits(32)
    moments = random.Random(seed)  # noqa: S311
    files = [tmp_path / f"round-{kill}" for kill in range(KILLS)]
    organisation = found(home)
    head: SignedHead | None = None
    unheard = 0
    for kill, file in enumerate(files):
        said = f"seed {seed}, kill {kill}"
        first = restart(files[:kill])
        child = subprocess.Popen(
            [sys.executable, sending.__file__, home, str(organisation), file, str(first)],
            start_new_session=True,
            stderr=(tmp_path / "errors").open("ab"),
        )
        try:
            wait_for_one(file, child, said)
            time.sleep(moments.uniform(0, LONGEST_WAIT))
        finally:
            kill_everything(child, embedded, moments)
        assert under_way(file), f"no batch was under way ({said})"
        head, unheard = check_after(home, organisation, files, head, said)
    resend(home, organisation, files)
    print(f"{KILLS} kills, {unheard} commits whose answer was lost, seed {seed}")


def found(home: Path) -> UUID:
    """An organisation that keeps content and lists one picture."""
    house = open_house(sending.settings(home))
    basis = may_keep_content(OrganisationKind.PLATFORM, "US")
    assert isinstance(basis, LawRow)
    organisation = house.members.create_organisation(
        name="kill",
        kind=OrganisationKind.PLATFORM,
        country="US",
        keep_content=basis.id,
        keep_days=30,
    ).id
    listed = house.bank.create_list(
        organisation,
        SYSTEM,
        NewList(
            name="known",
            kind=ListKind.BLOCK,
            source="test",
            basis="test",
            category="test",
            verified=True,
        ),
    )
    entry = NewIndicator(kind=IndicatorKind.PDQ, value=sending.KNOWN_PDQ, quality=100)
    house.bank.add(organisation, SYSTEM, listed.id, [entry])
    house.close()
    return organisation


def lines(file: Path) -> list[Line]:
    """Whole lines only: one cut short by the kill was never read by anybody."""
    if not file.exists():
        return []
    return [msgspec.json.decode(line, type=Line) for line in file.read_bytes().split(b"\n")[:-1]]


def acknowledged(files: Iterable[Path]) -> list[Line]:
    return [line for file in files for line in lines(file) if line.begun is None]


def under_way(file: Path) -> set[int | None]:
    """Batches of a round that were begun and not acknowledged."""
    return {line.begun for line in lines(file)} - {line.batch for line in lines(file)} - {None}


def restart(files: Iterable[Path]) -> int:
    """Some batches back, so that each round also sends again what was acknowledged before."""
    return max(0, max((line.batch for line in acknowledged(files)), default=-1) - 2)


def wait_for_one(file: Path, child: subprocess.Popen[bytes], said: str) -> None:
    patience = time.monotonic() + 120
    while not acknowledged([file]):
        assert child.poll() is None, f"the sender ended by itself ({said})"
        assert time.monotonic() < patience, f"nothing was acknowledged ({said})"
        time.sleep(0.01)


def kill_everything(
    child: subprocess.Popen[bytes], embedded: EmbeddedPostgres, moments: random.Random
) -> None:
    """The sender's whole session and every process of the server, in any order."""
    victims = [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]
    with suppress(FileNotFoundError, psutil.NoSuchProcess):
        postmaster = int((embedded.data / "postmaster.pid").read_text().splitlines()[0])
        server = psutil.Process(postmaster)
        victims += [server, *server.children(recursive=True)]
    moments.shuffle(victims)
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            victim.send_signal(signal.SIGKILL)
    child.wait()


def check_after(
    home: Path, organisation: UUID, files: list[Path], head: SignedHead | None, said: str
) -> tuple[SignedHead, int]:
    """Everything acknowledged is there and the books agree; returns the new head to compare with
    and how many batches were committed without the sender having heard of it so far.
    """
    house = open_house(sending.settings(home))
    try:
        check_books(house.database, house.ledger, organisation)
        with house.database.organisation(organisation) as connection:
            house.ledger.verify(connection, organisation, head)
            rows = connection.execute(
                text("select i.source_id, d.id from items i join decisions d on d.item_id = i.id")
            )
            on_record = {row.source_id: row.id for row in rows}
            kept = connection.execute(
                text("select path from vault_objects union select cover_path from vault_objects")
            )
            for path in kept.scalars():
                assert house.blobs.exists(path), f"{path} is not in the vault ({said})"
            new_head = house.ledger.head(connection, organisation)
        assert new_head is not None
        promised = {key: id for one in acknowledged(files) for key, id in one.decisions.items()}
        lost = {key for key, id in promised.items() if on_record.get(key) != id}
        assert not lost, f"{len(lost)} acknowledged items are lost or decided anew ({said})"
        assert len(on_record) % sending.BATCH == 0, f"half a batch is on record ({said})"
        return new_head, (len(on_record) - len(promised)) // sending.BATCH
    finally:
        house.close()


def resend(home: Path, organisation: UUID, files: list[Path]) -> None:
    """Sending everything again changes nothing that was there."""
    house: House = open_house(sending.settings(home))
    try:
        before = check_books(house.database, house.ledger, organisation)
        last = max(one.batch for one in acknowledged(files))
        known = {one.batch for one in acknowledged(files)}
        fresh = 0
        for number in range(last + 1):
            again = house.screening.screen(
                organisation, SYSTEM, sending.batch(organisation, number)
            )
            assert again.fresh in (0, sending.BATCH)
            assert number not in known or again.fresh == 0
            fresh += again.fresh
        after = check_books(house.database, house.ledger, organisation)
        assert after.items == before.items + fresh
    finally:
        house.close()
