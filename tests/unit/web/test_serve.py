"""The server as a process: up, at work, and gone without losing what it had begun."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import text

from lapwing.app import House
from lapwing.screening.keeping import SWEEP
from lapwing.store.database import Database
from lapwing.store.jobs import enqueue
from lapwing.store.queue import QUEUE
from web_world import NDJSON, Side, lines

COMMAND = """
import os
from lapwing.settings import Settings
from lapwing.web.serve import serve
if __name__ == "__main__":
    serve(
        Settings.read(os.environ),
        workers=int(os.environ["WORKERS"]),
        stop_seconds=float(os.environ.get("STOP_SECONDS", "20")),
    )
"""


@contextmanager
def server(
    database: Database, house: House, folder: Path, workers: int, **variables: str
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = folder / "server.py"
    script.write_text(COMMAND)
    environment = os.environ | {
        "LAPWING_HOME": str(house.settings.home),
        "LAPWING_DATABASE_URL": database.url.render_as_string(hide_password=False),
        "LAPWING_PORT": str(port),
        "WORKERS": str(workers),
        **variables,
    }
    process = subprocess.Popen([sys.executable, str(script)], env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(900):
            if process.poll() is not None:
                pytest.fail(f"the server ended with {process.returncode}")
            try:
                if httpx.get(f"{address}/healthz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield process, address
    finally:
        if process.poll() is None:
            family = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            for child in family:
                if child.is_running():
                    child.kill()
        process.wait()


def is_waiting(database: Database, job: int) -> bool:
    with database.owner() as connection:
        statement = f"select count(*) from {QUEUE.queue_table} where id = :job"
        return bool(connection.execute(text(statement), {"job": job}).scalar_one())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stopped_server_answers_what_it_had_begun(
    database: Database, house: House, ours: Side, tmp_path: Path, workers: int
) -> None:
    body = lines(
        *({"kind": "url", "id": f"stop-{workers}-{n}", "url": "a.example"} for n in range(10_000))
    )
    answers: list[httpx.Response] = []
    with server(database, house, tmp_path, workers) as (process, address):

        def send() -> None:
            answer = httpx.post(
                f"{address}/v1/screen", headers=ours.bearer | NDJSON, content=body, timeout=60
            )
            answers.append(answer)

        sending = threading.Thread(target=send)
        sending.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        sending.join()
        assert process.wait(30) == 0
    assert answers[0].status_code == 200
    assert answers[0].json()["fresh"] == 10_000


def test_queued_jobs_are_done_while_the_server_runs(
    database: Database, house: House, ours: Side, tmp_path: Path
) -> None:
    with server(database, house, tmp_path, 1) as (process, _):
        payload = {"organisation": str(ours.organisation)}
        with database.organisation(ours.organisation) as connection:
            job = enqueue(connection, SWEEP, payload)
        deadline = time.monotonic() + 20
        while is_waiting(database, job) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not is_waiting(database, job)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_server_leaves_nothing_behind(
    database: Database, house: House, tmp_path: Path, workers: int
) -> None:
    with server(database, house, tmp_path, workers) as (process, address):
        family = psutil.Process(process.pid).children(recursive=True)
        assert bool(family) is (workers > 1)
        process.kill()
        process.wait()
        _, left = psutil.wait_procs(family, timeout=20)
        assert left == []
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{address}/healthz")
