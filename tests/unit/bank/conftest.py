"""A bank over the shared database, and small makers of lists and indicators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from lapwing.bank.live import LiveBank
from lapwing.bank.service import Bank, NewList
from lapwing.evidence.ledger import Ledger
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import BankList, ListKind
from lapwing.store.clock import new_id, utc_now
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring

MakeList = Callable[..., BankList]


@pytest.fixture
def ledger(home: Path) -> Ledger:
    return Ledger(Keyring(home / "keys"), utc_now)


@pytest.fixture
def bank(database: Database, ledger: Ledger) -> Bank:
    return Bank(database, ledger, utc_now)


@pytest.fixture
def live(database: Database) -> LiveBank:
    return LiveBank(database)


@pytest.fixture
def make_list(bank: Bank) -> MakeList:
    def make(organisation: UUID, **changes: Any) -> BankList:
        return bank.create_list(organisation, SYSTEM, new_list(**changes))

    return make


def new_list(**changes: Any) -> NewList:
    values: dict[str, Any] = {
        "name": f"list {new_id()}",
        "kind": ListKind.BLOCK,
        "source": "hotline",
        "basis": "agreement",
        "category": "known",
        "verified": True,
    }
    return NewList(**(values | changes))
