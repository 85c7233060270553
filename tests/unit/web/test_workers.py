"""Several worker processes: replaced without losing a request, kept up, counted together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import text
from test_serve import server

from lapwing.app import House
from lapwing.store.database import Database
from web_world import Side


def workers_of(process: subprocess.Popen[bytes]) -> set[int]:
    """Process ids of the workers, without what multiprocessing runs beside them."""
    found = set()
    for child in psutil.Process(process.pid).children():
        with suppress(psutil.NoSuchProcess):
            if "spawn_main" in " ".join(child.cmdline()):
                found.add(child.pid)
    return found


def eventually(true: Callable[[], bool], seconds: float = 180) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


@contextmanager
def asking(address: str, ours: Side) -> Iterator[list[str]]:
    """Requests without a pause, over new connections and over kept ones; yields what they got."""
    got: list[str] = []
    end = threading.Event()

    def ask(number: int, kept: bool) -> None:
        client = httpx.Client(timeout=30)
        count = 0
        while not end.is_set():
            count += 1
            time.sleep(0.02)
            record = {"kind": "url", "id": f"{number}-{count}-{address}", "url": "a.example"}
            try:
                answer = client.post(f"{address}/v1/screen", json=record, headers=ours.bearer)
                got.append(str(answer.status_code))
            except httpx.TransportError as error:
                got.append(repr(error))
            if not kept:
                client.close()
                client = httpx.Client(timeout=30)
        client.close()

    threads = [threading.Thread(target=ask, args=(n, n % 2 == 0)) for n in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield got
    finally:
        end.set()
        for thread in threads:
            thread.join()


def test_workers_are_replaced_without_a_failed_request(
    database: Database, house: House, ours: Side, tmp_path: Path
) -> None:
    with server(database, house, tmp_path, 2) as (process, address):
        before = workers_of(process)
        with asking(address, ours) as got:
            eventually(lambda: len(got) > 20)
            process.send_signal(signal.SIGHUP)
            eventually(lambda: len(workers_of(process)) == 2 and not before & workers_of(process))
            enough = len(got) + 20
            eventually(lambda: len(got) > enough)
        assert set(got) == {"200"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_a_server_that_is_replacing_its_workers_stops_when_it_is_told_to(
    database: Database, house: House, tmp_path: Path
) -> None:
    with server(database, house, tmp_path, 2) as (process, _):
        before = workers_of(process)
        process.send_signal(signal.SIGHUP)
        eventually(lambda: len(workers_of(process)) == 2 and not before & workers_of(process))
        process.send_signal(signal.SIGHUP)
        eventually(lambda: len(workers_of(process)) == 3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_a_worker_that_dies_is_replaced(database: Database, house: House, tmp_path: Path) -> None:
    with server(database, house, tmp_path, 2) as (process, address):
        before = workers_of(process)
        os.kill(min(before), signal.SIGKILL)
        eventually(lambda: len(workers_of(process)) == 2 and min(before) not in workers_of(process))
        assert httpx.get(f"{address}/healthz").status_code == 200


def test_a_replacement_that_cannot_start_leaves_the_old_one(
    house: House, empty_database: str, tmp_path: Path
) -> None:
    database = Database(empty_database)
    with server(database, house, tmp_path, 2) as (process, address):
        before = workers_of(process)
        with database.owner() as connection:
            connection.execute(text("update alembic_version set version_num = 'newer'"))
        process.send_signal(signal.SIGHUP)
        eventually(lambda: workers_of(process) > before)
        eventually(lambda: workers_of(process) == before)
        assert httpx.get(f"{address}/healthz").status_code == 200
        unready = httpx.get(f"{address}/readyz")
        assert (unready.status_code, unready.json()["missing"]) == (503, ["schema"])
    database.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_request_that_never_ends_does_not_keep_the_server(
    database: Database, house: House, ours: Side, tmp_path: Path, workers: int
) -> None:
    with server(database, house, tmp_path, workers, STOP_SECONDS="1") as (process, address):
        host, _, port = address.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as half:
            half.sendall(
                b"POST /v1/screen HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Authorization: " + ours.bearer["Authorization"].encode() + b"\r\n"
                b'Content-Length: 1000\r\n\r\n{"kind": '
            )
            time.sleep(0.3)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        assert time.monotonic() - began < 15


def test_any_worker_answers_for_all(
    database: Database, house: House, ours: Side, tmp_path: Path
) -> None:
    with server(database, house, tmp_path, 2) as (process, address):
        for number in range(30):
            record = {"kind": "url", "id": f"counted-{number}", "url": "a.example"}
            httpx.post(f"{address}/v1/screen", json=record, headers=ours.bearer)
        for _ in range(6):
            answer = httpx.get(f"{address}/metrics").text
            assert "lapwing_items_screened_total 30.0" in answer
            assert "lapwing_worker_heartbeat_timestamp_seconds" in answer
            assert "lapwing_ledger_leaves" in answer
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    port = address.rpartition(":")[2]
    assert not (house.settings.home / f"metrics-{port}").exists()
