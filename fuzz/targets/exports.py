"""The stand-alone verifier, on exports of strangers: it holds, is broken, or cannot be used.

Nothing that was changed may pass for the ledger whose head was kept.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lapwing.evidence.heads import head_to_text, sign_head, verifier_key
from lapwing.evidence.leaves import commitment
from lapwing.evidence.merkle import leaf_hash, root_of
from lapwing.evidence.standalone.verify_ledger import (
    Broken,
    Head,
    Unusable,
    read_head,
    verify_ledger,
)
from lapwing.store.keyring import key_id

LONGEST = 16_384
_ORGANISATION = UUID("0195a1b2-0000-7000-8000-000000000001")
_AT = datetime(2026, 3, 1, tzinfo=UTC)
_OLD, _NEW = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))


def _example() -> tuple[bytes, Head]:
    """Three events, a rotation, two events more."""
    ids = [key_id(_ORGANISATION, key.public_key()) for key in (_OLD, _NEW)]
    new = verifier_key(_ORGANISATION, _NEW.public_key())
    turn = {"kind": "ledger.key_rotated", "data": {"old": ids[0], "new": ids[1], "key": new}}
    bodies = [json.dumps({"n": n}) for n in range(3)] + [json.dumps(turn)] + ['{"n":4}', '{"n":5}']
    lines: list[dict[str, object]] = [
        {"ledger": f"lapwing.ledger/v1/{_ORGANISATION}", "size": len(bodies)},
        {"key": verifier_key(_ORGANISATION, _OLD.public_key())},
    ]
    leaves = []
    note = ""
    for position, body in enumerate(bodies):
        salt = bytes([position]) * 16
        sealed = commitment(salt, body.encode())
        leaves.append(leaf_hash(sealed))
        lines.append(
            {
                "position": position,
                "commitment": sealed.hex(),
                "salt": salt.hex(),
                "event": body,
            }
        )
        if position in (1, 3, 5):
            which = int(position > 3)
            key = (_OLD, _NEW)[which]
            root = root_of(leaves)
            note = head_to_text(sign_head(_ORGANISATION, len(leaves), root, _AT, ids[which], key))
            lines.append({"head": note})
    lines.append({"end": len(bodies)})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines), read_head(note)


_WHOLE, _KEPT = _example()
SEEDS = [
    _WHOLE,
    _WHOLE.replace(b'"n": 1', b'"n": 2'),
    b"\n".join(_WHOLE.split(b"\n")[:-2]),
    _WHOLE.replace(b'"salt"', b'"withheld": true, "salt"'),
]


def one(data: bytes) -> None:
    for kept in ([], [_KEPT]):
        try:
            found = verify_ledger(iter(data.splitlines(keepends=True)), kept, [])
        except (Broken, Unusable) as error:
            assert str(error).strip(), "a refusal without a reason"
            continue
        if kept:
            assert found.root == _KEPT.root.hex() or found.size > _KEPT.size
