from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lapwing.store.database import Database
from report_world import World, opened_world


@pytest.fixture
def world(database: Database, home: Path) -> Iterator[World]:
    with opened_world(database, home) as opened:
        yield opened
