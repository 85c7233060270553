"""One flipped bit anywhere in a large ledger is found and named: a million events in full size."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import pytest
from evidence_samples import events
from sqlalchemy import text

from lapwing.evidence.heads import SignedHead, head_to_text
from lapwing.evidence.ledger import Ledger
from lapwing.evidence.tiles import HASH, WIDTH
from lapwing.model.errors import IntegrityBroken
from lapwing.store.clock import utc_now
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring

FULL = os.environ.get("LAPWING_TEST_SIZE") == "full"
SIZE = 1_000_000 if FULL else 3_000
BATCH = 10_000 if FULL else 700
FLIPS = 12 if FULL else 8
SPANS = {"salt": 16, "body": 100, "commitment": 32}
"""Bytes of a column from whose beginning bits are turned."""

Change = Callable[..., None]


@pytest.fixture
def change(database: Database) -> Change:
    """Runs SQL as the owner of the database, whom nothing holds back."""

    def run(sql: str, **values: object) -> None:
        with database.owner() as connection:
            connection.execute(text("alter table ledger_events disable trigger only_erase"))
            done = connection.execute(text(sql), values)
            connection.execute(text("alter table ledger_events enable trigger only_erase"))
            assert done.rowcount > 0

    return run


@pytest.mark.slow
def test_whatever_is_done_to_a_large_ledger_is_named(
    database: Database, organisation: UUID, home: Path, tmp_path: Path, change: Change
) -> None:
    ledger = Ledger(Keyring(home / "secrets"), utc_now)
    for first in range(0, SIZE, BATCH):
        with database.organisation(organisation) as connection:
            head = ledger.append(connection, organisation, events(min(BATCH, SIZE - first), first))

    def verify(kept: SignedHead | None = head) -> int:
        with database.organisation(organisation) as connection:
            return ledger.verify(connection, organisation, kept).size

    def broken(kept: SignedHead | None = head) -> int | None:
        with pytest.raises(IntegrityBroken) as found:
            verify(kept)
        return found.value.position

    def exchange(place: int) -> None:
        """An event with the next; the table knows no negative place, so one waits at the end."""
        move = "update ledger_events set position = :n where organisation_id = :o and position = :p"
        for old, new in ((place, SIZE), (place + 1, place), (SIZE, place + 1)):
            change(move, o=organisation, p=old, n=new)

    assert verify() == SIZE
    chance = random.Random(7)  # noqa: S311 - to choose places
    places = [0, SIZE - 1, *(chance.randrange(SIZE) for _ in range(FLIPS - 2))]
    for place in places:
        column = chance.choice(list(SPANS))
        flip = (
            f"update ledger_events set {column} = set_bit({column}, :b, 1 - get_bit({column}, :b))"
            " where organisation_id = :o and position = :p"
        )
        bit = chance.randrange(8 * SPANS[column])
        change(flip, o=organisation, p=place, b=bit)
        assert broken() == place, (column, bit)
        change(flip, o=organisation, p=place, b=bit)

    export, kept, program = tmp_path / "export.ndjson", tmp_path / "head", tmp_path / "verify.py"
    with database.organisation(organisation) as connection, export.open("wb") as file:
        file.writelines(ledger.export(connection, organisation))
    kept.write_text(head_to_text(head), encoding="utf-8")
    program.write_bytes(
        files("lapwing.evidence.standalone").joinpath("verify_ledger.py").read_bytes()
    )
    command = [sys.executable, "-I", program, "ledger", export, "--head", kept, "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["root"] == head.root

    place = SIZE // 3
    exchange(place)
    assert broken() == place
    exchange(place)
    cut = (SIZE // BATCH - 1) * BATCH
    for table, column in (("ledger_events", "position"), ("ledger_heads", "size - 1")):
        change(
            f"delete from {table} where organisation_id = :o and {column} >= :p",
            o=organisation,
            p=cut,
        )
    trim_tiles(database, organisation, cut)
    assert verify(None) == cut
    assert broken() == cut
    change(
        "delete from ledger_events where organisation_id = :o and position = :p",
        o=organisation,
        p=place,
    )
    assert broken(None) == place


def trim_tiles(database: Database, organisation: UUID, size: int) -> None:
    """Leave of the stored tree what belongs to the first `size` events."""
    level, below = 0, size
    while below:
        number, held = divmod(below, WIDTH)
        with database.owner() as connection:
            connection.execute(
                text(
                    "delete from ledger_tiles where organisation_id = :o and level = :l"
                    " and number >= :n"
                ),
                {"o": organisation, "l": level, "n": number + (held > 0)},
            )
            connection.execute(
                text(
                    "update ledger_tiles set hashes = substring(hashes from 1 for :h)"
                    " where organisation_id = :o and level = :l and number = :n"
                ),
                {"o": organisation, "l": level, "n": number, "h": held * HASH},
            )
        level, below = level + 1, number
    with database.owner() as connection:
        connection.execute(
            text("delete from ledger_tiles where organisation_id = :o and level >= :l"),
            {"o": organisation, "l": level},
        )
