"""`/readyz` tells the truth about a server whose database goes, hangs and comes back."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from lapwing.store.embedded import EmbeddedPostgres


class Server:
    """`lapwing serve` over a home of its own with an embedded database."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.embedded = EmbeddedPostgres(home)
        self.address = f"http://127.0.0.1:{port}"
        clean = {name: value for name, value in os.environ.items() if "LAPWING" not in name}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lapwing", "serve", "--json", "--no-log"],
            env=clean | {"LAPWING_HOME": str(home), "LAPWING_PORT": str(port)},
            stdout=subprocess.DEVNULL,
        )

    def missing(self) -> list[str] | None:
        """What `/readyz` says is missing; None while nothing answers."""
        try:
            answer = httpx.get(f"{self.address}/readyz", timeout=10)
        except httpx.TransportError:
            return None
        assert answer.status_code == (503 if answer.json()["missing"] else 200)
        return list(answer.json()["missing"])

    def becomes(self, *wanted: str) -> None:
        """Wait until at least these are missing; until nothing is, without any."""
        until = time.monotonic() + 180
        while True:
            missing = self.missing()
            if missing is not None and (set(wanted) <= set(missing) if wanted else not missing):
                return
            assert self.process.poll() is None, "the server has ended"
            assert time.monotonic() < until, f"still {missing}, not {wanted}"
            time.sleep(0.1)

    def postgres(self) -> list[psutil.Process]:
        pid = int((self.embedded.data / "postmaster.pid").read_text().split()[0])
        return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


@pytest.fixture
def server() -> Iterator[Server]:
    home = Path(tempfile.mkdtemp(prefix="lapwing-ready-"))
    home.chmod(0o711)
    running = Server(home)
    try:
        running.becomes()
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        running.embedded.remove()
        shutil.rmtree(home)


def signal_all(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def test_a_stopped_database_is_missed_until_it_is_started(server: Server) -> None:
    assert server.embedded.stop()
    server.becomes("database", "schema", "bank", "worker")
    assert httpx.get(f"{server.address}/healthz").status_code == 200
    assert not server.embedded.running(), "what somebody stopped is not started again"
    server.embedded.start()
    server.becomes()


def test_a_database_that_died_is_started_again(server: Server) -> None:
    signal_all(server.postgres(), signal.SIGKILL)
    server.becomes("database")
    server.becomes()
    assert server.embedded.running()


def test_a_database_that_hangs_does_not_make_the_answer_hang(server: Server) -> None:
    frozen = server.postgres()
    signal_all(frozen, signal.SIGSTOP)
    try:
        began = time.monotonic()
        server.becomes("database")
        assert time.monotonic() - began < 10
        assert httpx.get(f"{server.address}/healthz", timeout=5).status_code == 200
    finally:
        signal_all(frozen, signal.SIGCONT)
    server.becomes()
