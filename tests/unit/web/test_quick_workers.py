"""Several worker processes and one key: revoked, it fails at all of them at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from test_serve import server

from lapwing.app import House
from lapwing.members.tokens import new_key_secret
from lapwing.model.actors import SYSTEM
from lapwing.model.organisations import Scope
from lapwing.store.clock import new_id
from lapwing.store.database import Database
from web_world import KNOWN_PDQ, Side, bearer

REVOKE = """
import os, sys, uuid
from lapwing.app import open_house
from lapwing.model.actors import SYSTEM
from lapwing.settings import Settings
house = open_house(Settings.read(os.environ))
house.members.revoke_key(uuid.UUID(sys.argv[1]), SYSTEM, uuid.UUID(sys.argv[2]))
house.close()
"""
CONNECTIONS = 16
"""Enough that each of two workers has some of them."""


@pytest.fixture
def asked() -> dict[str, object]:
    return {"hashes": [{"kind": "pdq", "hash": KNOWN_PDQ, "quality": 80}]}


def ask_all(clients: list[httpx.Client], secret: str, asked: dict[str, object]) -> list[int]:
    return [
        client.post("/v1/match", json=asked, headers=bearer(secret)).status_code
        for client in clients
    ]


def test_a_key_that_another_process_revokes_fails_at_every_worker_at_once(
    database: Database, house: House, ours: Side, tmp_path: Path, asked: dict[str, object]
) -> None:
    with server(database, house, tmp_path, 2) as (_, address):
        clients = [httpx.Client(base_url=address, timeout=60) for _ in range(CONNECTIONS)]
        for _ in range(2):
            key, secret = house.members.create_key(
                ours.organisation, SYSTEM, f"soon gone {new_id()}", [Scope.MATCH]
            )
            for _ in range(3):
                assert set(ask_all(clients, secret, asked)) == {200}
            house.members.revoke_key(ours.organisation, SYSTEM, key.id)
            assert set(ask_all(clients, secret, asked)) == {401}
        key, secret = house.members.create_key(
            ours.organisation, SYSTEM, f"soon gone {new_id()}", [Scope.MATCH]
        )
        assert set(ask_all(clients, secret, asked)) == {200}
        environment = os.environ | {
            "LAPWING_HOME": str(house.settings.home),
            "LAPWING_DATABASE_URL": database.url.render_as_string(hide_password=False),
        }
        command = [sys.executable, "-c", REVOKE, str(ours.organisation), str(key.id)]
        subprocess.run(command, env=environment, check=True)
        assert set(ask_all(clients, secret, asked)) == {401}
        # Nobody else was shut out, and a made-up key opens nothing.
        assert set(ask_all(clients, ours.secret, asked)) == {200}
        assert set(ask_all(clients[:3], new_key_secret(), asked)) == {401}
        for client in clients:
            client.close()
