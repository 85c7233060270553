"""The wired house on the shared database, and organisations in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from screening_samples import Items, found

from lapwing.app import House, wire
from lapwing.law.registry import may_keep_content
from lapwing.law.rows import LawRow
from lapwing.model.organisations import Organisation, OrganisationKind
from lapwing.settings import Settings
from lapwing.store.database import Database


@pytest.fixture
def house(database: Database, home: Path) -> House:
    settings = Settings(home=home, secrets=home / "secrets", blobs_url=(home / "blobs").as_uri())
    return wire(settings, database)


@pytest.fixture
def sender(house: House) -> Organisation:
    return found(house)


@pytest.fixture
def elsewhere(house: House) -> Organisation:
    return found(house)


@pytest.fixture
def keeper(house: House) -> Organisation:
    """An organisation that keeps content, under the row of law that allows it."""
    basis = may_keep_content(OrganisationKind.PLATFORM, "US")
    assert isinstance(basis, LawRow)
    return found(house, keep_content=basis.id, keep_days=30)


@pytest.fixture
def items(sender: Organisation) -> Items:
    return Items(sender.id)
