"""A ledger head kept elsewhere: what can be read is written back as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lapwing.evidence.heads import check_head, head_from_text, head_to_text, sign_head
from lapwing.model.errors import IntegrityBroken, InvalidInput
from lapwing.store.keyring import key_id

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_ORGANISATION = UUID("0195a1b2-0000-7000-8000-000000000001")
_KEYS = {key_id(_ORGANISATION, _KEY.public_key()): _KEY.public_key()}
_HEAD = sign_head(
    _ORGANISATION, 12, bytes(32), datetime(2026, 3, 1, tzinfo=UTC), next(iter(_KEYS)), _KEY
)

SEEDS = [
    head_to_text(_HEAD).encode(),
    head_to_text(_HEAD).replace("\n12\n", "\n9223372036854775807\n").encode(),
    head_to_text(_HEAD).replace("2026", "9999").encode(),
]


def one(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    try:
        head = head_from_text(text)
    except InvalidInput as error:
        assert error.message.strip(), "a refusal without a reason"
        return
    assert head_to_text(head).rstrip("\n") == text.rstrip("\n"), "two texts for one head"
    try:
        check_head(head, _KEYS)
    except IntegrityBroken:
        return
    assert head == _HEAD, "a forged head checks"
