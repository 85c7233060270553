"""Links: one canonical form for every spelling, and the links that stand in a text.

Canonical form, host-suffix and path-prefix expressions follow Safe Browsing ("Suffix/prefix
expressions and canonicalization"): scheme, user, port and fragment do not count. Two things go
further: user and port are cut off before escapes are undone, as browsers do, so that `%2F` in a
user name cannot hide the host; and a host needs a dot. Defanged links (`hxxp`, `[.]`) are read.
Nothing here opens a link.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from msgspec import Struct

from lapwing.model.errors import InvalidInput, LimitExceeded
from lapwing.model.hosts import canonical_host, escape, is_address, refanged, unescape

MAX_LINK = 8192
"""Characters of a link as handed in."""

_WEB = re.compile(r"(?:h[tx]{2}ps?|f[tx]ps?)(?:\[?:\]?|\[:(?=//\]))[/\\]*\]?", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+-]*:(?!\d{1,5}(?:[/?\\#]|$))")
_AUTHORITY_END = re.compile(r"[/\\?]")
_DOTTED = frozenset(".%[\u3002\uff0e\uff61")
"""One of these is in every host that may stand without a scheme: dots, escapes, an address."""
_PORT = re.compile(r":\d*$")
_REMOVED = str.maketrans("", "", "\t\r\n")
_BLANK = "".join(map(chr, range(0x21)))
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xff#%]")
_UNTIDY = re.compile(r"[%\\\x00-\x20\x7f-\U0010ffff]|//|/\.")
_SPACE = re.compile(r"\s")
_SLASHES = re.compile(r"/{2,}")
_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}")


class CanonicalUrl(Struct, frozen=True):
    """`text` is `host/path[?query]`: what is stored, compared and hashed.

    `path` begins with `/`; `query` is None where the link has no `?`.
    """

    host: str
    path: str
    query: str | None
    text: str

    def hosts(self) -> list[str]:
        """The host and up to four of its suffixes, longest first; an address only itself."""
        if is_address(self.host):
            return [self.host]
        labels = self.host.split(".")
        starts = range(max(1, len(labels) - 5), len(labels) - 1)
        return [self.host, *(".".join(labels[start:]) for start in starts)]

    def paths(self) -> list[str]:
        """Path with query, path, and up to four folders counted from the root."""
        found = [f"{self.path}?{self.query}"] if self.query is not None else []
        found.append(self.path)
        end = -1
        for _ in range(4):
            end = self.path.find("/", end + 1)
            if end < 0 or end == len(self.path) - 1:
                break
            found.append(self.path[: end + 1])
        return found

    def expressions(self) -> list[str]:
        """At most 30 host-suffix and path-prefix strings, most specific host first."""
        paths = self.paths()
        return [host + path for host in self.hosts() for path in paths]

    def domains(self) -> list[str]:
        """Suffixes of the host with two labels or more, longest first; an address only itself."""
        if is_address(self.host):
            return [self.host]
        found = [self.host]
        start = self.host.find(".") + 1
        end = self.host.rfind(".")
        while start <= end:
            found.append(self.host[start:])
            start = self.host.find(".", start) + 1
        return found


def canonical_url(text: str) -> CanonicalUrl:
    """One form for every spelling of a web link; the scheme may be missing.

    Raises InvalidInput when it is no web link, has no usable host or port, and LimitExceeded
    beyond 8,192 characters.
    """
    if len(text) > MAX_LINK:
        raise LimitExceeded(f"the link is longer than {MAX_LINK} characters", field="url")
    link = text.translate(_REMOVED).strip(_BLANK).partition("#")[0]
    web = _WEB.match(link)
    if web:
        rest = link[web.end() :]
    elif _OTHER_SCHEME.match(link):
        raise InvalidInput("not a web link (http, https or ftp)", field="url")
    else:
        rest = link.lstrip("/\\")
    end = _AUTHORITY_END.search(rest)
    authority, tail = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    host = _host(authority, bare=web is None)
    path, query = _path_and_query(tail)
    whole = host + path if query is None else f"{host}{path}?{query}"
    return CanonicalUrl(host, path, query, whole)


def _host(authority: str, *, bare: bool) -> str:
    raw = refanged(authority[authority.rfind("@") + 1 :])
    if ":" in raw:
        raw = _PORT.sub("", raw)
        if ":" in raw and not raw.startswith("["):
            raise InvalidInput("the port is not a number", field="url")
    if bare and (" " in raw or _DOTTED.isdisjoint(raw)):
        raise InvalidInput("not a web link: it has no scheme and its host no dot", field="url")
    return canonical_host(raw)


def _path_and_query(tail: str) -> tuple[str, str | None]:
    """Split after escapes are undone, so that doing it again changes nothing."""
    if not _UNTIDY.search(tail):
        path, mark, query = tail.partition("?")
        return path or "/", query if mark else None
    if not tail.isascii():
        tail = tail.encode("utf-8", "surrogatepass").decode("latin-1")
    if "%" in tail:
        tail = unescape(tail)
    path, mark, query = tail.partition("?")
    path = _resolved(path.replace("\\", "/"))
    return escape(path, _UNSAFE), escape(query, _UNSAFE) if mark else None


def _resolved(path: str) -> str:
    """Doubled slashes, `/./` and `/../` resolved; the result begins with `/`."""
    path = _SLASHES.sub("/", path)
    if "/." not in path:
        return path or "/"
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment not in (".", ""):
            kept.append(segment)
    folder = "/" if kept and segments[-1] in ("", ".", "..") else ""
    return "/" + "/".join(kept) + folder


def canonical_domain(text: str) -> str:
    """A domain (or IP address) in ASCII; `*.`, a leading dot and a bare `https://…/` are dropped.

    Raises InvalidInput when a path or query is left, or when the name holds characters that no
    domain has.
    """
    url = canonical_url(text.strip(_BLANK).removeprefix("*."))
    if url.path != "/" or url.query is not None:
        raise InvalidInput("a link, not a domain", field="domain")
    if not (is_address(url.host) or _DOMAIN.fullmatch(url.host)):
        raise InvalidInput("not a domain name", field="domain")
    return url.host


_HINT = re.compile(
    r"[.:\[({](?:(?<=\.)\w\w|(?<=:)//|(?<=\[):|(?<!\.)(?<!:)(?:\.[\])}]|[Dd][Oo][Tt][\])}]))"
)
"""Without any of these a text holds no link; most texts end here."""
_TAIL = r"[^\s<>\"`|{}\u00ab\u00bb\u2018-\u201f\u3001\u3002\u300c-\u300f\uff08\uff09\uff0c]"
_DOT = r"(?:\.|\[\.\]|\(\.\)|\{\.\}| ?\[dot\] ?| ?\(dot\) ?| ?\{dot\} ?)"
_LINK = re.compile(
    rf"(?<![A-Za-z0-9])(?:h[tx]{{2}}ps?|f[tx]ps?)(?:\[?:\]?//|\[://\])(?:{_DOT}|{_TAIL})+"
    rf"|(?<![\w@.\-/])(?P<name>(?:\w(?:[\w-]{{0,61}}\w)?{_DOT}){{1,32}}"
    rf"(?P<end>[^\W\d_]{{2,63}}|xn--[a-z0-9-]{{1,59}}))(?![\w@-])"
    rf"(?P<rest>(?::\d{{1,5}})?(?:[/?]{_TAIL}*)?)",
    re.IGNORECASE,
)
_CLOSERS = {")": "(", "]": "["}


def find_links(text: str) -> list[tuple[int, int, str]]:
    """Links in a text as (start, end, link as written), in order; defanged ones too.

    A name without a scheme counts when it ends in a top-level domain of IANA's list, begins with
    `www`, or goes on with a path. Mail addresses do not count. What is found need not be usable:
    `canonical_url` decides.
    """
    found = []
    place = 0
    while hint := _HINT.search(text, place):
        start, place = _stretch(text, place, hint)
        for match in _LINK.finditer(text, start, place):
            if match["name"] is None or _counts(match["name"], match["end"], match["rest"]):
                end = _trimmed(match[0])
                found.append((match.start(), match.start() + end, match[0][:end]))
    return found


def _stretch(text: str, place: int, hint: re.Match[str]) -> tuple[int, int]:
    """From the blank before a hint to the blank after it: only that is searched with care.

    A dot in brackets may have blanks around it, so from there on the whole text is searched.
    """
    if hint[0][0] in "[({":
        before = text.rfind(" ", place, max(place, hint.start() - 1)) + 1
        return max(place, before), len(text)
    before = text.rfind(" ", place, hint.start()) + 1
    before = text.rfind("\n", max(place, before), hint.start()) + 1 or before
    blank = _SPACE.search(text, hint.end())
    return max(place, before), blank.start() if blank else len(text)


def _counts(name: str, end: str, rest: str) -> bool:
    return end.lower() in _endings() or "/" in rest or name[:3].lower() == "www"


def _trimmed(link: str) -> int:
    """Length without the sentence's punctuation; closing brackets stay where they were opened."""
    cut = link.find("](")
    end = cut if cut > 0 else len(link)
    excess = {
        closer: link.count(closer, 0, end) - link.count(opener, 0, end)
        for closer, opener in _CLOSERS.items()
    }
    while end:
        last = link[end - 1]
        if last in excess:
            if excess[last] <= 0:
                break
            excess[last] -= 1
        elif last not in ".,;:!?'*_~\u2026":
            break
        end -= 1
    return end


@cache
def _endings() -> frozenset[str]:
    """Top-level domains in lower case, international ones both as punycode and in their script.

    Source: https://data.iana.org/TLD/tlds-alpha-by-domain.txt; its version is its first line.
    """
    lines = files("lapwing.model").joinpath("data/tlds-alpha-by-domain.txt").read_text("ascii")
    names = [line.lower() for line in lines.splitlines() if line and line[0] != "#"]
    scripts = [name[4:].encode().decode("punycode") for name in names if name[:4] == "xn--"]
    return frozenset(names + scripts)
