"""Settings: the only place that reads the environment.

| variable | meaning | default |
|---|---|---|
| `LAPWING_HOME` | data folder: embedded database, secrets, sealed blobs, logs | `$XDG_DATA_HOME/lapwing` |
| `LAPWING_DATABASE_URL` | a PostgreSQL server instead of the embedded one | embedded |
| `LAPWING_BLOBS_URL` | where sealed blobs lie: `file:///…` or `s3://bucket/prefix` | `$LAPWING_HOME/blobs` |
| `LAPWING_SECRETS` | folder of signing, sealing and account-key secrets | `$LAPWING_HOME/secrets` |
| `LAPWING_HOST`, `LAPWING_PORT` | address the web server binds | `127.0.0.1`, `8600` |
| `LAPWING_ORIGIN` | address in members' browsers; passkeys are bound to it | `http://localhost:PORT` |
| `LAPWING_ORGANISATION` | organisation that commands act for, when there are several | the only one |
| `LAPWING_CYBERTIPLINE_URL` | where CyberTipline reports are filed; without it none can be | none |
| `LAPWING_CYBERTIPLINE_SCHEMA` | the authority's schema, fetched from there | `$LAPWING_HOME/cybertipline.xsd` |
| `USER` | named in the ledger as whoever sat at the command line | the account's name |
| `LAPWING_TSA_URL` | time-stamping authority (RFC 3161) for ledger heads; needs the extra `stamps` | none |
| `LAPWING_TSA_ROOT` | PEM file of the certificates that its stamps must lead to | none |
| `LAPWING_MEMBER_TOKEN` | a member's session token, for commands that need a named member | none |
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from lapwing.model.errors import InvalidInput

_HERE = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "::"})  # noqa: S104


class Settings(Struct, frozen=True, kw_only=True):
    home: Path
    secrets: Path
    blobs_url: str
    database_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8600
    origin: str | None = None
    organisation: str | None = None
    member_token: str | None = None
    tsa_url: str | None = None
    tsa_root: Path | None = None
    operator: str = "unknown"
    cybertipline_url: str | None = None
    cybertipline_schema: Path | None = None
    access_log: bool = True
    """Not from the environment: `lapwing serve --no-log` and the demo switch it off."""

    @property
    def public_origin(self) -> str:
        """Scheme, host and port as a member's browser shows them: a name, where it can be one,
        because browsers give passkeys to names only."""
        if self.origin:
            return self.origin
        host = "localhost" if self.host in _HERE else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Settings from environment variables; InvalidInput names the variable that is wrong."""
        home = Path(environment.get("LAPWING_HOME") or _default_home(environment)).absolute()
        return cls(
            home=home,
            secrets=Path(environment.get("LAPWING_SECRETS") or home / "secrets").absolute(),
            blobs_url=environment.get("LAPWING_BLOBS_URL") or (home / "blobs").as_uri(),
            database_url=environment.get("LAPWING_DATABASE_URL") or None,
            host=environment.get("LAPWING_HOST") or "127.0.0.1",
            port=_port(environment.get("LAPWING_PORT") or "8600"),
            origin=environment.get("LAPWING_ORIGIN") or None,
            organisation=environment.get("LAPWING_ORGANISATION") or None,
            member_token=environment.get("LAPWING_MEMBER_TOKEN") or None,
            tsa_url=environment.get("LAPWING_TSA_URL") or None,
            tsa_root=_path(environment.get("LAPWING_TSA_ROOT")),
            cybertipline_url=environment.get("LAPWING_CYBERTIPLINE_URL") or None,
            cybertipline_schema=_path(environment.get("LAPWING_CYBERTIPLINE_SCHEMA")),
            operator=environment.get("USER") or environment.get("LOGNAME") or _account(),
        )


def _default_home(environment: Mapping[str, str]) -> Path:
    data = environment.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "lapwing"


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return "unknown"


def _path(text: str | None) -> Path | None:
    return Path(text).absolute() if text else None


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise InvalidInput(
            f"LAPWING_PORT must be a number from 1 to 65535, not {text!r}", field="LAPWING_PORT"
        )
    return int(text)
