"""Where a request says it comes from: scheme, host, and whether our own page sent it."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection

Connection = ASGIConnection[Any, Any, Any, Any]

_FORWARDING = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def is_https(connection: Connection) -> bool:
    """Whether the browser spoke https: to us, or to a proxy on this machine that says so.

    Believing a false `X-Forwarded-Proto: https` only makes the cookie stricter.
    """
    if connection.scope["scheme"] in ("https", "wss"):
        return True
    return peer_is_loopback(connection) and (
        connection.headers.get("x-forwarded-proto", "").lower() == "https"
    )


def peer_is_loopback(connection: Connection) -> bool:
    """Whether the other end of the socket is this machine."""
    client = connection.scope.get("client")
    return client is not None and _is_loopback(client[0])


def host_is_loopback(connection: Connection) -> bool:
    """Whether the request was addressed to a loopback name; a rebound DNS name is not."""
    try:
        name = urlsplit(f"//{connection.headers.get('host', '')}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _is_loopback(name)


def is_local(connection: Connection) -> bool:
    """From this machine, to this machine, through no proxy that admits to being one."""
    return (
        peer_is_loopback(connection)
        and host_is_loopback(connection)
        and not any(name in connection.headers for name in _FORWARDING)
    )


def same_origin(connection: Connection, *, unsaid: bool) -> bool:
    """Whether our own page sent this. `unsaid` is the answer when the client says nothing.

    Browsers send `Sec-Fetch-Site` (Fetch Metadata) and, with every POST, `Origin`; a page cannot
    change either.
    """
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = connection.headers.get("origin")
    if origin is not None:
        scheme = "https" if is_https(connection) else "http"
        return origin == f"{scheme}://{connection.headers.get('host', '')}"
    return unsaid


def client_of(connection: Connection) -> str:
    """Whom to count attempts by: the peer's address, or the one that a proxy on this machine names.

    Of IPv6 the first 64 bits, because one subscriber has them all. Behind a proxy the last entry of
    `X-Forwarded-For` counts: that is the proxy's own; what stands before it anyone could write.
    """
    client = connection.scope.get("client")
    named = client[0] if client is not None else ""
    if peer_is_loopback(connection):
        named = connection.headers.get("x-forwarded-for", named).rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(named)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def _is_loopback(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
