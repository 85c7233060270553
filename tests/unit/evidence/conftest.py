from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from evidence_samples import Fill, SteppedClock, events

from lapwing.evidence.heads import SignedHead
from lapwing.evidence.ledger import Ledger
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def keyring(home: Path) -> Keyring:
    return Keyring(home / "secrets")


@pytest.fixture
def ledger(keyring: Keyring, clock: SteppedClock) -> Ledger:
    return Ledger(keyring, clock)


@pytest.fixture
def fill(database: Database, organisation: UUID, ledger: Ledger) -> Fill:
    """Append batches of these sizes, a transaction each; returns the newest head."""

    def append(*batches: int) -> SignedHead:
        head = None
        for batch in batches:
            with database.organisation(organisation) as connection:
                head = ledger.append(connection, organisation, events(batch))
        assert head is not None
        return head

    return append
