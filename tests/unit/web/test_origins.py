"""Who is on this machine and who only seems to be; what https is."""

from __future__ import annotations

import pytest
from litestar.connection import ASGIConnection

from lapwing.web.origins import host_is_loopback, is_https, is_local, same_origin


def connection(
    peer: str | None = "127.0.0.1", scheme: str = "http", **headers: str
) -> ASGIConnection:
    named = {"host": "127.0.0.1:8600"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return ASGIConnection(
        {  # type: ignore[arg-type]
            "type": "http",
            "scheme": scheme,
            "client": None if peer is None else (peer, 1234),
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
            "state": {},
        }
    )


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_local(peer: str) -> None:
    assert is_local(connection(peer))


@pytest.mark.parametrize("peer", ["10.0.0.1", "192.0.2.1", "::ffff:10.0.0.1", "testclient", None])
def test_another_machine_is_not(peer: str | None) -> None:
    assert not is_local(connection(peer))


@pytest.mark.parametrize(
    "header", ["x-forwarded-for", "forwarded", "via", "x-real-ip", "x-forwarded-host"]
)
def test_what_a_proxy_passes_on_is_not_local(header: str) -> None:
    assert not is_local(connection(**{header: "192.0.2.1"}))


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost:8600", True),
        ("[::1]:8600", True),
        ("127.0.0.1", True),
        ("rebound.example:8600", False),
        ("localhost.example", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_a_rebound_name_is_not_a_loopback_host(host: str, local: bool) -> None:
    assert host_is_loopback(connection(host=host)) is local


def test_only_a_proxy_on_this_machine_is_believed_about_https() -> None:
    assert is_https(connection("127.0.0.1", x_forwarded_proto="https"))
    assert not is_https(connection("192.0.2.1", x_forwarded_proto="https"))
    assert is_https(connection("192.0.2.1", scheme="https"))


@pytest.mark.parametrize("unsaid", [True, False])
def test_a_client_that_says_nothing_gets_the_answer_for_that(unsaid: bool) -> None:
    assert same_origin(connection(), unsaid=unsaid) is unsaid


def test_a_null_origin_is_another() -> None:
    assert not same_origin(connection(origin="null"), unsaid=True)
