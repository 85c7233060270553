"""What the tests of hostile input share: a builder of items, a wired house and its web door."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lapwing.app import House
from lapwing.intake.limits import DEFAULT_LIMITS
from lapwing.intake.records import ItemBuilder
from lapwing.store.clock import new_id, utc_now
from lapwing.store.database import Database
from web_world import Client, Side, opened_client, opened_house, settle


@pytest.fixture
def builder() -> ItemBuilder:
    return ItemBuilder(
        new_id(),
        "hostile",
        (1, bytes(32)),
        "hostile",
        clock=utc_now,
        new_id=new_id,
        limits=DEFAULT_LIMITS,
    )


@pytest.fixture(scope="module")
def house(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened_house(database, tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture(scope="module")
def ours(house: House) -> Side:
    return settle(house, "hostile")


@pytest.fixture(scope="module")
def client(house: House) -> Iterator[Client]:
    with opened_client(house) as opened:
        yield opened
