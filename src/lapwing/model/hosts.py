"""Hosts in canonical form: lower case, punycode, dotted quads. It never asks the name system.

Steps and their order: Safe Browsing, "Suffix/prefix expressions and canonicalization"; number
forms of IPv4: WHATWG URL §3.5; mapping of international names: UTS #46 (non-transitional).
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import idna

from lapwing.model.errors import InvalidInput

MAX_HOST = 253
"""Characters of a host name (RFC 1035 §2.3.4, without the root dot)."""
_PASSES = 32

_PLAIN = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)+")
_ESCAPE = re.compile(r"%(?:25)*([0-9A-Fa-f]{2})")
_HOST_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xff#%/?@:\\\[\]<>^|]")
_DEFANGED_DOT = re.compile(r" ?(?:\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\{dot\}) ?", re.IGNORECASE)
_DOTS = re.compile(r"\.{2,}")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


def unescape(text: str) -> str:
    """Percent-decode until nothing changes. Characters of `text` are bytes (latin-1).

    `%` followed by any number of `25` is taken in one step, so a long chain costs one pass.
    Raises InvalidInput when 32 passes are not enough.
    """
    for _ in range(_PASSES):
        decoded = _ESCAPE.sub(_byte, text)
        if decoded == text:
            return text
        text = decoded
    raise InvalidInput("the link is percent-escaped too many times over", field="url")


def escape(text: str, unsafe: re.Pattern[str]) -> str:
    """Percent-encode, in upper-case hex, the bytes that `unsafe` matches."""
    return unsafe.sub(_percent, text)


def refanged(host: str) -> str:
    """The host with `[.]`, `(dot)` and their like written as dots again."""
    if "[" in host or "(" in host or "{" in host:
        return _DEFANGED_DOT.sub(".", host)
    return host


def _byte(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


def _percent(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"


def canonical_host(raw: str) -> str:
    """The host in canonical form, from its raw text (no user, no port; IPv6 in brackets).

    Raises InvalidInput when it is empty, has no dot, is too long, or ends in a number and yet is
    no IPv4 address.
    """
    if len(raw) <= MAX_HOST and _PLAIN.fullmatch(raw) and not _in_number(raw):
        return raw
    if raw.startswith("[") and ":" in raw:
        return _ipv6(raw)
    host = raw.encode("utf-8", "surrogatepass").decode("latin-1")
    for _ in range(_PASSES):
        mapped = _DOTS.sub(".", _mapped(refanged(host)))
        if mapped == host:
            break
        host = mapped
    else:
        raise InvalidInput("the host is escaped too many times over", field="url")
    host = host.strip(".")
    if not host:
        raise InvalidInput("the link has no host", field="url")
    if _in_number(host):
        return _ipv4(host)
    host = escape(host, _HOST_UNSAFE)
    if "." not in host:
        raise InvalidInput("the host has no dot", field="url")
    if len(host) > MAX_HOST:
        raise InvalidInput(f"the host is longer than {MAX_HOST} characters", field="url")
    return host


def _in_number(host: str) -> bool:
    return _NUMBER.fullmatch(host, host.rfind(".") + 1) is not None


def _mapped(host: str) -> str:
    """Escapes undone, letters lowered, international labels in punycode; characters are bytes."""
    if "%" in host:
        host = unescape(host)
    if host.isascii():
        return host.lower()
    octets = host.encode("latin-1")
    try:
        name = idna.uts46_remap(octets.decode(), std3_rules=False)
    except (UnicodeError, idna.IDNAError):
        # Not a name that any browser opens. Kept as bytes, so that equal input stays equal.
        return octets.lower().decode("latin-1")
    return ".".join(label if label.isascii() else _punycode(label) for label in name.split("."))


def _punycode(label: str) -> str:
    return "xn--" + label.encode("punycode").decode("ascii")


def _ipv4(host: str) -> str:
    """A dotted quad from one to four decimal, octal or hexadecimal parts."""
    parts = host.split(".")
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        numbers = []
    *leading, last = numbers or [-1]
    free = 4 - len(leading)
    if not 1 <= free <= 4 or not 0 <= last < 256**free or any(n > 255 for n in leading):
        raise InvalidInput("the host ends in a number and is no IPv4 address", field="url")
    value = last
    for place, number in enumerate(leading):
        value += number << (8 * (3 - place))
    return str(IPv4Address(value))


def _number(part: str) -> int:
    if not _NUMBER.fullmatch(part):
        raise ValueError(part)
    if part[:2] in ("0x", "0X"):
        return int(part[2:] or "0", 16)
    if len(part) > 20:
        raise ValueError(part)
    return int(part, 8) if part.startswith("0") else int(part)


def _ipv6(raw: str) -> str:
    """The short form of RFC 5952 in brackets; an IPv4-mapped address becomes a dotted quad."""
    try:
        address = IPv6Address(raw[1:-1] if raw.endswith("]") else raw)
    except AddressValueError:
        raise InvalidInput("the host in brackets is no IPv6 address", field="url") from None
    if address.scope_id is not None:
        raise InvalidInput("an address with a zone is only of local use", field="url")
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"[{address.compressed}]"


def is_address(host: str) -> bool:
    """Whether a canonical host is an IP address rather than a name."""
    return host[0] == "[" or host[host.rfind(".") + 1 :].isdigit()
