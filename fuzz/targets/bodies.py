"""Multipart bodies of the API, cut into pieces anywhere. The first byte says how large they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine
from typing import Any, cast

from lapwing.model.errors import InvalidInput
from lapwing.web.bodies import AnyRequest, Part, read_body, read_parts

_LIMITS = {"item": 64, "file": 256, "identity": 32}
_ITEM = b'--x\r\nContent-Disposition: form-data; name="item"\r\n\r\n{"kind":"media"}\r\n'
_FILE = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
    b"Content-Type: image/png\r\n\r\nabc\r\n"
)

SEEDS = [
    b"\x07" + _ITEM + _FILE + b"--x--\r\n",
    b"\x01" + _ITEM + b"--x--",
    b"\xff" + _ITEM + _ITEM + b"--x--\r\n",
    b"\x20" + _FILE + b"a" * 300 + b"\r\n--x--\r\n",
    b"\x20--x\r\nContent-Disposition: form-data; name*=utf-8''item\r\n\r\n\r\n--x--\r\n",
    b"\x20--x\r\n\r\n\r\n--x\r\n",
]


class _Request:
    """As much of a request as the readers of bodies use."""

    content_length = None
    content_type = ("multipart/form-data", {"boundary": "x"})

    def __init__(self, body: bytes, piece: int) -> None:
        self._body, self._piece = body, piece

    async def stream(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), self._piece):
            yield self._body[start : start + self._piece]


def one(data: bytes) -> None:
    request = cast("AnyRequest", _Request(data[1:], max(1, data[0] if data else 1)))
    try:
        parts: dict[str, Part] = _result(read_parts(request, _LIMITS))
    except InvalidInput as error:
        assert error.message.strip(), "a refusal without a reason"
    else:
        for name, part in parts.items():
            assert len(part.content) <= _LIMITS[name], "a part beyond its limit"
    try:
        assert _result(read_body(request, 512)) == data[1:]
    except InvalidInput:
        assert len(data) > 513, "refused within the limit"


def _result(reading: Coroutine[Any, Any, Any]) -> Any:
    """Nothing is waited for here, so the coroutine ends at once."""
    try:
        reading.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the reader waits")
