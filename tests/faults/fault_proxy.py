"""A loopback TCP door to PostgreSQL's socket that can be cut, stalled or made deaf."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")


class Line(StrEnum):
    OPEN = "open"
    REFUSED = "refused"
    """Every connection is reset, and so are new ones."""
    STALLED = "stalled"
    """Bytes wait; they arrive once the line is open again."""
    DEAF = "deaf"
    """What the server answers is lost: also that a commit was done."""


class Proxy:
    """Runs in a thread of its own. `set` may be called from any thread."""

    def __init__(self, unix_socket: str) -> None:
        self._unix_socket = unix_socket
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._line = Line.OPEN
        self._changed = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self.port: int = self._call(self._serve())

    def set(self, line: Line) -> None:
        self._call(self._set(line))

    def close(self) -> None:
        self.set(Line.REFUSED)
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _call(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=5) if others else None

    async def _serve(self) -> int:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    async def _set(self, line: Line) -> None:
        before, self._line = self._line, line
        self._changed.set()
        self._changed = asyncio.Event()
        # A stream with lost bytes in it cannot be mended.
        if Line.REFUSED in (before, line) or before is Line.DEAF:
            for writer in list(self._writers):
                writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._line is Line.REFUSED:
            writer.transport.abort()
            return
        self._writers.add(writer)
        there = None
        try:
            back, there = await asyncio.open_unix_connection(self._unix_socket)
            self._writers.add(there)
            await asyncio.gather(
                self._pump(reader, there, answers=False), self._pump(back, writer, answers=True)
            )
        except OSError:
            pass
        finally:
            for one in (writer, there):
                if one is not None:
                    self._writers.discard(one)
                    one.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await reader.read(65536):
            while self._line is Line.STALLED:
                await self._changed.wait()
            if answers and self._line is Line.DEAF:
                continue
            writer.write(data)
            await writer.drain()
        with suppress(OSError, RuntimeError):
            writer.write_eof()
