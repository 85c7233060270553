"""Names and hosts as people type them, checked before they are stored."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterable

from lapwing.model.errors import InvalidInput

MAX_NAME = 100
MAX_HOSTS = 100

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_COUNTRY = re.compile(r"[A-Z]{2}")
_NEVER_PUBLIC = frozenset({"localhost", "local", "internal", "localdomain", "home", "lan", "onion"})


def checked_name(name: str, field: str = "name") -> str:
    """The name without outer space; InvalidInput when empty, too long or unprintable."""
    stripped = unicodedata.normalize("NFC", name).strip()
    if not stripped:
        raise InvalidInput("a name must not be empty", field=field)
    if len(stripped) > MAX_NAME:
        raise InvalidInput(f"a name has at most {MAX_NAME} characters", field=field)
    if any(unicodedata.category(character).startswith("C") for character in stripped):
        raise InvalidInput("a name must not hold control characters", field=field)
    return stripped


def checked_country(country: str) -> str:
    if not _COUNTRY.fullmatch(country):
        raise InvalidInput("a country is two capital letters (ISO 3166-1 alpha-2)", field="country")
    return country


def checked_hosts(hosts: Iterable[str]) -> tuple[str, ...]:
    """Lower-case public host names, each once, in order. Addresses and ports are refused."""
    kept: dict[str, None] = {}
    for host in hosts:
        kept[_checked_host(host)] = None
    if len(kept) > MAX_HOSTS:
        raise InvalidInput(f"at most {MAX_HOSTS} media hosts", field="media_hosts")
    return tuple(kept)


def _checked_host(host: str) -> str:
    name = host.strip().lower().removesuffix(".")
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        pass
    else:
        raise InvalidInput(
            f"{host!r} is an address; name a host, for example cdn.example.org", field="media_hosts"
        )
    labels = name.split(".")
    usable = (
        len(name) <= 253
        and len(labels) >= 2
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
        and labels[-1] not in _NEVER_PUBLIC
    )
    if not usable:
        raise InvalidInput(
            f"{host!r} is not a public host name; for example cdn.example.org "
            "(international names in their xn-- form)",
            field="media_hosts",
        )
    return name
