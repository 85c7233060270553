"""Secret keys, kept in files outside the database: one folder an organisation, made on first use.

    <folder>/<organisation>/account-1.key    secret of the account keys, 32 bytes in hex
    <folder>/<organisation>/signing-1.pub    a retired signing key: only what verifies with it
    <folder>/<organisation>/signing-2.pem    Ed25519 key that signs ledger heads, PKCS #8
    <folder>/<organisation>/vault-1.age      age identity (X25519) that opens the vault
    <folder>/daily/2026-03-01.key            secret of one day, for names that must be forgotten

Folders are 0700 and files 0600. The number is the key's version; the highest is in use and the
others stay for reading what they made. Which signing key is in use the ledger itself says; once
retired, its private half is destroyed. A file appears whole or not at all, also when two processes
make it at once. Losing the folder loses the vault's content and the link from accounts to their
keys, so it belongs in a backup of its own. Nothing here is ever written to the database or a log.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from pyrage import IdentityError, x25519

from lapwing.model.errors import Unavailable

SIGNER = "lapwing.ledger/v1"

Key = TypeVar("Key")


class Keyring:
    """The organisations' secret keys under one folder. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[Path, object] = {}
        self._lock = threading.Lock()

    def account_secret(self, organisation: UUID) -> tuple[int, bytes]:
        """Version and 32 secret bytes for `lapwing.model.accounts.account_key`."""
        return self._newest(organisation, "account", ".key", _new_secret, _read_secret)

    def signing_key(
        self, organisation: UUID, wanted: str | None = None
    ) -> tuple[str, Ed25519PrivateKey]:
        """Id and private key that sign ledger heads: the `wanted` one, else the newest.

        The id is `key_id` of the public key. Raises Unavailable when the wanted one is not there.
        """
        if wanted is None:
            _, key = self._newest(organisation, "signing", ".pem", _new_signing, _read_signing)
            return key_id(organisation, key.public_key()), key
        for path in self._versions(organisation, "signing", ".pem").values():
            key = self._load(path, _read_signing)
            if key_id(organisation, key.public_key()) == wanted:
                return wanted, key
        raise Unavailable(
            f"the key {wanted} that signs this ledger is not in the key folder; "
            "restore the folder from its backup"
        )

    def verify_keys(self, organisation: UUID) -> dict[str, Ed25519PublicKey]:
        """Public keys of every version by id; empty while nothing was signed."""
        found: dict[str, Ed25519PublicKey] = {}
        for path in self._versions(organisation, "signing", ".pub").values():
            public = self._load(path, _read_public)
            found[key_id(organisation, public)] = public
        for path in self._versions(organisation, "signing", ".pem").values():
            public = self._load(path, _read_signing).public_key()
            found[key_id(organisation, public)] = public
        return found

    def new_signing_key(self, organisation: UUID) -> tuple[str, Ed25519PublicKey]:
        """Make one more signing key; the ledger says from when on it signs."""
        taken = [
            *self._versions(organisation, "signing", ".pem"),
            *self._versions(organisation, "signing", ".pub"),
        ]
        path = self._path(organisation, "signing", max(taken, default=0) + 1, ".pem")
        _create(path, _new_signing())
        public = self._load(path, _read_signing).public_key()
        return key_id(organisation, public), public

    def retire_signing_keys(self, organisation: UUID, keep: str) -> tuple[str, ...]:
        """Destroy every private signing key but `keep`; what verifies with them stays.

        Returns the ids of those destroyed. Safe to repeat after a crash.
        """
        retired = []
        for version, path in self._versions(organisation, "signing", ".pem").items():
            public = self._load(path, _read_signing).public_key()
            identity = key_id(organisation, public)
            if identity != keep:
                _create(self._path(organisation, "signing", version, ".pub"), _written(public))
                path.unlink()
                _sync_folder(path.parent)
                retired.append(identity)
        return tuple(retired)

    def vault_identity(self, organisation: UUID) -> x25519.Identity:
        """The age identity that opens what the vault has sealed; seal to its `to_public()`."""
        return self._newest(organisation, "vault", ".age", _new_identity, _read_identity)[1]

    def daily_secret(self, day: date) -> bytes:
        """32 secret bytes for one day; those of earlier days are deleted, and what they named is
        nobody's from then on."""
        path = self.folder / "daily" / f"{day.isoformat()}.key"
        if not path.exists():
            _create(path, _new_secret())
            for old in path.parent.glob("*.key"):
                if old.stem < path.stem:
                    old.unlink(missing_ok=True)
        return self._load(path, _read_secret)

    def _newest(
        self,
        organisation: UUID,
        name: str,
        suffix: str,
        new: Callable[[], bytes],
        read: Callable[[bytes], Key],
    ) -> tuple[int, Key]:
        versions = self._versions(organisation, name, suffix)
        if not versions:
            first = self._path(organisation, name, 1, suffix)
            _create(first, new())
            versions = {1: first}
        version = max(versions)
        return version, self._load(versions[version], read)

    def _path(self, organisation: UUID, name: str, version: int, suffix: str) -> Path:
        return self.folder / str(organisation) / f"{name}-{version}{suffix}"

    def _versions(self, organisation: UUID, name: str, suffix: str) -> dict[int, Path]:
        folder = self.folder / str(organisation)
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Unavailable(f"the key folder cannot be read: {error}") from error
        versions: dict[int, Path] = {}
        for entry in names:
            number = entry.removeprefix(f"{name}-").removesuffix(suffix)
            if number.isascii() and number.isdigit() and entry == f"{name}-{number}{suffix}":
                versions[int(number)] = folder / entry
        return versions

    def _load(self, path: Path, read: Callable[[bytes], Key]) -> Key:
        with self._lock:
            known = self._read.get(path)
            if known is None:
                try:
                    known = read(path.read_bytes())
                except OSError as error:
                    raise Unavailable(f"the key file cannot be read: {error}") from error
                except (ValueError, IdentityError) as error:
                    raise Unavailable(f"the key file {path} is damaged") from error
                self._read[path] = known
            return known  # type: ignore[return-value]


