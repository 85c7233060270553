"""The quick way: what machines ask thousands of times a second is answered before the router.

It takes a plain call of a key that was known a moment ago and answers it as the route would, byte
for byte. Whatever is out of the ordinary (another caller, an odd header, a body that does not fit,
a refusal, a bank that is not level) goes on to the route unchanged, so that the route stays the
only place where such things are decided. It must never let anything through that the route's guard
would refuse, and never wait for the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from time import thread_time
from typing import Any, NamedTuple, cast
from uuid import UUID

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, HTTPScope, Receive, Scope, Send

from lapwing.app import House
from lapwing.bank.index.view import BankView
from lapwing.model.errors import LapwingError, Unavailable
from lapwing.model.organisations import ApiKey
from lapwing.model.organisations import Scope as KeyScope
from lapwing.web.api import match
from lapwing.web.callers import Caller
from lapwing.web.metrics import Metrics
from lapwing.web.threads import in_thread

BODY_BYTES = 64 << 10
"""Of a larger body the route takes care, which reads it piece by piece."""
INLINE_SECONDS = 0.002
"""A search that takes longer goes to a thread, so that other callers do not wait for it. A thread
costs about 0.2 ms of its own."""
_BEARER = b"Bearer lw_"
_MEMBERS = b"Bearer lw_m_"
_WEIGHT = 0.2
"""Of the newest search in the pace by which the next is judged."""


class QuickRoute(NamedTuple):
    """What the quick way has to know of a route; the route itself uses the same functions."""

    scope: KeyScope
    body: type[msgspec.Struct]
    answer: Callable[[BankView, Any], msgspec.Struct]
    hashes: Callable[[Any], int]


ROUTES: Mapping[str, QuickRoute] = {
    "/v1/match": QuickRoute(
        KeyScope.MATCH, match.MatchRequest, match.answer, lambda data: len(data.hashes)
    )
}


class _Known(NamedTuple):
    """A key's caller, made once for as long as the key is remembered."""

    key: ApiKey
    caller: Caller
    lists: frozenset[UUID] | None


class Quick:
    """ASGI wrapper around the router. `taken` counts the calls that it answered itself."""

    def __init__(self, app: ASGIApp, house: House, metrics: Metrics) -> None:
        self._app = app
        self._house = house
        self._metrics = metrics
        self._decoders = {
            path: msgspec.json.Decoder(route.body).decode for path, route in ROUTES.items()
        }
        self._encode = msgspec.json.Encoder().encode
        self._known: dict[UUID, _Known] = {}
        self._refreshing: dict[UUID, asyncio.Task[None]] = {}
        self._pace = INLINE_SECONDS
        """Seconds a hash, of late."""
        self.taken = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = ROUTES.get(scope["path"]) if scope["type"] == ScopeType.HTTP else None
        secret = None if route is None else _secret(cast("HTTPScope", scope))
        if route is None or secret is None:
            await self._app(scope, receive, send)
            return
        key, stale = self._house.members.remembered_key(secret)
        if key is None or route.scope not in key.scopes:
            await self._app(scope, receive, send)
            return
        if stale:
            self._refresh(key, secret)
        read: list[HTTPReceiveMessage] = []
        body = await _body(receive, read)
        answer = None if body is None else await self._answer(scope, route, key, body)
        if answer is None:
            await self._app(scope, _again(read, receive), send)
            return
        self.taken += 1
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(answer)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer, "more_body": False})

    async def _answer(
        self, scope: Scope, route: QuickRoute, key: ApiKey, body: bytes
    ) -> bytes | None:
        """The body of the answer; None where the route has to say it."""
        path = scope["path"]
        try:
            data = self._decoders[path](body)
            known = self._caller(key)
            snapshot = self._house.live.fresh()
            if snapshot is None:
                return None
            view = snapshot.view(key.organisation, self._house.clock(), known.lists)
            count = route.hashes(data)
            if count * self._pace <= INLINE_SECONDS:
                found, spent = _timed(route.answer, view, data)
            else:
                found, spent = await in_thread(_timed, route.answer, view, data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, LapwingError):
            return None
        if count:
            self._pace += _WEIGHT * (spent / count - self._pace)
            self._metrics.hashes_matched.inc(count)
        scope["path_template"] = path
        scope["user"] = known.caller
        return self._encode(found)

    def _caller(self, key: ApiKey) -> _Known:
        known = self._known.get(key.id)
        if known is None or known.key is not key:
            caller = Caller.by_key(key)
            known = self._known[key.id] = _Known(key, caller, caller.lists)
            if len(self._known) > 4096:
                self._known.clear()
        return known

    def _refresh(self, key: ApiKey, secret: str) -> None:
        """Look the key up again in a thread, once, while calls go on with what is remembered."""
        if key.id not in self._refreshing:
            self._refreshing[key.id] = asyncio.create_task(self._looked_up(key.id, secret))

    async def _looked_up(self, key: UUID, secret: str) -> None:
        try:
            await in_thread(self._house.members.refresh_key, secret)
        except Unavailable:
            return  # Soon it is no longer remembered, and then the route says so.
        finally:
            del self._refreshing[key]


def _timed(
    answer: Callable[[BankView, Any], msgspec.Struct], view: BankView, data: Any
) -> tuple[msgspec.Struct, float]:
    """(the answer, seconds of processor that it took, however busy the machine is)."""
    began = thread_time()
    return answer(view, data), thread_time() - began


def _secret(scope: HTTPScope) -> str | None:
    """The API key of a call that is plain in every respect, else None."""
    shown = length = kind = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            if shown is not None:
                return None
            shown = value
        elif name == b"content-type":
            if kind is not None:
                return None
            kind = value
        elif name == b"content-length":
            if length is not None:
                return None
            length = value
    if (
        shown is None
        or kind != b"application/json"
        or length is None
        or not length.isdigit()
        or int(length) > BODY_BYTES
        or not shown.startswith(_BEARER)
        or shown.startswith(_MEMBERS)
        or not shown.isascii()
        or scope["query_string"]
        or scope["method"] != "POST"
    ):
        return None
    return shown[7:].decode()


async def _body(receive: Receive, read: list[HTTPReceiveMessage]) -> bytes | None:
    """The whole body, or None; `read` then holds what has to be read again."""
    size, parts = 0, []
    while True:
        message = cast("HTTPReceiveMessage", await receive())
        read.append(message)
        if message["type"] != "http.request":
            return None
        size += len(message["body"])
        if size > BODY_BYTES:
            return None
        parts.append(message["body"])
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _again(read: list[HTTPReceiveMessage], receive: Receive) -> Receive:
    """`receive` from the beginning."""
    held = iter(read)

    async def again() -> HTTPReceiveMessage:
        return next(held, None) or cast("HTTPReceiveMessage", await receive())

    return again
