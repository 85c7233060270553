"""The load generators count what was answered, and nothing else."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lapwing.bench.load import press

BODIES = [b'{"n": 1}', b'{"n": 22}', b'{"n": 333}']


class Counting(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    seen: dict[bytes, int]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Authorization"] == "Bearer x"
        self.seen[body] = self.seen.get(body, 0) + 1
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Counting.seen = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("with_wrk", [False, True])
def test_each_body_is_sent_in_turn_and_each_answer_counted(address: str, with_wrk: bool) -> None:
    if with_wrk and shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json"}
    how = {"headers": headers, "seconds": 1.0, "connections": 3, "with_wrk": with_wrk}
    good = press(address, "/good", BODIES, **how)  # type: ignore[arg-type]
    sent = sum(Counting.seen.values())
    assert set(Counting.seen) == set(BODIES)
    assert max(Counting.seen.values()) - min(Counting.seen.values()) <= 3
    assert 0 < good.calls <= sent <= good.calls + 3
    assert good.errors == 0
    assert 0 < good.p50 <= good.p99 <= good.seconds
    assert good.cpu > 0
    broken = press(address, "/broken", BODIES, **how)  # type: ignore[arg-type]
    assert broken.calls > 0
    assert broken.errors == broken.calls
