"""Fixtures that every room's tests share: a migrated database and two organisations in it.

The database is embedded by default; LAPWING_TEST_DATABASE_URL names a PostgreSQL server instead,
on which a database of its own is made for the run and dropped afterwards.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import make_url, text

from lapwing.logs import set_up_logs
from lapwing.store.clock import new_id, utc_now
from lapwing.store.database import Database
from lapwing.store.embedded import EmbeddedPostgres

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores SIGINT, and so would every process that a test interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Litestar says once a route what its next version will no longer take."""
    for said in ("declared using deprecated inferred style", "declared without a body marker"):
        config.addinivalue_line("filterwarnings", f"error:.*{said}")


@pytest.fixture(autouse=True)
def the_logs_as_they_were() -> Iterator[None]:
    """Commands and servers set up the logs of their process, which here is every test's."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    set_up_logs(logging.INFO)
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """The URL of a server with an owner role; its database is only for making others."""
    url = os.environ.get("LAPWING_TEST_DATABASE_URL")
    if url:
        yield url
        return
    # pytest's own folders are private, so that a server of root's could not live in them.
    folder = Path(tempfile.mkdtemp(prefix="lapwing-test-"))
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder)
    yield server.start()
    server.stop()
    shutil.rmtree(folder)


def fresh_database(server: str) -> str:
    """Make an empty database on the server and return its URL."""
    url = make_url(server).set(drivername="postgresql")
    name = f"lapwing_test_{secrets.token_hex(6)}"
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return url.set(database=name).render_as_string(hide_password=False)


def drop_database(server: str, url: str) -> None:
    admin = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    name = make_url(url).database
    with psycopg.connect(admin, autocommit=True) as connection:
        for _ in range(60):
            try:
                connection.execute(f"drop database if exists {name} with (force)")
            except psycopg.errors.InsufficientPrivilege:
                time.sleep(0.5)  # autovacuum is in it, which only a superuser may end
            else:
                return
        raise TimeoutError(f"{name} stays in use")


@pytest.fixture(scope="session")
def database(database_server: str) -> Iterator[Database]:
    """A migrated database, shared by the run; tests keep apart by making organisations."""
    url = fresh_database(database_server)
    opened = Database(url)
    opened.migrate()
    yield opened
    opened.close()
    drop_database(database_server, url)


@pytest.fixture
def empty_database(database_server: str) -> Iterator[str]:
    """The URL of a database with nothing in it, of the test's own."""
    url = fresh_database(database_server)
    yield url
    drop_database(database_server, url)


def make_organisation(database: Database, **columns: object) -> UUID:
    """Insert a bare organisation and return its id."""
    identity = new_id()
    values = {"kind": "platform", "country": "US", "name": f"org {identity}"} | columns
    names = ", ".join(values)
    with database.organisation(identity) as connection:
        connection.execute(
            text(
                f"insert into organisations (id, created_at, {names}) "
                f"values (:id, :created_at, {', '.join(':' + n for n in values)})"
            ),
            {"id": identity, "created_at": utc_now(), **values},
        )
    return identity


@pytest.fixture
def organisation(database: Database) -> UUID:
    return make_organisation(database)


@pytest.fixture
def other_organisation(database: Database) -> UUID:
    return make_organisation(database)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder (LAPWING_HOME) of the test's own."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder
