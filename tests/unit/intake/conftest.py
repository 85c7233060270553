from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lapwing.demo.photographs import photographs
from lapwing.intake.limits import DEFAULT_LIMITS, Limits
from lapwing.intake.records import ItemBuilder
from lapwing.store.clock import new_id

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORGANISATION = UUID("0195f0a0-0000-7000-8000-000000000001")
SECRET = (1, b"a secret of thirty-two bytes len")


def make_builder(limits: Limits = DEFAULT_LIMITS) -> ItemBuilder:
    return ItemBuilder(
        ORGANISATION,
        "test",
        SECRET,
        "platform",
        clock=lambda: NOW,
        new_id=new_id,
        limits=limits,
    )


@pytest.fixture
def builder() -> ItemBuilder:
    return make_builder()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write_file(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return write_file


@pytest.fixture(scope="session")
def pictures() -> dict[str, NDArray[np.uint8]]:
    """The four photographs as RGB arrays."""
    found = {}
    for name, path in photographs().items():
        with Image.open(path) as image:
            found[name] = np.asarray(image.convert("RGB"))
    return found
