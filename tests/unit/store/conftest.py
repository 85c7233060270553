"""Folders for servers of the tests' own."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lapwing.store.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that any user may pass through; pytest's own are private."""
    folder = Path(tempfile.mkdtemp(prefix="lapwing-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def server(open_folder: Path) -> Iterator[EmbeddedPostgres]:
    """An embedded server that has not been started, stopped when the test ends."""
    embedded = EmbeddedPostgres(open_folder / secrets.token_hex(4))
    yield embedded
    embedded.stop()


@pytest.fixture(scope="session")
def started(open_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A running embedded server that tests share and leave running."""
    embedded = EmbeddedPostgres(open_folder / "started")
    embedded.start()
    yield embedded
    embedded.stop()
