"""Signed heads: the one line of proof that a ledger's owner gives away and cannot take back.

A head is written as a checkpoint in the signed-note form of the C2SP specifications `signed-note`
and `tlog-checkpoint`, so that existing tools check it too. What is signed is the text above the
empty line, with its last line feed:

    lapwing.ledger/v1/<organisation id>
    <size, decimal>
    <root, base64>
    time <RFC 3339, UTC, microseconds>
    key <key id, 16 hex digits>

    — lapwing.ledger/v1/<organisation id> <base64 of 4 bytes of the key id ‖ 64 bytes signature>
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from lapwing.model.errors import IntegrityBroken, InvalidInput
from lapwing.store.keyring import SIGNER, key_id, signer

_NOTE = re.compile(
    rf"(?P<body>{re.escape(SIGNER)}/(?P<organisation>[0-9a-f-]{{36}})\n"
    r"(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"time (?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6})Z\n"
    r"key (?P<key>[0-9a-f]{16})\n)\n"
    r"— [^ \n]+ (?P<signature>[A-Za-z0-9+/]{91}=)\n?",
    re.ASCII,
)


class SignedHead(Struct, frozen=True, kw_only=True):
    """Size and root of an organisation's tree at one moment. `root` and `signature` are hex."""

    organisation: UUID
    size: int
    root: str
    at: datetime
    key_id: str
    signature: str


def sign_head(
    organisation: UUID, size: int, root: bytes, at: datetime, key_id: str, key: Ed25519PrivateKey
) -> SignedHead:
    signed = key.sign(_signed_text(organisation, size, root, at, key_id).encode())
    return SignedHead(
        organisation=organisation,
        size=size,
        root=root.hex(),
        at=at,
        key_id=key_id,
        signature=signed.hex(),
    )


def check_head(head: SignedHead, keys: Mapping[str, Ed25519PublicKey]) -> None:
    """Raise IntegrityBroken unless one of the organisation's keys signed exactly this head."""
    key = keys.get(head.key_id)
    if key is None:
        raise IntegrityBroken(f"the head of size {head.size} names an unknown key {head.key_id!r}")
    try:
        root, signature = bytes.fromhex(head.root), bytes.fromhex(head.signature)
        text = _signed_text(head.organisation, head.size, root, head.at, head.key_id)
        key.verify(signature, text.encode())
    except ValueError as error:
        raise IntegrityBroken(f"the head of size {head.size} is not written in hex") from error
    except InvalidSignature as error:
        raise IntegrityBroken(f"the signature of the head of size {head.size} is wrong") from error


def head_to_text(head: SignedHead) -> str:
    """The head as a signed note."""
    root, signature = bytes.fromhex(head.root), bytes.fromhex(head.signature)
    body = _signed_text(head.organisation, head.size, root, head.at, head.key_id)
    line = base64.b64encode(bytes.fromhex(head.key_id)[:4] + signature).decode()
    return f"{body}\n— {signer(head.organisation)} {line}\n"


def head_from_text(text: str) -> SignedHead:
    """Read a signed note back. Checks the form only; `check_head` checks the signature."""
    note = _NOTE.fullmatch(text)
    if note is None:
        raise InvalidInput("this is not a signed ledger head", field="head")
    try:
        signed = base64.b64decode(note["signature"], validate=True)
        head = SignedHead(
            organisation=UUID(note["organisation"]),
            size=int(note["size"]),
            root=base64.b64decode(note["root"], validate=True).hex(),
            at=datetime.fromisoformat(note["at"]).replace(tzinfo=UTC),
            key_id=note["key"],
            signature=signed[4:].hex(),
        )
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("this is not a signed ledger head", field="head") from error
    if head_to_text(head).rstrip("\n") != text.rstrip("\n"):
        raise InvalidInput("this ledger head contradicts itself", field="head")
    return head


def verifier_key(organisation: UUID, public: Ed25519PublicKey) -> str:
    """The public key in signed-note form, `<name>+<key hash>+<base64 of 0x01 ‖ key>`."""
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    encoded = base64.b64encode(b"\x01" + raw).decode()
    return f"{signer(organisation)}+{key_id(organisation, public)[:8]}+{encoded}"


def _signed_text(organisation: UUID, size: int, root: bytes, at: datetime, key_id: str) -> str:
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    encoded = base64.b64encode(root).decode()
    return f"{signer(organisation)}\n{size}\n{encoded}\ntime {moment}Z\nkey {key_id}\n"
