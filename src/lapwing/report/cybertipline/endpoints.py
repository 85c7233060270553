"""Which server is the authority and which only stands in for it. Pure.

Source: CyberTipline Reporting API, "Environments": reports to the test server are discarded.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from lapwing.model.errors import InvalidInput

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_TEST_HOSTS = LOOPBACK | {"exttest.cybertip.org"}

AUTHORITY = "cybertipline"
STAND_IN = "cybertipline.test"
"""Reports to a test server: kept apart, so that a rehearsal never passes for a report."""


def authority_of(endpoint: str | None) -> str:
    """The name under which reports to this endpoint are kept."""
    return STAND_IN if endpoint is not None and is_test(endpoint) else AUTHORITY


def is_test(endpoint: str) -> bool:
    return urlsplit(endpoint).hostname in _TEST_HOSTS


def checked_endpoint(endpoint: str) -> str:
    """The endpoint without a trailing slash. Raises InvalidInput unless https or this machine."""
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    plain = parts.scheme == "http" and host in LOOPBACK
    if not host or not (parts.scheme == "https" or plain) or parts.username or parts.query:
        raise InvalidInput(
            "LAPWING_CYBERTIPLINE_URL is the address that NCMEC gave you, with https and without "
            "a user name: https://host/path",
            field="LAPWING_CYBERTIPLINE_URL",
        )
    return endpoint.rstrip("/")
