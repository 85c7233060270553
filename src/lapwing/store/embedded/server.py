"""The embedded server's life: make, start, find running, stop.

A lock file is handed down to the server, so that the kernel says whether any of its processes is
alive: after kill -9, a crash of the machine, or with the same folder in two containers. The server
belongs to no Lapwing process: it outlives them, and the next one finds it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from sqlalchemy.engine import URL

from lapwing.model.errors import Unavailable
from lapwing.store.embedded.account import Account, server_account
from lapwing.store.embedded.binaries import for_account
from lapwing.store.embedded.cluster import DATABASE, make_data
from lapwing.store.embedded.locks import locked, try_lock
from lapwing.store.embedded.place import (
    Place,
    known_place,
    make_control,
    make_place,
    original_of,
    remove_place,
    socket_folder,
)
from lapwing.store.embedded.settings import OWNER, write_settings

_PATIENCE = 60.0  # seconds for a start or stop under way elsewhere
_RECOVERY = 600  # seconds for PostgreSQL to replay its log after a crash


@dataclass(frozen=True)
class _Postmaster:
    """What `postmaster.pid` says; it may be stale. Lines as in PostgreSQL's miscadmin.h."""

    pid: int
    sockets: str

    def alive_over(self, data: Path) -> bool:
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return Path(process.cwd()) == data.resolve()
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return str(process.name()) == "postgres"


class EmbeddedPostgres:
    """One PostgreSQL instance with its data under `home/"postgres"`.

    Objects in any number of processes may name the same home; all find the same server.
    """

    def __init__(self, home: Path) -> None:
        self.home = Path(os.path.abspath(home))

    @property
    def log_path(self) -> Path:
        """The newest log file, or where the first one will be."""
        place = known_place(self.home)
        logs = sorted(place.log.glob("server-*.log"), key=lambda path: path.stat().st_mtime)
        return logs[-1] if logs else place.start_log

    @property
    def data(self) -> Path:
        """The data folder; outside the home where the server user cannot reach into it."""
        return known_place(self.home).data

    def start(self) -> str:
        """Start the server unless it runs; return the owner's SQLAlchemy URL of the database.

        Raises Unavailable when the data are damaged, of another PostgreSQL version or someone
        else's, when no user can run the server, and when it does not come up.
        """
        try:
            make_control(self.home)
            with locked(known_place(self.home).start_lock, patience=_RECOVERY):
                known_place(self.home).stopped.unlink(missing_ok=True)
                return self._start()
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(f"the embedded database cannot start: {error}") from error

    def revive(self) -> bool:
        """Start a server that is gone although nobody stopped it; False when there was no need.

        Raises Unavailable as `start` does.
        """
        place = known_place(self.home)
        if not place.control.exists() or place.stopped.exists() or self.running():
            return False
        try:
            with locked(place.start_lock, patience=_RECOVERY):
                if place.stopped.exists() or self.running():
                    return False
                self._start()
                return True
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(f"the embedded database cannot start: {error}") from error

    def running(self) -> bool:
        """Whether a server over this home's data is alive."""
        place = known_place(self.home)
        if original_of(place) is not None:
            return False
        postmaster = _postmaster(place.data)
        return postmaster is not None and postmaster.alive_over(place.data)

    def stop(self) -> bool:
        """Stop the server, ending its sessions, and wait until it is gone; False if none ran."""
        place = known_place(self.home)
        if not self.running():
            return False
        with locked(place.start_lock, patience=_RECOVERY):
            if not self.running():
                return False
            with suppress(OSError):
                place.stopped.touch(mode=0o600)
            postmaster = _postmaster(place.data)
            account = server_account(place.data)
            control = for_account(account, place.folder).program("pg_ctl")
            for mode in ("fast", "immediate"):
                command = [control, "stop", "-D", place.data, "-m", mode, "-w", "-t", "60"]
                if account.run(command).returncode == 0:
                    if postmaster is not None:
                        _remove_folder_outside(place, Path(postmaster.sockets))
                    return True
            raise Unavailable(f"the embedded database does not stop; see {self.log_path}")

    def remove(self) -> None:
        """Stop the server and delete its data for good, also where they lie outside the home."""
        self.stop()
        place = known_place(self.home)
        if place.control.exists():
            with locked(place.start_lock, patience=_RECOVERY):
                remove_place(place)

    def _start(self) -> str:
        place = known_place(self.home)
        account = server_account(place.data)
        place = make_place(place, account)
        patience = time.monotonic() + _PATIENCE
        while True:
            lock = try_lock(place.server_lock)
            if lock is None or self.running():
                if lock is not None:
                    os.close(lock)
                url = self._answering(place)
                if url:
                    return url
                if time.monotonic() > patience:
                    raise Unavailable(
                        f"a database server holds {place.data} but does not answer; "
                        f"see {self.log_path}"
                    )
                time.sleep(0.05)
                continue
            try:
                return self._launch(place, account, lock)
            finally:
                os.close(lock)

    def _answering(self, place: Place) -> str | None:
        postmaster = _postmaster(place.data)
        if postmaster is None or not place.password.exists():
            return None
        url = _url(place, postmaster.sockets)
        try:
            psycopg.connect(url.render_as_string(hide_password=False), connect_timeout=5).close()
        except psycopg.OperationalError:
            return None
        return _as_sqlalchemy(url)

    def _launch(self, place: Place, account: Account, lock: int) -> str:
        binaries = for_account(account, place.folder)
        sockets = socket_folder(place, account)
        _remove_stale(place, sockets)
        make_data(place, account, binaries)
        settings = write_settings(place, account, sockets)
        # pg_ctl puts its own arguments into a shell's double quotes, where a $ in a path would
        # act; so the paths go in ours, and the log is opened here (a file, never a pipe).
        options = f"-D {shlex.quote(str(place.data))} -c config_file={shlex.quote(str(settings))}"
        command = [binaries.program("pg_ctl"), "start", "-s", "-w", "-t", str(_RECOVERY)]
        command += ["-o", options]
        with place.start_log.open("wb") as log:
            done = account.run(
                command,
                output=log,
                pass_fds=[lock],
                timeout=_RECOVERY + 10,
                variables={"PGDATA": str(place.data)},
            )
        if done.returncode != 0:
            raise Unavailable(f"the embedded database does not start: {_last_words(place)}")
        return _as_sqlalchemy(_url(place, str(sockets)))


