"""Fetching by URL must not become a way into our own network."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lapwing.model.errors import InvalidInput, LimitExceeded
from lapwing.web.fetching import Address, fetch, is_public, resolve_host

HOSTS = ("media.example.org", "other.example.org")
Answer = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """A real HTTP server on loopback; `resolve` is the test's way past the public resolver."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[tuple[str, str]] = []
        self.resolved: list[str] = []

    def resolve(self, host: str, port: int) -> Address:
        self.resolved.append(host)
        return "127.0.0.1", self.port


@contextmanager
def site(answer: Answer) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append((self.headers["Host"], self.path))
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Site(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def say(handler: BaseHTTPRequestHandler, content: bytes, **headers: str) -> None:
    handler.send_response(200)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(content)


def redirect(handler: BaseHTTPRequestHandler, target: str) -> None:
    handler.send_response(302)
    handler.send_header("Location", target)
    handler.end_headers()


def test_the_bytes_and_their_type_come_back() -> None:
    with site(lambda h: say(h, b"picture", Content_Type="image/png")) as served:
        fetched = fetch(
            "http://media.example.org/a%20b.png?x=1", HOSTS, most=100, resolve=served.resolve
        )
    assert fetched.content == b"picture"
    assert fetched.mime == "image/png"
    assert served.asked == [("media.example.org", "/a%20b.png?x=1")]


@pytest.mark.parametrize(
    "url",
    [
        "http://elsewhere.example.org/a.png",
        "http://media.example.org.evil.example/a.png",
        "http://user:word@media.example.org/a.png",
        "ftp://media.example.org/a.png",
        "file:///etc/passwd",
        "http://127.0.0.1/a.png",
        "http://[::1]/a.png",
        "http:///a.png",
        "http://media.example.org:99999/a.png",
        "http://media.example.org/a\r\nHost: b",
        "nonsense",
    ],
)
def test_only_listed_hosts_are_asked(url: str) -> None:
    with (
        site(lambda h: say(h, b"no")) as served,
        pytest.raises(InvalidInput) as caught,
    ):
        fetch(url, HOSTS, most=100, resolve=served.resolve)
    assert caught.value.field == "url"
    assert served.resolved == []
    assert served.asked == []


def test_a_redirect_beyond_the_listed_hosts_is_refused_without_asking_there() -> None:
    with (
        site(lambda h: redirect(h, "http://169.254.169.254/latest")) as served,
        pytest.raises(InvalidInput, match="not on this organisation"),
    ):
        fetch("http://media.example.org/a", HOSTS, most=100, resolve=served.resolve)
    assert len(served.asked) == 1
    assert served.resolved == ["media.example.org"]


def test_a_redirect_between_listed_hosts_is_followed_and_resolved_anew() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/a":
            redirect(handler, "//other.example.org/b")
        else:
            say(handler, b"there")

    with site(answer) as served:
        fetched = fetch("http://media.example.org/a", HOSTS, most=100, resolve=served.resolve)
    assert fetched.content == b"there"
    assert served.resolved == ["media.example.org", "other.example.org"]


def test_redirecting_in_circles_ends() -> None:
    with (
        site(lambda h: redirect(h, "/again")) as served,
        pytest.raises(InvalidInput, match="redirects more than"),
    ):
        fetch("http://media.example.org/a", HOSTS, most=100, resolve=served.resolve)
    assert len(served.asked) == 4


def test_a_larger_file_is_refused_before_it_is_read_to_the_end() -> None:
    sent = 0

    def endless(handler: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.end_headers()
        try:
            while sent < 50_000_000:
                sent += handler.wfile.write(b"x" * 65536)
        except OSError:
            return

    with (
        site(endless) as served,
        pytest.raises(LimitExceeded) as caught,
    ):
        fetch("http://media.example.org/a", HOSTS, most=100_000, resolve=served.resolve)
    assert caught.value.field == "url"
    assert sent < 50_000_000


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_host_that_drips_is_cut_off(where: str) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"" if where == "head" else b"\r\n"))
            for number in range(100):
                handler.wfile.write(f"X-{number}: y\r\n".encode())
                time.sleep(0.1)
        except OSError:
            return

    started = time.monotonic()
    with (
        site(drip) as served,
        pytest.raises(InvalidInput, match="in time"),
    ):
        fetch("http://media.example.org/a", HOSTS, most=9999, resolve=served.resolve, seconds=0.5)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "answer",
    [
        lambda h: h.send_error(404),
        lambda h: say(h, b"x", Content_Encoding="gzip"),
        lambda h: say(h, b"x", Content_Length="5"),
    ],
    ids=["not there", "packed", "cut short"],
)
def test_an_answer_that_is_not_a_whole_file_is_refused(answer: Answer) -> None:
    with (
        site(answer) as served,
        pytest.raises(InvalidInput),
    ):
        fetch("http://media.example.org/a", HOSTS, most=100, resolve=served.resolve)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "not an address",
    ],
)
def test_addresses_of_our_own_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::1111", "::ffff:93.184.215.14"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


def test_a_name_of_this_machine_is_refused() -> None:
    with pytest.raises(InvalidInput, match="public addresses"):
        resolve_host("localhost", 80)


def test_only_web_ports_are_fetched_from() -> None:
    with pytest.raises(InvalidInput, match="ports"):
        resolve_host("media.example.org", 5432)


def test_nothing_listens_is_a_refusal() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInput, match="could not be read"):
            fetch(
                "http://media.example.org/a", HOSTS, most=1, resolve=lambda *_: ("127.0.0.1", port)
            )
