"""One granian server in the running event loop, over a socket that is bound already.

A socket that is shared by all worker processes, and open for as long as one of them or their
parent lives, loses no connection when a worker is replaced: what waits in its queue is taken by
the others. (With a socket for each, as granian would bind them, the kernel resets what waits.)
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import closing
from typing import Any

from granian._granian import SocketHolder
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server
from litestar import Litestar

from lapwing.model.errors import Unavailable

BACKLOG = 512
"""Connections that may wait until a worker takes them."""
_LOGS: dict[str, Any] = {
    "handlers": {},
    "formatters": {},
    "loggers": {name: {"propagate": True} for name in ("_granian", "granian.access")},
}


class Door(Server):
    """Serves `app` on `listener` until `stop` is called, then finishes what has begun.

    The application's lifespan is the caller's business. `stop` is called once, and not before
    `is_open` has returned: granian's signal is lost before that, and hangs when it is set again.
    """

    def __init__(self, app: Litestar, listener: socket.socket) -> None:
        super().__init__(
            app,
            interface=Interfaces.ASGINL,
            backlog=BACKLOG,
            websockets=False,
            log_level=LogLevels.error,
            log_dictconfig=_LOGS,
        )
        self._listener = listener

    async def is_open(self, serving: asyncio.Task[None]) -> None:
        """Return once requests are taken, or the task of `serve` has failed."""
        while not self.wrks and not serving.done():
            await asyncio.sleep(0.001)
        # The worker's task is there; by its first pause it has taken hold of its signal.
        await asyncio.sleep(0.001)

    def _init_shared_socket(self) -> None:
        # A copy, for granian closes what it is given.
        copy = os.dup(self._listener.fileno())
        holder: Any = SocketHolder
        self._shd: Any = holder(copy, False, BACKLOG)
        self._ssp = None


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Unavailable when the address cannot be had."""
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[
            0
        ]
        listener = socket.socket(family, kind, number)
    except OSError as error:
        raise Unavailable(f"cannot listen on {host} port {port}: {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        with closing(listener):
            raise Unavailable(f"cannot listen on {host} port {port}: {error.strerror}") from error
    return listener
