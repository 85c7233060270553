"""Commands over a database and a data folder of the test's own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from command_line import Lapwing, command_line, drawing, set_environment
from lapwing.store.database import Database


@pytest.fixture(scope="session")
def template(database_server: str) -> Iterator[str]:
    """The name of a migrated database that others are copied from."""
    url = make_url(database_server).set(drivername="postgresql")
    name = f"lapwing_template_{secrets.token_hex(6)}"
    admin = url.render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    made = Database(url.set(database=name))
    made.migrate()
    made.close()
    yield name
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def database_url(database_server: str, template: str) -> Iterator[str]:
    """An installation that nobody has used yet."""
    url = make_url(database_server).set(drivername="postgresql")
    admin = url.render_as_string(hide_password=False)
    name = f"lapwing_cli_{secrets.token_hex(6)}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}")
    yield url.set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def lapwing(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    database_url: str,
) -> Lapwing:
    set_environment(monkeypatch, home, database_url)
    return command_line(capfd, monkeypatch)


@pytest.fixture
def lapwing_alone(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> Lapwing:
    """For what needs no database: none answers."""
    set_environment(monkeypatch, home, "postgresql://nobody@127.0.0.1:1/nothing")
    return command_line(capfd, monkeypatch)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return drawing(tmp_path / "drawing.png")
