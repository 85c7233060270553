"""Reading a request's body piece by piece, so that a limit holds before the memory is spent.

Nothing is ever written to a temporary file: content that is not kept must not touch a disk.
"""

from __future__ import annotations

from typing import Any

import multipart  # type: ignore[import-untyped]
from litestar import Request
from msgspec import Struct

from lapwing.model.errors import InvalidInput, LimitExceeded

AnyRequest = Request[Any, Any, Any]


class CarefulRequest(Request[Any, Any, Any]):
    """Litestar's request, but what its JSON reader lets through of hostile bodies is refused."""

    async def json(self) -> Any:
        try:
            return await super().json()
        except UnicodeDecodeError as error:
            raise InvalidInput("the body is not UTF-8 text") from error
        except RecursionError as error:
            raise LimitExceeded("the body is nested too deep") from error


MULTIPART_EXTRA = 64 << 10
"""Bytes that boundaries and part headers may take."""


class Part(Struct, frozen=True):
    content: bytes
    mime: str | None


async def read_body(request: AnyRequest, most: int) -> bytes:
    """The whole body. Raises LimitExceeded once it is larger than `most` bytes."""
    _check_announced(request, most)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise _too_large(most)
    return bytes(body)


async def read_parts(request: AnyRequest, limits: dict[str, int]) -> dict[str, Part]:
    """The parts of a multipart/form-data body; `limits` gives each allowed name its bytes.

    Raises InvalidInput for an unknown or repeated part and for a body that is not multipart,
    LimitExceeded for a part that is too large.
    """
    boundary = request.content_type[1].get("boundary")
    if not boundary:
        raise InvalidInput("multipart/form-data needs a boundary in Content-Type")
    most = sum(limits.values()) + MULTIPART_EXTRA
    _check_announced(request, most)
    reader = _Reader(limits)
    total = 0
    try:
        parser = multipart.PushMultipartParser(
            boundary, max_segment_count=len(limits), max_header_size=4096
        )
        async for chunk in request.stream():
            total += len(chunk)
            if total > most:
                raise _too_large(most)
            if chunk:
                for event in parser.parse(chunk):
                    reader.take(event)
        parser.close()
    except multipart.ParserLimitReached as error:
        raise LimitExceeded(f"the multipart body is refused: {error}") from error
    except multipart.MultipartError as error:
        raise InvalidInput(f"the body is not multipart/form-data: {error}") from error
    return reader.parts


class _Reader:
    def __init__(self, limits: dict[str, int]) -> None:
        self._limits = limits
        self._segment: multipart.MultipartSegment | None = None
        self._content = bytearray()
        self.parts: dict[str, Part] = {}

    def take(self, event: multipart.MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, multipart.MultipartSegment):
            if event.name not in self._limits:
                known = ", ".join(self._limits)
                raise InvalidInput(f"there is no part {event.name!r}; there are: {known}")
            if event.name in self.parts:
                raise InvalidInput("this part comes twice", field=event.name)
            self._segment, self._content = event, bytearray()
            return
        if self._segment is None:
            return
        name = self._segment.name
        if event is None:
            mime = self._segment.content_type if self._segment.filename is not None else None
            self.parts[name] = Part(bytes(self._content), mime)
            self._segment = None
            return
        self._content += event
        if len(self._content) > self._limits[name]:
            raise LimitExceeded(f"larger than {self._limits[name]} bytes", field=name)


def _check_announced(request: AnyRequest, most: int) -> None:
    announced = request.content_length
    if announced is not None and announced > most:
        raise _too_large(most)


def _too_large(most: int) -> LimitExceeded:
    return LimitExceeded(f"the body is larger than {most} bytes")
