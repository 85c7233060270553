"""Answers of a passkey: read from JSON, and its CBOR, which a stranger's browser may make up."""

from __future__ import annotations

import base64
import json

import msgspec

from lapwing.members.ceremonies import check_registration, read_answer
from lapwing.members.site import Site
from lapwing.model.errors import InvalidInput, NotAllowed

_SITE = Site.at("http://localhost:8600")
_CLIENT = {
    "type": "webauthn.create",
    "challenge": base64.urlsafe_b64encode(bytes(32)).decode().rstrip("="),
    "origin": "http://localhost:8600",
}
_NONE = b"\xa3cfmtdnonegattStmt\xa0hauthData"

SEEDS = [
    b"\x00" + _NONE + b"\x58\x25" + bytes(37),
    b"\x00" + _NONE + b"\x58\x7b" + bytes(32) + b"\x45" + bytes(90),
    b"\x00" + b"\x81" * 60,
    b"\x00\xbf" + b"\x9f" * 30,
    b'\x01{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30"}}',
    b'\x01{"id":"AAAA","response":{"clientDataJSON":"eyJjaGFsbGVuZ2UiOiJBQUFBIn0","x":1}}',
]


def one(data: bytes) -> None:
    try:
        check_registration(_SITE, read_answer(_sent(data)))
    except (InvalidInput, NotAllowed) as error:
        assert error.message.strip(), "a refusal without a reason"


def _sent(data: bytes) -> dict[str, object]:
    """JSON as it came, or a credential around the bytes of an attestation object."""
    if data[:1] == b"\x01":
        try:
            return msgspec.json.decode(data[1:], type=dict[str, object])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return {}
    return {
        "id": _url(bytes(16)),
        "rawId": _url(bytes(16)),
        "type": "public-key",
        "response": {
            "clientDataJSON": _url(json.dumps(_CLIENT).encode()),
            "attestationObject": _url(data[1:]),
        },
    }


def _url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
