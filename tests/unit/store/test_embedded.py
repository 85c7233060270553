"""The embedded server's life on a good day."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import create_engine, make_url, text

from lapwing.store.embedded import EmbeddedPostgres

START = "import sys; from pathlib import Path; from lapwing.store.embedded import EmbeddedPostgres;"
START += "print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True);"


def command(home: Path, more: str = "") -> list[str]:
    return [sys.executable, "-c", START + more, str(home)]


def ask(url: str, question: str) -> str:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            return str(connection.execute(text(question)).scalar_one())
    finally:
        engine.dispose()


def postmaster(server: EmbeddedPostgres) -> psutil.Process:
    return psutil.Process(int((server.data / "postmaster.pid").read_text().splitlines()[0]))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("server_encoding", "UTF8"),
        ("lc_collate", None),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("listen_addresses", ""),
        ("timezone", "UTC"),
        ("is_superuser", "off"),
    ],
)
def test_a_started_server_is_durable_closed_to_the_network_and_in_utc(
    started: EmbeddedPostgres, setting: str, value: str | None
) -> None:
    if value is None:
        collation = ask(
            started.start(),
            "select datcollate from pg_database where datname = current_database()",
        )
        assert collation == "C"
    else:
        assert ask(started.start(), f"show {setting}") == value


def test_a_second_start_finds_the_running_server_from_any_process(
    started: EmbeddedPostgres,
) -> None:
    before = postmaster(started).pid
    elsewhere = subprocess.run(
        command(started.home), capture_output=True, text=True, check=True, timeout=60
    )
    assert elsewhere.stdout.strip() == started.start()
    assert postmaster(started).pid == before


def test_a_start_whose_output_is_piped_returns(server: EmbeddedPostgres) -> None:
    done = subprocess.run(command(server.home), capture_output=True, timeout=60, check=True)
    assert done.stdout.startswith(b"postgresql+psycopg://")
    assert server.running()


def test_many_first_starts_at_once_make_one_server(server: EmbeddedPostgres) -> None:
    starting = [
        subprocess.Popen(command(server.home), stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    answers = {process.communicate(timeout=120)[0].strip() for process in starting}
    assert answers == {server.start()}
    serving = [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres"
        and str(server.data) in (process.info["cmdline"] or ())
    ]
    assert len(serving) == 1


def test_two_homes_are_two_servers(started: EmbeddedPostgres, server: EmbeddedPostgres) -> None:
    one, other = started.start(), server.start()
    ask(one, "with t as (select 1) select 1 from t")
    assert make_url(one).query["host"] != make_url(other).query["host"]
    assert ask(one, "select system_identifier from pg_control_system()") != ask(
        other, "select system_identifier from pg_control_system()"
    )


def test_the_server_outlives_the_process_that_started_it(server: EmbeddedPostgres) -> None:
    starter = subprocess.Popen(
        command(server.home, "import time; time.sleep(600)"), stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    url = starter.stdout.readline().strip()
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    assert server.running()
    assert server.start() == url


def test_stop_ends_the_server_and_says_whether_there_was_one(server: EmbeddedPostgres) -> None:
    url = server.start()
    process = postmaster(server)
    with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(False)):
        assert server.stop() is True
    assert not psutil.pid_exists(process.pid) or process.status() == psutil.STATUS_ZOMBIE
    assert not server.running()
    assert server.stop() is False


def test_what_was_written_is_there_after_stop_and_start(server: EmbeddedPostgres) -> None:
    ask(server.start(), "with made as (select 1) select 1 from made")
    engine = create_engine(server.start())
    with engine.begin() as connection:
        connection.execute(text("create table kept as select 7 as n"))
    engine.dispose()
    server.stop()
    assert ask(server.start(), "select n from kept") == "7"


def test_nobody_comes_in_without_the_password(started: EmbeddedPostgres) -> None:
    url = make_url(started.start()).set(drivername="postgresql", password="guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.render_as_string(hide_password=False))


def test_the_password_file_and_the_data_are_private(started: EmbeddedPostgres) -> None:
    assert (started.home / "postgres" / "password").stat().st_mode & 0o777 == 0o600
    assert started.data.stat().st_mode & 0o777 == 0o700
    sockets = Path(str(make_url(started.start()).query["host"]))
    assert sockets.stat().st_mode & 0o777 == 0o700


def test_a_lost_password_file_is_made_again(server: EmbeddedPostgres) -> None:
    first = make_url(server.start()).password
    server.stop()
    (server.home / "postgres" / "password").unlink()
    url = server.start()
    assert ask(url, "select 1") == "1"
    assert make_url(url).password != first


def test_the_server_inherits_nothing_of_our_environment(server: EmbeddedPostgres) -> None:
    subprocess.run(
        command(server.home),
        env=os.environ | {"LAPWING_TEST_MARK": "must-not-leak"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    environment = postmaster(server).environ()
    assert "LAPWING_TEST_MARK" not in environment


def test_the_log_never_quotes_a_value(started: EmbeddedPostgres) -> None:
    url = make_url(started.start()).set(drivername="postgresql").render_as_string(False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table names (name text unique)")
        connection.execute("insert into names values ('quoted-value')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("insert into names values ('quoted-value')")
        connection.execute("drop table names")
    written = started.log_path.read_text()
    assert "ready to accept connections" in written
    assert "quoted-value" not in written


def test_a_home_with_a_long_path_gets_a_short_socket(open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder / ("long-" * 20) / 'it\'s, "here" $HOME 100%')
    try:
        sockets = str(make_url(server.start()).query["host"])
        assert len(os.fsencode(sockets)) < 90
        assert ask(server.start(), "select 1") == "1"
    finally:
        server.stop()
    assert not Path(sockets).exists()


def test_remove_stops_the_server_and_deletes_its_data(server: EmbeddedPostgres) -> None:
    server.start()
    process = postmaster(server)
    (server.home / "of-another-room").write_text("stays")
    server.remove()
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert [path.name for path in server.home.iterdir()] == ["of-another-room"]
    server.remove()
