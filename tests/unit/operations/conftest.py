"""A house with something of everything in it, and places to restore it to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from saved_houses import Saved, save

from lapwing.operations.side import Target
from lapwing.store.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def saved(database_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Saved]:
    """A filled house and its backup, sealed under a passphrase, with secrets."""
    with save(database_server, tmp_path_factory.mktemp("saved")) as made:
        yield made


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """An empty home with an embedded database to be."""
    home = tmp_path / "restored"
    yield Target(home=home, secrets=home / "secrets", blobs_url=(home / "blobs").as_uri())
    EmbeddedPostgres(home).remove()