def _postmaster(data: Path) -> _Postmaster | None:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, PermissionError):
        return None
    if len(lines) < 5 or not lines[0].strip().isdigit():
        return None
    return _Postmaster(int(lines[0]), lines[4])


def _url(place: Place, sockets: str) -> URL:
    return URL.create(
        "postgresql",
        username=OWNER,
        password=place.password.read_text().strip(),
        database=DATABASE,
        query={"host": sockets},
    )


def _remove_stale(place: Place, sockets: Path) -> None:
    """Remove what a killed server left. PostgreSQL itself looks only whether the process id in
    these files is in use, by whatever process; here the server lock is held, so none lives."""
    for path in (
        place.data / "postmaster.pid",
        sockets / ".s.PGSQL.5432",
        sockets / ".s.PGSQL.5432.lock",
    ):
        path.unlink(missing_ok=True)


def _remove_folder_outside(place: Place, sockets: Path) -> None:
    """A socket folder in the temporary folder is not left behind; it is empty after a stop."""
    if place.folder not in sockets.parents:
        with suppress(OSError):
            sockets.rmdir()


def _as_sqlalchemy(url: URL) -> str:
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _last_words(place: Place) -> str:
    """What PostgreSQL wrote last, for a person to read."""
    logs = sorted(place.log.glob("*.log"), key=lambda path: -path.stat().st_mtime)
    for log in logs:
        lines = log.read_text(errors="replace").splitlines()
        for line in reversed(lines[-20:]):
            if told := re.search(r"(FATAL|PANIC|ERROR): .*", line):
                return f"{told[0]} (see {log})"
    return f"see {place.log}"
