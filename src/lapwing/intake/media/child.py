"""Another Python process to decode in, joined by a pair of sockets.

Started as a program of its own and not by multiprocessing, which would run the script of whoever
embeds Lapwing a second time. It must never inherit more than the descriptors named.
"""

from __future__ import annotations

import contextlib
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from lapwing.intake.limits import MEBIBYTE

MEMORY = 8192 * MEBIBYTE
"""Address space; compiled code and libraries take about 3 GiB of it unused."""

_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[2:];"
    "from lapwing.intake.media.child import _run; _run(int(sys.argv[1]))"
)


class Child:
    """`task(pipe, *arguments)` runs there; it and the arguments must be picklable by name."""

    def __init__(
        self,
        task: Callable[..., None],
        *arguments: Any,
        descriptors: tuple[int, ...] = (),
        memory: int = MEMORY,
    ) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-c", _PROGRAM, str(theirs.fileno()), *sys.path],
                pass_fds=(theirs.fileno(), *descriptors),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self.pipe = Connection(ours.detach())
        with contextlib.suppress(OSError):
            self.pipe.send(memory)
            self.pipe.send((task, arguments))

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """End it, whatever it does."""
        self.pipe.close()
        self._process.kill()
        self._process.wait()


def _run(descriptor: int) -> None:
    """The other side."""
    # Ctrl-C reaches the whole group; the parent stops its children itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pipe = Connection(descriptor)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        memory = pipe.recv()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (memory, hard))
        task, arguments = pipe.recv()
        task(pipe, *arguments)
