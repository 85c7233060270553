"""A house over the shared database, two organisations in it, and a client of its web door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from every_route import Routes

from lapwing.app import House
from lapwing.store.database import Database
from lapwing.web.app import create_app
from lapwing.web.authority import handlers_of
from web_world import (
    Client,
    Side,
    as_browser,
    opened_client,
    opened_house,
    session_of,
    settle,
)


@pytest.fixture(scope="module")
def house(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened_house(database, tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture(scope="module")
def ours(house: House) -> Side:
    return settle(house, "ours")


@pytest.fixture(scope="module")
def theirs(house: House) -> Side:
    return settle(house, "theirs")


@pytest.fixture(scope="module")
def client(house: House) -> Iterator[Client]:
    with opened_client(house) as opened:
        yield opened


@pytest.fixture
def own(empty_database: str, tmp_path: Path) -> Iterator[House]:
    """A house of the test's own, so that all that is left in it can be looked at."""
    database = Database(empty_database)
    database.migrate()
    with opened_house(database, tmp_path) as opened:
        yield opened
    database.close()


@pytest.fixture(scope="module")
def routes(house: House) -> Routes:
    return list(handlers_of(create_app(house)))


@pytest.fixture
def browser(house: House, ours: Side) -> dict[str, str]:
    """A signed-in admin's browser, on our own page."""
    return as_browser(session_of(house, ours.admin))
