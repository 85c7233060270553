"""kill -9 while a hash-list file is imported; run again, the list is the file, whole and once.

LAPWING_TEST_SIZE=full kills 50 times, otherwise 4. The seed of the moments is in the failure.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from hash_list_files import vics_stream
from lapwing.app import House, open_house
from lapwing.bank.changes import NewList
from lapwing.intake.hash_lists.vics import VicsFile
from lapwing.model.actors import SYSTEM
from lapwing.model.hash_lists import ListedMedia
from lapwing.model.indicators import ListKind
from lapwing.model.organisations import OrganisationKind
from lapwing.settings import Settings

KILLS = 50 if os.environ.get("LAPWING_TEST_SIZE") == "full" else 4
ROWS = 30_000
LONGEST_WAIT = 2.0
PATIENCE = 300.0


@pytest.mark.slow
def test_an_import_killed_at_any_moment_and_run_again_gives_the_whole_list(
    home: Path, empty_database: str, tmp_path: Path
) -> None:
    seed = random.SystemRandom().getrandbits(32)
    moments = random.Random(seed)  # noqa: S311
    file = tmp_path / "list.json"
    with file.open("wb") as to:
        to.writelines(vics_stream(ROWS))
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("LAPWING_")
    } | {"LAPWING_HOME": str(home), "LAPWING_DATABASE_URL": empty_database}
    listed = found(environment)
    words = ["--kind", "block", "--provenance", "partner", "--profile", "iped", "--json"]
    command = [sys.executable, "-m", "lapwing", "bank", "import", str(file), "--list", listed]
    for kill in range(KILLS):
        before = count(empty_database)
        child = subprocess.Popen(
            [*command, *words], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            limit = time.monotonic() + PATIENCE
            while count(empty_database) == before < 2 * ROWS:
                assert child.poll() is None, f"seed {seed}: ended before kill {kill}"
                assert time.monotonic() < limit, f"seed {seed}, kill {kill}: nothing imported"
                time.sleep(0.02)
            time.sleep(moments.uniform(0, LONGEST_WAIT))
        finally:
            child.kill()
            child.communicate()
        assert count(empty_database) % 20_000 == 0, f"seed {seed}: half a batch stands"
    done = subprocess.run([*command, *words], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    check(environment, file, listed)


def found(environment: dict[str, str]) -> str:
    house = open_house(Settings.read(environment))
    try:
        mine = house.members.create_organisation(
            name="Killed", kind=OrganisationKind.PLATFORM, country="US"
        )
        new = NewList(
            name="Theirs", kind=ListKind.BLOCK, source="us", basis="verdict", category="a"
        )
        return str(house.bank.create_list(mine.id, SYSTEM, new).id)
    finally:
        house.close()


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from indicators").fetchone()
    assert row is not None
    return int(row[0])


def check(environment: dict[str, str], file: Path, listed: str) -> None:
    """Every hash of the file stands once, in the database and in the index, and nothing else."""
    with file.open("rb") as stream:
        wanted = {
            (kind.value, value)
            for row in VicsFile(stream)
            if isinstance(row, ListedMedia)
            for kind, value in row.hashes
        }
    house: House = open_house(Settings.read(environment))
    try:
        (mine,) = house.members.organisations()
        with house.database.organisation(mine.id) as connection:
            rows = connection.exec_driver_sql("select kind, value from indicators").all()
            house.ledger.verify(connection, mine.id)
        assert len(rows) == len(wanted) == 2 * ROWS
        assert {(row.kind, bytes(row.value)) for row in rows} == wanted
        assert len(house.live.snapshot()) == 2 * ROWS
    finally:
        house.close()
