"""The room's service on the shared database, with a clock that the test moves."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from moved_clock import MovedClock

from lapwing.evidence.ledger import Ledger
from lapwing.members.service import Members
from lapwing.model.actors import SYSTEM
from lapwing.model.organisations import Member, Organisation, OrganisationKind, Role
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def ledger(home: Path, clock: MovedClock) -> Ledger:
    return Ledger(Keyring(home / "keys"), clock)


@pytest.fixture
def members(database: Database, ledger: Ledger, clock: MovedClock) -> Members:
    return Members(database, ledger, clock)


@pytest.fixture
def found(members: Members) -> Callable[..., Organisation]:
    """Founds an organisation with a name of its own."""

    def found(**settings: Any) -> Organisation:
        values = {"kind": OrganisationKind.PLATFORM, "country": "US"} | settings
        return members.create_organisation(name=f"house {secrets.token_hex(6)}", **values)

    return found


@pytest.fixture
def house(found: Callable[..., Organisation]) -> Organisation:
    return found()


@pytest.fixture
def elsewhere(found: Callable[..., Organisation]) -> Organisation:
    return found()


@pytest.fixture
def admin(members: Members, house: Organisation) -> Member:
    return members.add_member(house.id, "Ada", Role.ADMIN, SYSTEM)


@pytest.fixture
def reviewer(members: Members, house: Organisation) -> Member:
    return members.add_member(house.id, "Rosa", Role.REVIEWER, SYSTEM)
