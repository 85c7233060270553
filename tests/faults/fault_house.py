"""A Lapwing that runs as an operator runs it: `lapwing serve` over a home of its own.

Its embedded database is reached directly, or over TCP through a proxy that can be cut. Everything
that is started here is stopped by `remove`, also where root's data lie outside the home.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
from fault_proxy import Proxy
from sqlalchemy import make_url

from lapwing.app import House, open_house
from lapwing.settings import Settings
from lapwing.store.embedded import EmbeddedPostgres

DISK_MEGABYTES = 768
READY_SECONDS = 90.0


class Disk:
    """A small disk of the test's own under the home, where the machine lets us mount one."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.filler = home / "filler"
        options = f"size={DISK_MEGABYTES}m,mode=0711"
        command = ["mount", "-t", "tmpfs", "-o", options, "lapwing-faults", str(home)]
        self.why_not = ""
        if os.geteuid() != 0:
            self.why_not = "mounting a small disk needs root"
        elif (done := subprocess.run(command, capture_output=True, check=False)).returncode:
            self.why_not = done.stderr.decode(errors="replace").strip() or "mount refuses"

    def fill(self) -> None:
        """Take every byte that is left."""
        with suppress(OSError), self.filler.open("ab", buffering=0) as file:
            size = 1 << 20
            while size:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2

    def free(self) -> None:
        self.filler.unlink(missing_ok=True)

    def remove(self) -> None:
        if not self.why_not:
            subprocess.run(["umount", "--lazy", str(self.home)], check=True)


class RunningHouse:
    """A home with its database and one `lapwing serve`. Not to be shared between threads."""

    def __init__(self) -> None:
        # Private folders of pytest's could not be entered by the user that root's server runs as.
        self.folder = Path(tempfile.mkdtemp(prefix="lapwing-faults-"))
        self.folder.chmod(0o711)
        self.home = self.folder / "home"
        self.home.mkdir(mode=0o711)
        self.disk = Disk(self.home)
        self.embedded = EmbeddedPostgres(self.home)
        self.direct = self.embedded.start()
        self.proxy = Proxy(_socket_of(self.direct))
        self.output = self.folder / "output"
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.workers = 1
        self.proxied = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        chosen = {
            "LAPWING_HOME": str(self.home),
            "LAPWING_PORT": str(self.port),
            "PYTHONFAULTHANDLER": "1",
        }
        if self.proxied:
            through = make_url(self.direct).set(
                drivername="postgresql",
                host="127.0.0.1",
                port=self.proxy.port,
                query={"sslmode": "disable", "gssencmode": "disable"},
            )
            chosen["LAPWING_DATABASE_URL"] = through.render_as_string(hide_password=False)
        return {name: value for name, value in os.environ.items() if "LAPWING" not in name} | chosen

    def start(self, *, workers: int | None = None, proxied: bool | None = None) -> None:
        """Start the server and wait until it is ready."""
        self.workers = workers if workers is not None else self.workers
        self.proxied = proxied if proxied is not None else self.proxied
        self.embedded.start()
        command = [sys.executable, "-m", "lapwing", "serve", "--json", "--log"]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, "--workers", str(self.workers)],
                env=self.environment(),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.wait_until_ready()

    def wait_until_ready(self) -> float:
        """Seconds it took; fails when the server has ended or stays unready."""
        began = time.monotonic()
        said = "nothing"
        while (waited := time.monotonic() - began) < READY_SECONDS:
            assert self.process is None or self.process.poll() is None, (
                f"the server ended with {self.process.returncode}: {self.last_words()}"
            )
            try:
                answer = httpx.get(f"{self.address}/readyz", timeout=5)
                if answer.status_code == 200:
                    return waited
                said = answer.text
            except httpx.TransportError as error:
                said = repr(error)
            time.sleep(0.1)
        raise AssertionError(f"not ready after {READY_SECONDS} s: {said}; {self.last_words()}")

    def last_words(self, most: int = 2000) -> str:
        return self.output.read_bytes()[-most:].decode(errors="replace")

    def family(self) -> list[psutil.Process]:
        """The server's processes, its own first."""
        if self.process is None or self.process.poll() is not None:
            return []
        server = psutil.Process(self.process.pid)
        return [server, *server.children(recursive=True)]

    def postmaster(self) -> list[psutil.Process]:
        """PostgreSQL's processes, the postmaster first."""
        with suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
            lines = (self.embedded.data / "postmaster.pid").read_text().splitlines()
            first = psutil.Process(int(lines[0]))
            if Path(first.cwd()) == self.embedded.data.resolve():
                return [first, *first.children(recursive=True)]
        return []

    def reap(self) -> None:
        """Wait for a server that was killed, and for workers that it left."""
        assert self.process is not None
        self.process.wait(30)
        self.process = None

    def stop(self) -> int:
        """Stop the server as an operator does; its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            # With PYTHONFAULTHANDLER each says where its threads are.
            send(signal.SIGABRT, reversed(self.family()))
            time.sleep(1)
            raise AssertionError(f"the server does not stop: {self.last_words(20_000)}") from None
        self.process = None
        return status

    def opened(self) -> House:
        """The same house in this process, around the proxy; the caller closes it."""
        return open_house(Settings.read({"LAPWING_HOME": str(self.home)}))

    def remove(self) -> None:
        """Stop what was started and delete everything."""
        send(signal.SIGCONT, [*self.family(), *self.postmaster()])
        send(signal.SIGKILL, self.family())
        if self.process is not None:
            self.process.wait(30)
        self.proxy.close()
        self.disk.free()
        self.embedded.remove()
        self.disk.remove()
        shutil.rmtree(self.folder)


def send(number: signal.Signals, processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _socket_of(url: str) -> str:
    folder = make_url(url).query["host"]
    assert isinstance(folder, str)
    return f"{folder}/.s.PGSQL.5432"
