"""docs/ledger.md lets a stranger verify: its code is run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from evidence_samples import Fill
from sqlalchemy import text

from lapwing.evidence.heads import head_to_text, verifier_key
from lapwing.evidence.ledger import Ledger
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring

DOCUMENT = Path(__file__).parents[3] / "docs" / "ledger.md"


@pytest.fixture(scope="module")
def stranger() -> dict[str, Any]:
    [code] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(DOCUMENT), "exec"), names)  # noqa: S102 - the document's own code
    return names


def test_the_documents_verifier_verifies(
    stranger: dict[str, Any],
    database: Database,
    organisation: UUID,
    ledger: Ledger,
    fill: Fill,
    keyring: Keyring,
) -> None:
    old = fill(300)
    head = fill(41)
    key = verifier_key(organisation, keyring.verify_keys(organisation)[head.key_id])
    size, root = stranger["check_head"](head_to_text(head), key)
    with database.organisation(organisation) as connection:
        for position in (0, 255, 256, 300, 340):
            proof = msgspec.to_builtins(ledger.prove(connection, organisation, position))
            stranger["check_inclusion"](proof, size, root)
            row = connection.execute(
                text("select salt, body from ledger_events where position = :p"), {"p": position}
            ).one()
            stranger["check_event"](row.salt, row.body, proof["commitment"])
    with pytest.raises(ValueError, match="another event"):
        stranger["check_event"](row.salt, row.body + b" ", proof["commitment"])
    with pytest.raises(ValueError, match="lead to this root"):
        stranger["check_inclusion"](proof | {"position": 1}, size, root)
    with pytest.raises(ValueError, match="another tree"):
        stranger["check_inclusion"](proof, old.size, bytes.fromhex(old.root))
    with pytest.raises(InvalidSignature):
        stranger["check_head"](head_to_text(head).replace("\n341\n", "\n340\n"), key)
