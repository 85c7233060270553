"""The frame around every answer: request id, security headers, one line in the access log.

It stands outside the router, so that unknown paths and crashes are framed too.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from lapwing.logs import log
from lapwing.web.callers import Caller
from lapwing.web.metrics import Metrics

API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""For pages: own scripts and styles only, nothing inline. A route asks by `opt["policy"]`."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
}
_STRICT_TRANSPORT = "max-age=31536000"


class Frame:
    """ASGI wrapper. A route's own `opt["policy"]` replaces the API's Content-Security-Policy."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id, started = uuid.uuid4().hex, time.perf_counter()
        scope["state"]["request_id"] = request_id
        status = 500

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableScopeHeaders.from_message(message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers["X-Request-ID"] = request_id
                headers["Content-Security-Policy"] = _options(scope).get("policy", API_POLICY)
                headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = _STRICT_TRANSPORT
            await send(message)

        try:
            await self._app(scope, receive, framed)
        finally:
            seconds = time.perf_counter() - started
            route = scope.get("path_template") or "unknown"
            self._metrics.latency.labels(route).observe(seconds)
            self._metrics.requests.labels(route, str(status)).inc()
            caller = scope.get("user")
            known = caller if isinstance(caller, Caller) else None
            log.info(
                "request",
                request_id=request_id,
                method=scope["method"],
                route=route,
                status=status,
                milliseconds=round(seconds * 1000, 1),
                caller=known.actor.kind.value if known else None,
                organisation=str(known.organisation) if known else None,
            )


def _options(scope: Scope) -> dict[str, Any]:
    handler = scope.get("route_handler")
    return handler.opt if handler is not None else {}
