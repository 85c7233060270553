from __future__ import annotations

import base64
import hashlib
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from evidence_samples import SteppedClock

from lapwing.evidence.heads import (
    SignedHead,
    check_head,
    head_from_text,
    head_to_text,
    sign_head,
    verifier_key,
)
from lapwing.evidence.merkle import EMPTY_ROOT
from lapwing.model.errors import IntegrityBroken, InvalidInput
from lapwing.store.keyring import Keyring

ORGANISATION = UUID("0195a1b2-0000-7000-8000-000000000001")


@pytest.fixture
def head(keyring: Keyring, clock: SteppedClock) -> SignedHead:
    key_id, key = keyring.signing_key(ORGANISATION)
    return sign_head(ORGANISATION, 12, EMPTY_ROOT, clock(), key_id, key)


def test_a_head_survives_being_written_down(head: SignedHead) -> None:
    note = head_to_text(head)
    assert head_from_text(note) == head
    assert note.splitlines()[:5] == [
        f"lapwing.ledger/v1/{ORGANISATION}",
        "12",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "time 2026-03-01T12:00:00.123456Z",
        f"key {head.key_id}",
    ]


def test_a_stranger_checks_the_note_with_the_verifier_key_alone(
    head: SignedHead, keyring: Keyring
) -> None:
    """As the C2SP specification `signed-note` describes it, in independent code."""
    public = keyring.verify_keys(ORGANISATION)[head.key_id]
    name, key_hash, encoded = verifier_key(ORGANISATION, public).split("+", 2)
    algorithm_and_key = base64.b64decode(encoded)
    assert hashlib.sha256(name.encode() + b"\n" + algorithm_and_key).hexdigest()[:8] == key_hash
    signed, _, signatures = head_to_text(head).rpartition("\n\n")
    dash, signer, line = signatures.rstrip("\n").split(" ")
    raw = base64.b64decode(line)
    assert (dash, signer, raw[:4].hex()) == ("—", name, key_hash)
    assert algorithm_and_key[0] == 1
    checker = Ed25519PublicKey.from_public_bytes(algorithm_and_key[1:])
    checker.verify(raw[4:], signed.encode() + b"\n")


@pytest.mark.parametrize(
    "change",
    [
        {"size": 13},
        {"root": "00" * 32},
        {"organisation": UUID(int=1)},
        {"signature": "00" * 64},
        {"signature": "no hex"},
        {"root": "no hex"},
        {"key_id": "0" * 16},
    ],
)
def test_a_changed_head_does_not_check(
    head: SignedHead, keyring: Keyring, change: dict[str, object]
) -> None:
    keys = keyring.verify_keys(ORGANISATION)
    check_head(head, keys)
    with pytest.raises(IntegrityBroken):
        check_head(msgspec.structs.replace(head, **change), keys)


def test_a_head_with_another_time_does_not_check(
    head: SignedHead, keyring: Keyring, clock: SteppedClock
) -> None:
    clock.move(microseconds=1)
    with pytest.raises(IntegrityBroken):
        check_head(msgspec.structs.replace(head, at=clock()), keyring.verify_keys(ORGANISATION))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("lapwing.ledger/v1/", "other.log/v1/"),
        ("\n12\n", "\n012\n"),
        ("\n12\n", "\n-1\n"),
        ("time 2026-03-01T", "time 2026-13-01T"),
        ("47DEQpj8", "47DE Qpj"),
        ("— lapwing", "- lapwing"),
        ("— lapwing.ledger/v1/0195", "— lapwing.ledger/v1/0196"),
        ("\n\n", "\n"),
        ("key ", "key x"),
    ],
)
def test_what_is_not_a_head_is_refused(head: SignedHead, old: str, new: str) -> None:
    note = head_to_text(head)
    assert old in note
    with pytest.raises(InvalidInput):
        head_from_text(note.replace(old, new))


def test_a_head_that_contradicts_itself_is_refused(head: SignedHead) -> None:
    other = msgspec.structs.replace(head, key_id="0" * 16)
    mixed = head_to_text(head).replace(f"key {head.key_id}", f"key {other.key_id}")
    assert mixed != head_to_text(other)
    with pytest.raises(InvalidInput, match="contradicts itself"):
        head_from_text(mixed)
