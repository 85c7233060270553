"""The kinds of fault: what is done to a running house, and how it is undone.

A new kind is a class with `name`, `needs` and the two methods; it joins by being listed in KINDS.
Between `strike` and `heal` the clients go on. `heal` undoes what an administrator would have to
undo; what Lapwing has to mend by itself is left to it.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import psycopg
from fault_house import RunningHouse, send
from fault_proxy import Line
from sqlalchemy import make_url


class Fault(Protocol):
    name: str
    proxied: bool | None
    """Whether the database has to be reached through the proxy; None: either way."""
    workers: int
    """How many the server must have at least."""
    longest: float
    """Seconds that it lasts at most."""

    def why_not(self, house: RunningHouse) -> str:
        """Why this machine cannot have it; empty when it can."""
        ...

    def strike(self, house: RunningHouse, chance: random.Random) -> None: ...

    def heal(self, house: RunningHouse) -> None: ...


class _Kind:
    proxied: bool | None = None
    workers = 1
    longest = 1.0

    def why_not(self, house: RunningHouse) -> str:
        return ""

    def heal(self, house: RunningHouse) -> None:
        return None


class KillServer(_Kind):
    """kill -9 of the server, its workers too, in any order."""

    name = "server killed"

    def strike(self, house: RunningHouse, chance: random.Random) -> None:
        victims = house.family()
        chance.shuffle(victims)
        send(signal.SIGKILL, victims)
        house.reap()

    def heal(self, house: RunningHouse) -> None:
        house.start()


class KillWorker(_Kind):
    """kill -9 of one worker of several: the server replaces it."""

    name = "worker killed"
    workers = 2

    def strike(self, house: RunningHouse, chance: random.Random) -> None:
        workers = [one for one in house.family()[1:] if "spawn_main" in " ".join(one.cmdline())]
        send(signal.SIGKILL, [chance.choice(workers)])


class KillDatabase(_Kind):
    """kill -9 of all of PostgreSQL: the server starts it again."""

    name = "database killed"
    proxied = False

    def strike(self, house: RunningHouse, chance: random.Random) -> None:
        victims = house.postmaster()
        chance.shuffle(victims)
        send(signal.SIGKILL, victims)


class KillBackend(_Kind):
    """kill -9 of one PostgreSQL process: PostgreSQL restarts itself and ends every session."""

    name = "one database process killed"

    def strike(self, house: RunningHouse, chance: random.Random) -> None:
        send(signal.SIGKILL, [chance.choice(house.postmaster()[1:])])


class KillEverything(_Kind):
    """kill -9 of server and database at once, as when the machine's power fails."""

    name = "everything killed"

    def strike(self, house: RunningHouse, chance: random.Random) -> None:
        victims = [*house.family(), *house.postmaster()]
        chance.shuffle(victims)
        send(signal.SIGKILL, victims)
        house.reap()

    def heal(self, house: RunningHouse) -> None:
        house.start()


class FreezeServer(_Kind):
    """SIGSTOP, later SIGCONT: clients give up, and their requests are done nevertheless."""

    name = "server frozen"
    longest = 6.0

    def strike(self, house: RunningHouse, chance: random.Random) -> None:
        send(signal.SIGSTOP, house.family())

    def heal(self, house: RunningHouse) -> None:
        send(signal.SIGCONT, house.family())


class FreezeDatabase(_Kind):
    name = "database frozen"
    longest = 6.0

    def strike(self, house: RunningHouse, chance: random.Random) -> None:
        send(signal.SIGSTOP, house.postmaster())

    def heal(self, house: RunningHouse) -> None:
        send(signal.SIGCONT, house.postmaster())


class FillDisk(_Kind):
    """No byte is left for database and blobs. The server starts a database that gave up."""

    name = "disk full"
    proxied = False
    longest = 3.0

    def why_not(self, house: RunningHouse) -> str:
        return house.disk.why_not

    def strike(self, house: RunningHouse, chance: random.Random) -> None:
        house.disk.fill()

    def heal(self, house: RunningHouse) -> None:
        house.disk.free()


class EndSessions(_Kind):
    """pg_terminate_backend of every session."""

    name = "sessions ended"

    def strike(self, house: RunningHouse, chance: random.Random) -> None:
        url = make_url(house.direct).set(drivername="postgresql")
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as own,
        ):
            own.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where usename = current_user and pid <> pg_backend_pid()"
            )


class _Cut(_Kind):
    proxied = True
    line: Line

    def strike(self, house: RunningHouse, chance: random.Random) -> None:
        house.proxy.set(self.line)

    def heal(self, house: RunningHouse) -> None:
        house.proxy.set(Line.OPEN)


class CutLine(_Cut):
    name = "line cut"
    line = Line.REFUSED


class StallLine(_Cut):
    name = "line stalled"
    line = Line.STALLED
    longest = 6.0


class LoseAnswers(_Cut):
    """The database commits and nobody hears of it."""

    name = "answers lost"
    line = Line.DEAF


class StopAndStart(_Kind):
    """SIGTERM: what was begun is answered, and the server ends with status 0."""

    name = "server restarted"

    def strike(self, house: RunningHouse, chance: random.Random) -> None:
        assert house.stop() == 0, house.last_words()

    def heal(self, house: RunningHouse) -> None:
        house.start()


class RollWorkers(_Kind):
    """SIGHUP: workers are replaced one after the other."""

    name = "workers rolled"
    workers = 2

    def strike(self, house: RunningHouse, chance: random.Random) -> None:
        assert house.process is not None
        os.kill(house.process.pid, signal.SIGHUP)


KINDS: Sequence[Fault] = (
    KillServer(),
    KillEverything(),
    KillDatabase(),
    FillDisk(),
    LoseAnswers(),
    CutLine(),
    StallLine(),
    EndSessions(),
    KillBackend(),
    FreezeServer(),
    FreezeDatabase(),
    KillWorker(),
    RollWorkers(),
    StopAndStart(),
)
