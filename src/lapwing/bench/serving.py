"""How many calls a real server answers over HTTP, and what each side of the wire spends on it.

`lapwing serve` runs as it would anywhere, over a bank of random PDQ hashes in a database; the load
generator runs beside it on the same processors, so its share is named.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from time import monotonic, perf_counter, sleep
from typing import Any, NamedTuple

import msgspec
import numpy as np
import psutil
from numpy.typing import NDArray

from lapwing.app import House
from lapwing.bank.bulk import BulkRow, add_rows
from lapwing.bank.changes import NewList
from lapwing.bench.load import Load, generator, press
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import Unavailable
from lapwing.model.indicators import IndicatorKind, ListKind
from lapwing.model.organisations import OrganisationKind, Scope
from lapwing.store.clock import new_id

Row = dict[str, Any]
SEED = 20_260_502
BATCH = 50_000
"""Hashes listed in one transaction."""
BODIES = 2_000
"""Different calls, sent one after another and all over again."""
NEAR_SHARE = 0.01
"""Of the hashes asked: within 20 bits of a listed one."""
READY_SECONDS = 300.0


class Used(NamedTuple):
    """Seconds of processor of the serving processes and of the database's."""

    serving: float
    database: float


class Server(NamedTuple):
    address: str
    process: psutil.Process
    database: psutil.Process | None

    def used(self) -> Used:
        family = [self.process, *self.process.children(recursive=True)]
        database = [] if self.database is None else [self.database, *self.database.children()]
        return Used(sum(map(_cpu, family)), sum(map(_cpu, database)))

    def memory(self) -> tuple[int, int]:
        """Bytes that the workers take together (Pss: what they share counts once), and how many
        workers there are."""
        workers = [
            child for child in self.process.children() if "spawn_main" in " ".join(child.cmdline())
        ]
        return sum(worker.memory_full_info().pss for worker in workers), len(workers)


