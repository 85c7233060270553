"""Lines of a gigabyte: refused by number, in constant memory, and the rest goes on."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from lapwing.app import House
from lapwing.store.database import Database
from web_world import Side

PROGRAM = Path(__file__).with_name("long_input.py")
GIGABYTE = 1024
"""In megabytes."""
PART = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
    b"Content-Type: image/png\r\n\r\n"
)
"""How a picture begins in a multipart body."""


@pytest.mark.parametrize(("reader", "line"), [("items", 2), ("csv", 3), ("cell", 3), ("list", 2)])
def test_a_line_of_a_gigabyte_costs_its_row_and_no_memory(reader: str, line: int) -> None:
    told = subprocess.run(
        [sys.executable, PROGRAM, reader, str(GIGABYTE)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = json.loads(told.stdout)
    assert found["taken"] == 2
    [refused] = found["refused"]
    assert (refused["line"], refused["code"]) == (line, "limit_exceeded")
    assert "longer than" in refused["reason"]
    assert found["growth"] < 50
    assert found["seconds"] < 60


@pytest.fixture(scope="module")
def server(
    database: Database, house: House, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[psutil.Process, int]]:
    """`lapwing serve` as a process, and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "LAPWING_HOME": str(house.settings.home),
        "LAPWING_DATABASE_URL": database.url.render_as_string(hide_password=False),
    }
    command = [sys.executable, "-m", "lapwing", "serve", "--port", str(port), "--json"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            assert process.poll() is None
            try:
                if httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield psutil.Process(process.pid), port
    finally:
        process.terminate()
        process.wait(30)


class Watch:
    """The largest memory of a process while something is done to it, in megabytes."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.before = self._now()
        self.largest = self.before

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def growth(self) -> float:
        return self.largest - self.before

    def _look(self) -> None:
        while not self._over.wait(0.02):
            self.largest = max(self.largest, self._now())

    def _now(self) -> float:
        return self._process.memory_info().rss / (1 << 20)


def pour(port: int, side: Side, mime: str, announced: bool) -> tuple[int, bytes]:
    """Send a body of a gigabyte until it is refused: megabytes taken, and what was answered."""
    head = [
        "POST /v1/screen HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {side.secret}",
        f"Content-Type: {mime}",
        f"Content-Length: {GIGABYTE << 20}" if announced else "Transfer-Encoding: chunked",
        "",
        "",
    ]
    megabyte = b"x" * (1 << 20)
    start = PART if mime.startswith("multipart") else b""

    def piece(content: bytes) -> bytes:
        return content if announced else b"%x\r\n%b\r\n" % (len(content), content)

    taken = 0
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        try:
            line.sendall("\r\n".join(head).encode() + (piece(start) if start else b""))
            line.settimeout(5)
            while taken < GIGABYTE:
                line.sendall(piece(megabyte))
                taken += 1
        except OSError:
            pass
        try:
            return taken, line.recv(4096)
        except OSError:
            return taken, b""


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(
    ("mime", "most"),
    [
        ("application/json", 1),
        ("application/x-ndjson", 64),
        ("multipart/form-data; boundary=x", 70),
    ],
)
def test_a_body_of_a_gigabyte_is_refused_while_it_comes(
    server: tuple[psutil.Process, int], ours: Side, mime: str, most: int, announced: bool
) -> None:
    process, port = server
    started = time.perf_counter()
    with Watch(process) as watch:
        taken, answer = pour(port, ours, mime, announced)
    assert taken < 3 * most + 16, "taken on beyond the limit"
    assert not answer or answer.startswith((b"HTTP/1.1 413", b"HTTP/1.1 400")), answer[:300]
    assert watch.growth < 50 + 2 * most
    assert time.perf_counter() - started < 30
    body = {"kind": "url", "id": "after", "url": "https://fine.example.org"}
    address = f"http://127.0.0.1:{port}/v1/screen"
    assert httpx.post(address, headers=ours.bearer, json=body).status_code == 200
