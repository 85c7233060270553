"""A house over the shared database, two organisations in it, and a client of its web door."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lapwing.app import House
from lapwing.store.database import Database
from web_world import Client, Side, opened_client, opened_house, settle


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
