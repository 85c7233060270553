"""A worker process of a measurement: it follows the bank and says when it sees a change."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic, sleep
from uuid import UUID

import numpy as np

from lapwing.bank.following import Follower
from lapwing.bank.generations import Generations
from lapwing.bank.live import LiveBank
from lapwing.store.clock import utc_now
from lapwing.store.database import Database

PATIENCE = 60.0
_spawning = multiprocessing.get_context("spawn")


class Worker:
    """One such process, asked through a pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def look_for(self, code: bytes, *, there: bool) -> None:
        """Let it search without a pause until `code` is found, or no longer found."""
        self._pipe.send((code, there))

    def seen_at(self) -> float:
        """When (monotonic, shared by all processes) its search said so."""
        return float(self._pipe.recv())

    def memory(self) -> dict[str, int]:
        """Its share of memory in bytes (Pss): `Pss`, `Pss_Anon`, `Pss_File`."""
        self._pipe.send(None)
        found: dict[str, int] = self._pipe.recv()
        return found


@contextmanager
def worker(database: Database, folder: Path, schema: str, organisation: UUID) -> Iterator[Worker]:
    """A worker that has the bank in memory, until the end of the block."""
    here, there = _spawning.Pipe()
    url = database.url.render_as_string(hide_password=False)
    process = _spawning.Process(
        target=_work, args=(there, url, folder, schema, organisation), daemon=True
    )
    process.start()
    there.close()
    try:
        here.recv()
        yield Worker(here)
    finally:
        here.close()
        process.join(PATIENCE)


def memory() -> dict[str, int]:
    """This process's share of memory in bytes; Linux only."""
    said = Path("/proc/self/smaps_rollup").read_text("ascii").splitlines()
    wanted = ("Pss:", "Pss_Anon:", "Pss_File:")
    lines = [line.split() for line in said if line.startswith(wanted)]
    return {name.rstrip(":"): int(size) * 1024 for name, size, _ in lines}


def _work(pipe: Connection, url: str, folder: Path, schema: str, organisation: UUID) -> None:
    database = Database(url)
    live = LiveBank(database, Generations(folder, schema))
    follower = Follower(live)
    follower.start()
    live.snapshot().view(organisation, utc_now()).near(np.zeros((1, 32), np.uint8))
    pipe.send(True)
    try:
        while True:
            asked = pipe.recv()
            pipe.send(memory() if asked is None else _seen(live, organisation, *asked))
    except EOFError:
        pass
    finally:
        follower.stop()
        database.close()


def _seen(live: LiveBank, organisation: UUID, code: bytes, there: bool) -> float:
    query = np.frombuffer(code, np.uint8).reshape(1, 32)
    until = monotonic() + PATIENCE
    while monotonic() < until:
        hits = live.recent().view(organisation, utc_now()).near(query)
        if any(hit.distance == 0 for hit in hits) is there:
            break
        sleep(0.0002)
    return monotonic()
