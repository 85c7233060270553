"""The server as a process of its own: how it starts, what it says, how it stops."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from command_line import Lapwing
from lapwing.cli.session import address_of, settings


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as trial:
        number = int(trial.getsockname()[1])
    monkeypatch.setenv("LAPWING_PORT", str(number))
    return number


@contextmanager
def serving(*options: str) -> Iterator[tuple[dict[str, str], subprocess.Popen[str]]]:
    with subprocess.Popen(
        [sys.executable, "-m", "lapwing", "serve", "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            for _ in range(200):
                if process.poll() is not None or answers(said["address"]):
                    break
                time.sleep(0.05)
            yield said, process
        finally:
            process.kill()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_stops_when_asked(
    lapwing: Lapwing, port: int, wanted: signal.Signals
) -> None:
    lapwing("members", "add", "Ada")
    with serving("--no-log") as (said, process):
        assert said["address"] == f"http://127.0.0.1:{port}"
        assert said["sign_in"].startswith(f"http://localhost:{port}/console/sign-in/")
        assert answers(said["address"])
        process.send_signal(wanted)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_requests_are_logged_where_nobody_is_looking(lapwing: Lapwing, port: int) -> None:
    lapwing("organisation", "create", "Alder")
    with serving() as (said, process):
        assert said["sign_in"] is None
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert json.loads(err.splitlines()[0])["route"] == "/healthz"


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_that_is_taken_is_told_before_any_work(
    lapwing_alone: Lapwing, port: int, command: str
) -> None:
    with closing(socket.create_server(("127.0.0.1", port))):
        answer = lapwing_alone(command, "--json")
    assert answer.code == 1
    assert f"port {port}" in answer.json["error"]["message"]
    assert "LAPWING_PORT" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("name.example", "name.example"),
    ],
)
def test_the_address_is_one_that_a_browser_takes(
    monkeypatch: pytest.MonkeyPatch, host: str, shown: str
) -> None:
    monkeypatch.setenv("LAPWING_HOST", host)
    monkeypatch.setenv("LAPWING_PORT", "8600")
    assert address_of(settings()) == f"http://{shown}:8600"


def test_stopping_what_does_not_run_is_no_failure(lapwing_alone: Lapwing) -> None:
    answer = lapwing_alone("stop", "--json")
    assert (answer.code, answer.json) == (0, {"stopped": False})
    assert lapwing_alone("stop").out == "It was not running.\n"
