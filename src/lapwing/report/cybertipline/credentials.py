"""Who reports, and with which user name: a file outside the database, one an organisation.

    <secrets>/<organisation>/cybertipline.json        (0600)

    {"username": "…", "password": "…",
     "reporter": {"reportingPerson": {"firstName": "…", "email": [{"address": "…"}]},
                  "companyTemplate": "…", "legalURL": "https://…"}}

One organisation's file never serves another: a report goes out in its provider's own name.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from lapwing.model.errors import NotAllowed, Unavailable
from lapwing.report.cybertipline.document import Reporter

NAME = "cybertipline.json"


class Credentials(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As NCMEC issued them; they differ between its test and its production server."""

    username: str
    password: str
    reporter: Reporter | None = None

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r})"


def credentials_path(folder: Path, organisation: UUID) -> Path:
    return folder / str(organisation) / NAME


def read_credentials(folder: Path, organisation: UUID) -> Credentials | None:
    """None where there is no file. Raises NotAllowed when others may read it, Unavailable when it
    cannot be read or understood."""
    path = credentials_path(folder, organisation)
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(1 << 20)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise NotAllowed(f"{path} can be read by others; run: chmod 600 {path}")
    try:
        return msgspec.json.decode(text, type=Credentials)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The error's own text may quote what stands in the file.
        raise Unavailable(f"{path} does not hold username, password and reporter as JSON") from None


def keep_credentials(folder: Path, organisation: UUID, credentials: Credentials) -> Path:
    """Write the file, whole or not at all, readable by its owner only."""
    path = credentials_path(folder, organisation)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(credentials), indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path
