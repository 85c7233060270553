"""Which key signs which heads. Pure.

A signing key hands over to the next one with an event, `ledger.key_rotated`, at the end of an
append: the head that covers it is the last that the old key signs, so the old key vouches for the
new one, and every head after it is the new key's. A key therefore signs heads of known sizes only,
and one that was stolen after it was retired signs nothing that anyone accepts.
"""

from __future__ import annotations

from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lapwing.evidence.heads import SignedHead, verifier_key
from lapwing.evidence.leaves import read_event
from lapwing.model.actors import Actor
from lapwing.model.errors import IntegrityBroken
from lapwing.model.events import Event, EventKind
from lapwing.store.clock import Clock


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """Data of the event. `old` and `new` are key ids, `key` is the new one as in a signed note."""

    old: str
    new: str
    key: str


def rotation_event(
    organisation: UUID,
    old: str,
    new: tuple[str, Ed25519PublicKey],
    actor: Actor,
    clock: Clock,
) -> Event:
    rotation = Rotation(old=old, new=new[0], key=verifier_key(organisation, new[1]))
    return Event(
        kind=EventKind.SIGNING_KEY_ROTATED,
        at=clock(),
        actor=actor,
        subject=new[0],
        data=msgspec.to_builtins(rotation),
    )


def rotation_in(kind: str | None, body: bytes | None, position: int) -> Rotation | None:
    """The rotation that an event is; None for any other event. Raises IntegrityBroken."""
    if kind != EventKind.SIGNING_KEY_ROTATED:
        return None
    if body is None:
        raise _broken(position, "the rotation of the signing key was erased")
    try:
        return msgspec.convert(read_event(body).data, Rotation)
    except msgspec.MsgspecError as error:
        raise _broken(position, "the rotation of the signing key cannot be read") from error


class Succession:
    """The keys in force while a ledger is gone through in order of its events and heads."""

    def __init__(self) -> None:
        self._in_force: str | None = None
        self._retired: dict[str, int] = {}

    def check(self, head: SignedHead) -> None:
        """Raise IntegrityBroken unless the key in force at this size signed the head."""
        if self._in_force is None:
            self._in_force = head.key_id
        if head.key_id == self._in_force:
            return
        if head.key_id in self._retired:
            raise IntegrityBroken(
                f"the head of size {head.size} is signed with the key {head.key_id}, which was "
                f"retired at position {self._retired[head.key_id]}"
            )
        raise IntegrityBroken(
            f"the head of size {head.size} is signed with the key {head.key_id}, "
            f"where {self._in_force} was in force"
        )

    def take(self, position: int, rotation: Rotation, *, signed: bool) -> None:
        """Hand over behind the event at `position`; `signed` says that a head ends with it."""
        if not signed or rotation.old != self._in_force:
            raise _broken(position, "the key that it retires did not sign its own rotation")
        if rotation.new in self._retired or rotation.new == rotation.old:
            raise _broken(position, "a retired signing key is put in force again")
        self._retired[rotation.old] = position
        self._in_force = rotation.new


def _broken(position: int, what: str) -> IntegrityBroken:
    return IntegrityBroken(f"position {position}: {what}", position=position)
