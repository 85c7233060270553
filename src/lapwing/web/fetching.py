"""Fetching a picture from a host that the organisation has named, and from nowhere else.

A URL is a caller's text, so it must not become a way into our own network: the host must be on the
organisation's list, its name is resolved once, every address it has must be public, and the
connection goes to that very address. Redirects are followed only where the same holds again.
Proxies of the environment are not used; no cookie and no credential is sent.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection
from contextlib import closing
from urllib.parse import SplitResult, urljoin, urlsplit

from msgspec import Struct

from lapwing.model.errors import InvalidInput, LimitExceeded

SECONDS = 10.0
"""For one URL, redirects included."""
REDIRECTS = 3
_PORTS = {"http": 80, "https": 443}
_CHUNK = 1 << 16
_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = tuple[str, int]
Resolve = Callable[[str, int], Address]
"""(host, port) to the numeric address and port to connect to. Raises InvalidInput."""


class Fetched(Struct, frozen=True):
    content: bytes
    mime: str | None


def fetch(
    url: str, hosts: Collection[str], *, most: int, resolve: Resolve, seconds: float = SECONDS
) -> Fetched:
    """The bytes behind `url`, at most `most` of them.

    Raises InvalidInput with field `url` when the host is not on `hosts`, has an address that is not
    public, or does not answer with a picture in time; LimitExceeded when there are more bytes.
    """
    deadline = time.monotonic() + seconds
    for _ in range(REDIRECTS + 1):
        parts = _checked(url, hosts)
        answer = _get(parts, most, resolve, deadline)
        if isinstance(answer, Fetched):
            return answer
        further = urljoin(url, answer)
        if parts.scheme == "https" and urlsplit(further).scheme != "https":
            raise _refused("the host redirects from https to http")
        url = further
    raise _refused(f"the host redirects more than {REDIRECTS} times")


def resolve_host(host: str, port: int) -> Address:
    """Resolve a public host name once. One address that is not public spoils the whole answer."""
    if port not in _PORTS.values():
        raise _refused("only the ports 80 and 443 are fetched from")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise _refused(f"the host {host} cannot be resolved") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise _refused(f"the host {host} does not resolve to public addresses only")
    return addresses[0], port


def is_public(text: str) -> bool:
    """Whether an address belongs to the public internet, looked at through its IPv4 disguises."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address.teredo is not None:
            return False
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast and not address.is_reserved


def _checked(url: str, hosts: Collection[str]) -> SplitResult:
    if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in url):
        raise _refused("the URL holds spaces or control characters")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _refused("this is not a URL") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise _refused("only http and https URLs are fetched")
    if parts.username is not None or parts.password is not None:
        raise _refused("a URL with a name or password in it is not fetched")
    if parts.hostname.removesuffix(".") not in hosts:
        raise _refused(f"{parts.hostname} is not on this organisation's list of media hosts")
    return parts


def _get(parts: SplitResult, most: int, resolve: Resolve, deadline: float) -> Fetched | str:
    """The content, or the target of a redirect."""
    host = (parts.hostname or "").removesuffix(".")
    port = parts.port or _PORTS[parts.scheme]
    address = resolve(host, port)
    left = deadline - time.monotonic()
    if left <= 0:
        raise _refused("the host did not answer in time")
    connection = _Pinned(host, port, address, secure=parts.scheme == "https", timeout=left)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with closing(connection), connection.cut_off_after(left):
            connection.request(
                "GET",
                path,
                headers={
                    "User-Agent": "lapwing",
                    "Accept": "image/*",
                    "Accept-Encoding": "identity",
                },
            )
            answer = _read(connection.getresponse(), most)
            if connection.was_cut_off:
                raise TimeoutError
            return answer
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        late = time.monotonic() >= deadline
        reason = "did not answer in time" if late else "could not be read"
        raise _refused(f"the host {host} {reason}") from error


def _read(response: http.client.HTTPResponse, most: int) -> Fetched | str:
    if response.status in _REDIRECTING:
        target = response.headers.get("Location")
        if not target:
            raise _refused("the host redirects to nowhere")
        return target
    if response.status != 200:
        raise _refused(f"the host answered with status {response.status}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _refused("the host answered in a packed form that was not asked for")
    content = bytearray()
    while chunk := response.read(_CHUNK):
        content += chunk
        if len(content) > most:
            raise LimitExceeded(f"the file behind the URL is larger than {most} bytes", field="url")
    if response.length:
        raise _refused("the host broke off before the end of the file")
    mime = response.headers.get_content_type() if "Content-Type" in response.headers else None
    return Fetched(bytes(content), mime)


class _Pinned(http.client.HTTPConnection):
    """A connection to one numeric address, whatever the host's name may resolve to by now."""

    def __init__(
        self, host: str, port: int, address: Address, *, secure: bool, timeout: float
    ) -> None:
        super().__init__(host, port, timeout=timeout)
        self.default_port = _PORTS["https" if secure else "http"]
        self._address = address
        self._secure = secure
        self._raw: socket.socket | None = None
        self._late = threading.Event()

    def connect(self) -> None:
        self._raw = socket.create_connection(self._address, timeout=self.timeout)
        if self._late.is_set():
            raise TimeoutError
        self.sock = self._raw
        if self._secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self._raw, server_hostname=self.host)

    @property
    def was_cut_off(self) -> bool:
        """What was read before may look whole without being so."""
        return self._late.is_set()

    def cut_off_after(self, seconds: float) -> _CutOff:
        return _CutOff(self, seconds)

    def cut_off(self) -> None:
        """Break the connection, so that a host which drips byte by byte cannot hold a thread."""
        self._late.set()
        for open_socket in (self.sock, self._raw):
            if open_socket is None:
                continue
            try:
                open_socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _CutOff:
    def __init__(self, connection: _Pinned, seconds: float) -> None:
        self._timer = threading.Timer(seconds, connection.cut_off)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _refused(reason: str) -> InvalidInput:
    return InvalidInput(reason, field="url")
