"""Where members' browsers find this Lapwing: a passkey is bound to that address for good."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from msgspec import Struct

from lapwing.model.errors import InvalidInput

LOCAL_ORIGIN = "http://localhost:8600"
NAME = "Lapwing"


class Site(Struct, frozen=True, kw_only=True):
    """`origin` is scheme, host and port; `host` is the relying party's id (WebAuthn §5.1.2)."""

    origin: str
    host: str
    refused: str | None = None
    """Why browsers give no passkeys to this address, where they do not."""

    @property
    def secure(self) -> bool:
        return self.origin.startswith("https://")

    @classmethod
    def at(cls, origin: str) -> Site:
        """The site with this origin. Raises InvalidInput when it is not an origin."""
        wrong = InvalidInput(
            f"an origin looks like https://lapwing.example.org, not {origin!r}", field="origin"
        )
        try:
            parts = urlsplit(origin)
            port = parts.port
        except ValueError:
            raise wrong from None
        host = parts.hostname or ""
        bare = f"[{host}]" if ":" in host else host
        rebuilt = f"{parts.scheme}://{bare}" + (f":{port}" if port is not None else "")
        if parts.scheme not in ("http", "https") or not host or rebuilt != origin.lower():
            raise wrong
        default = {"http": 80, "https": 443}[parts.scheme]
        # Browsers leave the default port out of an origin.
        named = rebuilt.removesuffix(f":{default}")
        return cls(origin=named, host=host, refused=_refused(parts.scheme, host))


def _refused(scheme: str, host: str) -> str | None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if scheme == "https" or host == "localhost":
            return None
        return "browsers give passkeys to https addresses only (and to localhost)"
    return "browsers give passkeys to names, not to numeric addresses"
