"""A whole ledger as lines of JSON, for `standalone/verify_ledger.py` and for keeping elsewhere.

    {"ledger": "lapwing.ledger/v1/<organisation>", "size": 12}
    {"key": "<public key as in a signed note>"}
    {"position": 0, "commitment": hex, "salt": hex, "event": "<the event's JSON>"}
    {"position": 1, "commitment": hex}                      erased on time
    {"position": 2, "commitment": hex, "withheld": true}    left out of this export
    {"head": "<signed note>"}                               behind the last event it covers
    {"stamp": base64, "size": 3, "at": "…"}                 behind its head (RFC 3161)
    {"end": 12}

It holds what the events say, so it is as confidential as the ledger, unless they are withheld.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection

from lapwing.evidence import repository
from lapwing.evidence.heads import head_to_text, verifier_key
from lapwing.evidence.repository import Leaf
from lapwing.evidence.verification import CHUNK, Progress
from lapwing.model.events import EventKind
from lapwing.store.keyring import signer

_encode = msgspec.json.Encoder().encode


def exported(
    connection: Connection,
    organisation: UUID,
    keys: Mapping[str, Ed25519PublicKey],
    *,
    withhold: bool = False,
    progress: Progress = lambda done, total: None,
) -> Iterator[bytes]:
    """The lines of the ledger up to its newest head, each with its line feed.

    With `withhold`, events go without their words, but for rotations of the signing key, without
    which later heads could not be checked. What is appended meanwhile is left out. What is broken
    is exported as it is.
    """
    head = repository.latest_head(connection, organisation)
    size = head.size if head else 0
    yield _line({"ledger": signer(organisation), "size": size})
    for key in keys.values():
        yield _line({"key": verifier_key(organisation, key)})
    yield from _signed(connection, organisation, -1, 0)
    for start in range(0, size, CHUNK):
        end = min(start + CHUNK, size)
        behind: dict[int, list[bytes]] = {}
        for place, line in _heads(connection, organisation, start, end):
            behind.setdefault(place, []).append(line)
        for leaf in repository.leaves(connection, organisation, start, end):
            yield _line(_event(leaf, withhold))
            yield from behind.get(leaf.position + 1, ())
        progress(end, size)
    yield _line({"end": size})


def _event(leaf: Leaf, withhold: bool) -> dict[str, Any]:
    line: dict[str, Any] = {"position": leaf.position, "commitment": leaf.commitment.hex()}
    if withhold and leaf.kind != EventKind.SIGNING_KEY_ROTATED and leaf.body is not None:
        line["withheld"] = True
    else:
        if leaf.salt is not None:
            line["salt"] = leaf.salt.hex()
        if leaf.body is not None:
            line["event"] = leaf.body.decode("utf-8", "replace")
    return line


def _signed(connection: Connection, organisation: UUID, after: int, upto: int) -> Iterator[bytes]:
    for _, line in _heads(connection, organisation, after, upto):
        yield line


def _heads(
    connection: Connection, organisation: UUID, after: int, upto: int
) -> Iterator[tuple[int, bytes]]:
    """Heads with sizes in (after, upto] and their stamps, with their sizes."""
    stamps = {
        stamp.size: stamp for stamp in repository.stamps(connection, organisation, after, upto)
    }
    for head in repository.heads(connection, organisation, after, upto):
        yield head.size, _line({"head": head_to_text(head)})
        stamp = stamps.get(head.size)
        if stamp is not None:
            response = base64.b64encode(stamp.response).decode()
            yield head.size, _line({"stamp": response, "size": stamp.size, "at": stamp.at})


def _line(document: dict[str, Any]) -> bytes:
    return _encode(document) + b"\n"
