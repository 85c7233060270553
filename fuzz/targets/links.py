"""Links: canonical forms of one, and finding those in a text."""

from __future__ import annotations

from lapwing.model.errors import InvalidInput
from lapwing.model.links import canonical_domain, canonical_url, find_links

SEEDS = [
    b"http://user@www.Example.com:80/a/../b//c?d=e#f",
    b"hxxps://a[.]example[.]com/%2525%32%35?q",
    b"http://3279880203/blah",
    b"http://[::ffff:1.2.3.4]/x",
    b"http://0x7f.1/ http://\xc3\xbc.example/\xc3\xa4 mail@a.example",
    "siehe https://bücher.example/pfad), (www.example.org/x) und a (dot) example".encode(),
    b"\\/\\/a.example\\b\\..\\c %41%2e%2E",
    b"https://a.example/" + b"%25" * 30,
    b"xn--bcher-kva.example [dot] com {.} net",
]


def one(data: bytes) -> None:
    text = _text(data)
    _check_url(text)
    try:
        domain = canonical_domain(text)
    except InvalidInput as error:
        assert error.message.strip()
    else:
        assert canonical_domain(domain) == domain
    end = 0
    for start, stop, link in find_links(text):
        assert end <= start < stop <= len(text), "links overlap or lie outside"
        assert text[start:stop] == link
        end = stop
        _check_url(link)


def _check_url(text: str) -> None:
    try:
        url = canonical_url(text)
    except InvalidInput as error:
        assert error.message.strip(), "a refusal without a reason"
        return
    assert url.text.isascii()
    assert url.text.isprintable()
    assert url.path.startswith("/")
    again = canonical_url("http://" + url.text)
    assert again == url, f"canonical twice differs: {url} {again}"
    found = url.expressions()
    assert 1 <= len(found) <= 30
    assert len(url.domains()) >= 1


def _text(data: bytes) -> str:
    """With lone surrogates where they are written as such; any other bytes as Latin-1."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("latin-1")