def signer(organisation: UUID) -> str:
    """The name under which an organisation signs."""
    return f"{SIGNER}/{organisation}"


def key_id(organisation: UUID, public: Ed25519PublicKey) -> str:
    """16 hex digits: the first 8 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ raw public key).

    Its first half is the key's id in a signed note (C2SP signed-note, §"Signatures").
    """
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(signer(organisation).encode() + b"\n\x01" + raw).hexdigest()[:16]


def _new_secret() -> bytes:
    return secrets.token_hex(32).encode() + b"\n"


def _read_secret(data: bytes) -> bytes:
    secret = bytes.fromhex(data.decode("ascii"))
    if len(secret) != 32:
        raise ValueError("an account secret has 32 bytes")
    return secret


def _new_signing() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def _read_signing(data: bytes) -> Ed25519PrivateKey:
    key = load_pem_private_key(data, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("a signing key is an Ed25519 key")
    return key


def _written(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _read_public(data: bytes) -> Ed25519PublicKey:
    key = load_pem_public_key(data)
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("a signing key is an Ed25519 key")
    return key


def _new_identity() -> bytes:
    return str(x25519.Identity.generate()).encode() + b"\n"


def _read_identity(data: bytes) -> x25519.Identity:
    return x25519.Identity.from_str(data.decode("ascii").strip())


def _create(path: Path, content: bytes) -> None:
    """Put a private file in place, durably; the first of several makers wins."""
    for folder in (path.parent.parent, path.parent):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
    draft = path.parent / f".{path.name}.{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        _sync_folder(path.parent)
        _sync_folder(path.parent.parent)
    finally:
        draft.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
