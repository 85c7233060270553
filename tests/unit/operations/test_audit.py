"""`setup/audit` against an index of the test's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

AUDIT = Path(__file__).parents[3] / "setup" / "audit"
WEAK = {"id": "EXAMPLE-1", "fixed_in": ["1.1"], "withdrawn": None}
KNOWN: dict[str, list[dict[str, object]]] = {
    "/pypi/sound/2.0/json": [],
    "/pypi/weak/1.0/json": [WEAK],
    "/pypi/cleared/3.0/json": [WEAK | {"withdrawn": "2026-01-01T00:00:00Z"}],
}


class Index(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = KNOWN.get(self.path)
        body = json.dumps({"vulnerabilities": known}).encode()
        self.send_response(404 if known is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def index() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def audit(tmp_path: Path, url: str | None, *pins: str, **more: str) -> tuple[int, str]:
    lock = tmp_path / "lock.txt"
    lock.write_text("".join(f"{pin} \\\n    --hash=sha256:00\n" for pin in pins))
    clean = {name: value for name, value in os.environ.items() if name != "LAPWING_AUDIT_URL"}
    clean |= more
    done = subprocess.run(
        [sys.executable, AUDIT, lock],
        env=clean | ({"LAPWING_AUDIT_URL": url} if url else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_known_weakness_fails_the_run(index: str, tmp_path: Path) -> None:
    code, said = audit(tmp_path, index, "sound==2.0", "weak==1.0 ; python_version < '4'")
    assert code == 1
    assert "weak 1.0: EXAMPLE-1; mended in 1.1" in said


def test_sound_cleared_and_unknown_packages_pass(index: str, tmp_path: Path) -> None:
    code, said = audit(tmp_path, index, "sound==2.0", "cleared==3.0", "private==1.0")
    assert code == 0
    assert "3 pinned packages, 0 known weaknesses, 1 unknown to the index" in said


def test_it_can_ask_the_index_that_pip_is_configured_with(index: str, tmp_path: Path) -> None:
    code, said = audit(tmp_path, "pip", "weak==1.0", "sound==2.0", PIP_INDEX_URL=f"{index}/simple/")
    assert code == 1
    assert "weak 1.0: EXAMPLE-1" in said
    assert index not in said


def test_an_index_that_knows_nothing_has_audited_nothing(index: str, tmp_path: Path) -> None:
    code, said = audit(tmp_path, index, "private==1.0", "secret==2.0")
    assert code == 0
    assert said.startswith("not audited")


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:9"])
def test_without_an_index_it_says_that_nothing_was_audited(tmp_path: Path, url: str | None) -> None:
    code, said = audit(tmp_path, url, "weak==1.0")
    assert code == 0
    assert said.startswith("not audited")