def measure(
    house: House,
    *,
    codes: int = 1_000_000,
    hashes: int = 8,
    seconds: float = 10.0,
    connections: int = 32,
    workers: int = 2,
) -> Iterator[Row]:
    """Rows of calls a second, times and processor seconds; the last is what the bank took.

    `house` is thrown away afterwards: see `bench.place`. Raises Unavailable when the server does
    not come up.
    """
    secret, listed, filling = _fill(house, codes)
    rng = np.random.default_rng(SEED)
    asking: dict[str, Any] = {
        "headers": {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
        "seconds": seconds,
        "connections": connections,
    }
    probe: dict[str, Any] = {
        "seconds": seconds,
        "connections": connections,
        "headers": {},
        "method": "GET",
    }
    several = _bodies(rng, listed, hashes)
    baseline = 0.0
    for logged in (True, False):
        with _server(house, workers, logged) as server:
            log = "log on" if logged else "no log"
            press(server.address, "/v1/match", several, **{**asking, "seconds": 2.0})
            if logged:
                row = _row(f"health probe, {log}", server, "/healthz", [b""], probe)
                baseline = row["calls/s"]
                yield row
            else:
                yield _row(f"no hash, {log}", server, "/v1/match", _bodies(rng, listed, 0), asking)
            row = _row(f"{hashes} hashes, {log}", server, "/v1/match", several, asking)
            yield row | {"of probe": round(row["calls/s"] / baseline, 2)}
            memory, count = server.memory()
    yield {
        "what": f"{codes:,} hashes listed in {filling:.0f} s; memory (Pss) of {count} workers",
        "MiB": round(memory / 2**20),
    }


def _row(what: str, server: Server, path: str, bodies: Sequence[bytes], how: dict[str, Any]) -> Row:
    before, start = server.used(), perf_counter()
    load: Load = press(server.address, path, bodies, **how)
    passed, after = perf_counter() - start, server.used()
    serving, database = (new - old for new, old in zip(after, before, strict=True))
    each = 1e6 / max(load.calls, 1)
    return {
        "what": what,
        "calls/s": round(load.calls / load.seconds),
        "p50 ms": round(load.p50 * 1000, 2),
        "p99 ms": round(load.p99 * 1000, 2),
        "errors": load.errors,
        "server µs a call": round(serving * each),
        f"{generator()} µs a call": round(load.cpu * each),
        f"{generator()} share of processor": round(load.cpu / (serving + load.cpu + database), 2),
        "database µs a call": round(database * each),
        "processors in use": round((serving + load.cpu + database) / passed, 2),
    }


def _fill(house: House, codes: int) -> tuple[str, NDArray[np.uint8], float]:
    """An organisation with a key and a verified list of random hashes, in this house."""
    made = house.members.create_organisation(
        name=f"bench {new_id()}", kind=OrganisationKind.PLATFORM, country="US"
    )
    _, secret = house.members.create_key(made.id, SYSTEM, "bench", [Scope.MATCH])
    chosen = house.bank.create_list(
        made.id,
        SYSTEM,
        NewList(
            name="bench",
            kind=ListKind.BLOCK,
            source="bench",
            basis="measurement",
            category="random",
            verified=True,
        ),
    )
    listed = np.random.default_rng(SEED - 1).integers(0, 256, (codes, 32), dtype=np.uint8)
    start = perf_counter()
    for at in range(0, codes, BATCH):
        rows = [
            BulkRow(IndicatorKind.PDQ.value, bytes(code), "random", None, None)
            for code in listed[at : at + BATCH]
        ]
        add_rows(
            house.database,
            house.ledger,
            made.id,
            SYSTEM,
            chosen,
            rows,
            source="bench",
            at=house.clock(),
        )
    return secret, listed, perf_counter() - start


def _bodies(rng: np.random.Generator, listed: NDArray[np.uint8], hashes: int) -> list[bytes]:
    """Calls of so many hashes: random ones, and a few near to listed ones."""
    asked = rng.integers(0, 256, (BODIES, hashes, 32), dtype=np.uint8)
    for body, place in zip(*np.nonzero(rng.random((BODIES, hashes)) < NEAR_SHARE), strict=True):
        asked[body, place] = listed[rng.integers(len(listed))]
        flipped = rng.choice(256, rng.integers(0, 21), replace=False)
        np.bitwise_xor.at(asked[body, place], flipped >> 3, 1 << (flipped & 7).astype(np.uint8))
    return [
        msgspec.json.encode(
            {
                "hashes": [
                    {"kind": "pdq", "hash": code.tobytes().hex(), "quality": 80} for code in body
                ]
            }
        )
        for body in asked
    ]


@contextmanager
def _server(house: House, workers: int, logged: bool) -> Iterator[Server]:
    """`lapwing serve` on a free port of loopback, answering; its log goes nowhere."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = house.settings
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LAPWING_")},
        "LAPWING_HOME": str(settings.home),
        "LAPWING_HOST": "127.0.0.1",
        "LAPWING_PORT": str(port),
        **({"LAPWING_DATABASE_URL": settings.database_url} if settings.database_url else {}),
    }
    command = [sys.executable, "-m", "lapwing", "serve", "--workers", str(workers)]
    started = subprocess.Popen(  # noqa: S603
        [*command, "--log" if logged else "--no-log"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_ready(started, port)
        database = None
        if house.embedded is not None:
            postmaster = house.embedded.data / "postmaster.pid"
            database = psutil.Process(int(postmaster.read_text().split()[0]))
        yield Server(f"http://127.0.0.1:{port}", psutil.Process(started.pid), database)
    finally:
        started.terminate()
        try:
            started.wait(60)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def _wait_until_ready(started: subprocess.Popen[bytes], port: int) -> None:
    until = monotonic() + READY_SECONDS
    while monotonic() < until:
        if started.poll() is not None:
            raise Unavailable(f"lapwing serve ended with {started.returncode}")
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        sleep(0.2)
    raise Unavailable(f"lapwing serve is not ready after {READY_SECONDS:.0f} s")


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
