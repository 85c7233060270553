"""The frame around every answer: request id, security headers, one line in the access log.

It stands outside the router, so that unknown paths and crashes are framed too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from lapwing.logs import say_request
from lapwing.web.callers import Caller
from lapwing.web.metrics import Metrics

API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""For pages: own scripts and styles only, nothing inline. A route asks by `opt["policy"]`."""

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), browsing-topics=()"),
)
_STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")
_NO_STORE = (b"cache-control", b"no-store")
_OURS = frozenset(
    {name for name, _ in _HEADERS}
    | {b"x-request-id", b"content-security-policy", _STRICT_TRANSPORT[0]}
)
"""Set here and nowhere else: what a route says of them is dropped."""

Headers = list[tuple[bytes, bytes]]
_DRAWN = 256
"""Request ids drawn at a time."""


class Frame:
    """ASGI wrapper. A route's own `opt["policy"]` replaces the API's Content-Security-Policy."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._ids = _request_ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id, started = next(self._ids), time.perf_counter()
        scope["state"]["request_id"] = request_id
        status = 500

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _framed(scope, message["headers"], request_id)
            await send(message)

        try:
            await self._app(scope, receive, framed)
        finally:
            seconds = time.perf_counter() - started
            route = scope.get("path_template") or "unknown"
            self._metrics.count_request(route, status, seconds)
            caller = scope.get("user")
            known = caller if isinstance(caller, Caller) else None
            say_request(
                request_id=request_id,
                method=scope["method"],
                route=route,
                status=status,
                milliseconds=round(seconds * 1000, 1),
                caller=known.actor.kind.value if known else None,
                organisation=known.organisation if known else None,
            )


def _framed(scope: Scope, said: Iterable[tuple[bytes, bytes]], request_id: str) -> Headers:
    """The headers that a route said, and those of the frame."""
    headers, stored = [], False
    for header in said:
        name = header[0].lower()
        stored = stored or name == _NO_STORE[0]
        if name not in _OURS:
            headers.append(header)
    headers += _HEADERS
    headers.append((b"x-request-id", request_id.encode()))
    headers.append((b"content-security-policy", _options(scope).get("policy", API_POLICY).encode()))
    if not stored:
        headers.append(_NO_STORE)
    if scope["scheme"] == "https":
        headers.append(_STRICT_TRANSPORT)
    return headers


def _request_ids() -> Iterator[str]:
    """32 random hex digits each, for ever; the system is asked for many at a time."""
    while True:
        drawn = os.urandom(_DRAWN * 16).hex()
        for at in range(0, len(drawn), 32):
            yield drawn[at : at + 32]


def _options(scope: Scope) -> dict[str, Any]:
    handler = scope.get("route_handler")
    return handler.opt if handler is not None else {}
