"""A served house: a real server process over a database and a data folder of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import UUID

from browser.furnished import Furnished, furnish
from lapwing.app import House, wire
from lapwing.settings import Settings
from lapwing.store.database import Database

START_SECONDS = 30
STOP_SECONDS = 20


class Served:
    """`house` is opened in this process over the same database: to arrange things and to check."""

    def __init__(self, house: House, first: Furnished, address: str, link: str) -> None:
        self.house = house
        self.first = first
        """The organisation that the server was started for; tests leave it as it is."""
        self.address = address
        self.link = link
        """The one-time link that the server printed for its reviewer."""


@contextmanager
def served_house(database_url: str, home: Path) -> Iterator[Served]:
    """A furnished house, served on a free loopback port until the block ends."""
    settings = Settings.read(
        {
            "LAPWING_HOME": str(home),
            "LAPWING_DATABASE_URL": database_url,
            "LAPWING_PORT": str(_free_port()),
        }
    )
    database = Database(database_url)
    database.migrate()
    try:
        house = wire(settings, database)
        first = furnish(house)
        with _server(settings, first.organisation) as said:
            yield Served(house, first, said["address"], said["sign_in"])
    finally:
        database.close()


@contextmanager
def _server(settings: Settings, organisation: UUID) -> Iterator[dict[str, str]]:
    """`lapwing serve` in a process group of its own; gives what it printed once it answers."""
    environment = os.environ | {
        "LAPWING_HOME": str(settings.home),
        "LAPWING_DATABASE_URL": settings.database_url or "",
        "LAPWING_PORT": str(settings.port),
        "LAPWING_ORGANISATION": str(organisation),
    }
    log = settings.home / "served.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "lapwing", "serve", "--json"],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            said = json.loads(_first_document(process.stdout) or b"{}")
            _wait_until_healthy(f"http://{settings.host}:{settings.port}/healthz", process, log)
            yield said
        finally:
            _stop(process)


def _first_document(output: IO[bytes]) -> bytes:
    return output.readline()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise AssertionError(f"the server did not come up:\n{log.read_text()[-4000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process group that this module started, and nothing else."""
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            break
        os.killpg(process.pid, wanted)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    if process.stdout is not None:
        process.stdout.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
