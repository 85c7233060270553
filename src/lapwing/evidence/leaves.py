"""Leaves: an event becomes canonical JSON, a fresh salt and the commitment to both. Pure.

The commitment SHA-256(salt ‖ JSON) is all that enters the tree. Without the salt it says nothing
about the event, so salt and JSON can be deleted when their time has come and every proof still
holds. It must never be computed without a fresh salt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from lapwing.model.actors import Actor
from lapwing.model.errors import InvalidInput
from lapwing.model.events import Event

SALT = 16
"""Bytes of salt: 128 bits, so that a guessed event cannot be confirmed."""

_encoder = msgspec.json.Encoder(order="sorted")


class RecordedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as read back: `kind` is plain text, so that old and newer kinds can be read too."""

    kind: str
    at: datetime
    actor: Actor
    subject: str
    case: UUID | None = None
    data: dict[str, object] = {}


_decoder = msgspec.json.Decoder(RecordedEvent)


class Sealed(NamedTuple):
    """An event ready to be written. `salt` is 16 bytes, `commitment` 32."""

    event: Event
    salt: bytes
    body: bytes
    commitment: bytes


def seal(events: Sequence[Event], entropy: Callable[[int], bytes]) -> list[Sealed]:
    """Events with their canonical form, a salt of their own each, and the commitment."""
    salts = entropy(SALT * len(events))
    sealed = []
    for i, event in enumerate(events):
        salt, body = salts[i * SALT : (i + 1) * SALT], canonical(event)
        sealed.append(Sealed(event, salt, body, commitment(salt, body)))
    return sealed


def canonical(event: Event) -> bytes:
    """The event as JSON: keys sorted by name at every depth, no spaces, UTF-8.

    Raises InvalidInput when its time is not aware or its data cannot be written as JSON.
    """
    if event.at.tzinfo is None:
        raise InvalidInput("the time of an event must be aware", field="at")
    if "\0" in event.subject:
        raise InvalidInput("the subject of an event must not hold a zero byte", field="subject")
    try:
        return _encoder.encode(event)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"the event cannot be written as JSON: {error}", field="data") from error


def commitment(salt: bytes, body: bytes) -> bytes:
    """SHA-256(salt ‖ body), 32 bytes."""
    return hashlib.sha256(salt + body).digest()


def read_event(body: bytes) -> RecordedEvent:
    """Read canonical JSON back. Raises msgspec.DecodeError when it is no event."""
    return _decoder.decode(body)
