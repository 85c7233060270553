"""An old backup is of yesterday: what has gone since stays gone, and nothing is filed twice.

And a backup that does not belong here, or a disk that is full, leaves nothing half done.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from saved_houses import KEY, LOCK, Saved, files_in, restored, save_house
from sqlalchemy import text

from books import check_books
from lapwing.app import open_house
from lapwing.model.errors import LapwingError, NotFound, Unavailable
from lapwing.operations.restore import restore
from lapwing.operations.side import SIDE, Target
from lapwing.report.erasing import erase_due
from lapwing.report.records import ReportState
from lapwing.settings import Settings
from lapwing.store.clock import utc_now
from lapwing.store.database import Database
from report_world import World, opened_world

MONTHS = timedelta(days=60)


def vault_files(home: Path) -> dict[str, bytes]:
    return files_in(home / "blobs" / "vault")


def test_content_whose_time_has_come_since_is_not_put_back(saved: Saved, target: Target) -> None:
    done = restore(saved.file, KEY, target, clock=lambda: utc_now() + MONTHS)
    assert done.redone.blobs_deleted == len(vault_files(saved.house.settings.home)) > 0
    assert vault_files(target.home) == {}
    with restored(target) as house:
        for side in saved.sides:
            mine, later = side.organisation, utc_now() + MONTHS
            with house.database.organisation(mine) as connection:
                assert house.vault.sweep(connection, mine, later) > 0, (
                    "the rows follow, with leaves"
                )
                with pytest.raises(NotFound, match="deleted"):
                    house.vault.cover(connection, mine, side.kept)
            check_books(house.database, house.ledger, mine)


def test_content_on_hold_stays_whatever_its_time(
    saved: Saved, target: Target, tmp_path: Path
) -> None:
    hold = text("update vault_objects set legal_hold = :why where organisation_id = :mine")
    mine = saved.sides[0].organisation
    with saved.house.database.owner() as connection:
        connection.execute(hold, {"why": "the police asked", "mine": mine})
    try:
        save_house(saved.house, tmp_path / "held", LOCK, secrets=True)
    finally:
        with saved.house.database.owner() as connection:
            connection.execute(hold, {"why": None, "mine": mine})
    restore(tmp_path / "held", KEY, target, clock=lambda: utc_now() + MONTHS)
    assert {name.split("/")[0] for name in vault_files(target.home)} == {str(mine)}


def test_sessions_and_links_end_with_a_restore(saved: Saved, target: Target) -> None:
    """One of them may have been ended since, because it was in a thief's hands."""
    done = restore(saved.file, KEY, target, clock=utc_now)
    assert done.redone.sessions_ended > 0
    with restored(target) as house, house.database.owner() as connection:
        running = "select count(*) from member_sessions where kind = 'browser' and ended_at is null"
        open_links = "select count(*) from sign_in_links where used_at is null"
        assert connection.execute(text(running)).scalar_one() == 0
        assert connection.execute(text(open_links)).scalar_one() == 0


@pytest.fixture
def world(empty_database: str, tmp_path: Path) -> Iterator[World]:
    with closing(Database(empty_database)) as database:
        database.migrate()
        with opened_world(database, tmp_path / "home") as opened:
            yield opened


def test_a_report_that_was_on_its_way_is_not_filed_again(
    world: World, target: Target, tmp_path: Path
) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case)
    save_house(world.house, tmp_path / "saved", LOCK, secrets=True)
    assert world.work(report.id).state is ReportState.FILED
    filed = world.desk.finished
    done = restore(tmp_path / "saved", KEY, target, clock=world.hands)
    assert done.redone.reports_set_aside == 1
    with closing(at(target, world)) as house:
        house.filing.run(world.organisation, report.id)
        (status,) = house.reports.statuses(world.organisation)
        assert status.state is ReportState.FAILED
        assert "portal" in (status.last_answer or "")
        assert world.desk.finished == filed
        timeline = house.cases.case(world.organisation, case).timeline
        assert timeline[-1].event == "report.failed"
        check_books(house.database, house.ledger, world.organisation)


def test_the_text_of_a_report_whose_time_has_come_is_gone(
    world: World, target: Target, tmp_path: Path
) -> None:
    case = world.picture_case()
    world.judge(case)
    world.work(world.file(case).id)
    save_house(world.house, tmp_path / "saved", LOCK, secrets=True)
    world.hands.turn(days=400)
    done = restore(tmp_path / "saved", KEY, target, clock=world.hands)
    assert done.redone.reports_erased == 1
    with closing(at(target, world)) as house:
        with house.database.owner() as connection:
            left = "select count(*) from reports where document is not null or typed is not null"
            assert connection.execute(text(left)).scalar_one() == 0
        assert erase_due(house.office, world.organisation) == 1, "and then its leaf is written"


def at(target: Target, world: World):  # type: ignore[no-untyped-def]
    settings = Settings(
        home=target.home,
        secrets=target.secrets,
        blobs_url=target.blobs_url,
        cybertipline_url=world.house.settings.cybertipline_url,
    )
    return open_house(settings, clock=world.hands)


def test_a_backup_of_a_newer_lapwing_is_refused_by_name(
    saved: Saved, target: Target, tmp_path: Path
) -> None:
    change = text("update alembic_version set version_num = :now")
    with saved.house.database.owner() as connection:
        before = connection.execute(text("select version_num from alembic_version")).scalar_one()
        connection.execute(change, {"now": "9999"})
    try:
        save_house(saved.house, tmp_path / "newer", LOCK)
    finally:
        with saved.house.database.owner() as connection:
            connection.execute(change, {"now": before})
    with pytest.raises(Unavailable, match="another Lapwing"):
        restore(tmp_path / "newer", KEY, target, clock=utc_now)
    assert os.listdir(target.home) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB, where this machine lets us mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0711", "lapwing-test", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_leaves_no_half_backup(saved: Saved, small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes((8 << 20) - 40_000))
    with pytest.raises(OSError, match="No space left"):
        save_house(saved.house, small_disk / "backup", LOCK, secrets=True)
    assert os.listdir(small_disk) == ["filler"]


def test_a_full_disk_leaves_no_half_house(saved: Saved, small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes((8 << 20) - 40_000))
    home = small_disk / "home"
    target = Target(home=home, secrets=home / "secrets", blobs_url=(home / "blobs").as_uri())
    with pytest.raises((OSError, LapwingError)):
        restore(saved.file, KEY, target, clock=utc_now)
    assert not (home / SIDE).exists()
    assert os.listdir(home) == []
    shutil.rmtree(home)
