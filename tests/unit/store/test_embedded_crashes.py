"""The embedded server after crashes, with damaged folders, and with other people's."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
from sqlalchemy import create_engine, text

from lapwing.model.errors import Unavailable
from lapwing.store.embedded import EmbeddedPostgres


def postmaster(server: EmbeddedPostgres) -> psutil.Process:
    return psutil.Process(int((server.data / "postmaster.pid").read_text().splitlines()[0]))


def write(url: str, n: int) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("create table if not exists written (n int)"))
        connection.execute(text("insert into written values (:n)"), {"n": n})
    engine.dispose()


def written(url: str) -> list[int]:
    engine = create_engine(url)
    with engine.begin() as connection:
        rows = connection.execute(text("select n from written order by n")).scalars().all()
    engine.dispose()
    return list(rows)


def kill_whole_server(server: EmbeddedPostgres) -> None:
    parent = postmaster(server)
    for process in [parent, *parent.children(recursive=True)]:
        process.send_signal(signal.SIGKILL)


def test_a_killed_postmaster_is_replaced_and_every_commit_is_there(
    server: EmbeddedPostgres,
) -> None:
    for n in range(3):
        write(server.start(), n)
        postmaster(server).send_signal(signal.SIGKILL)
    assert written(server.start()) == [0, 1, 2]


def test_a_server_killed_with_all_its_children_comes_back(server: EmbeddedPostgres) -> None:
    write(server.start(), 1)
    kill_whole_server(server)
    assert written(server.start()) == [1]


def test_a_stale_pid_that_now_belongs_to_another_process_does_not_matter(
    server: EmbeddedPostgres,
) -> None:
    write(server.start(), 1)
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    kill_whole_server(server)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert not server.running()
    assert written(server.start()) == [1]


def test_a_half_made_data_folder_is_made_anew(server: EmbeddedPostgres) -> None:
    half = server.home / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half.parent).chmod(0o711)
    (half / "PG_VERSION").write_text("18\n")
    write(server.start(), 1)
    assert written(server.start()) == [1]
    assert not half.exists()


def test_data_of_another_version_are_refused_by_name(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(Unavailable, match=r"made by PostgreSQL 16.*brings PostgreSQL 18"):
        server.start()


def test_data_without_a_version_are_refused(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.data / "PG_VERSION").unlink()
    with pytest.raises(Unavailable, match="not a whole PostgreSQL data folder"):
        server.start()


def test_damaged_data_are_refused_with_the_servers_own_words(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.data / "global" / "pg_control").write_bytes(bytes(8192))
    with pytest.raises(Unavailable, match=r"does not start: (FATAL|PANIC): .*start\.log"):
        server.start()


def test_a_start_that_failed_does_not_stand_in_the_way_of_the_next(
    server: EmbeddedPostgres,
) -> None:
    write(server.start(), 1)
    server.stop()
    control = server.data / "global" / "pg_control"
    sound = control.read_bytes()
    control.write_bytes(bytes(len(sound)))
    with pytest.raises(Unavailable):
        server.start()
    control.write_bytes(sound)
    assert written(server.start()) == [1]


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(Unavailable, match="file"):
        EmbeddedPostgres(tmp_path / "file" / "home").start()
