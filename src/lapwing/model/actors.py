"""Who does something. Every ledger event names an actor."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class ActorKind(StrEnum):
    MEMBER = "member"
    API_KEY = "api_key"
    SYSTEM = "system"


class Actor(Struct, frozen=True, kw_only=True):
    """A member in person, a machine's API key, or Lapwing itself (`id` is None)."""

    kind: ActorKind
    name: str
    id: UUID | None = None

    @property
    def is_member(self) -> bool:
        return self.kind is ActorKind.MEMBER and self.id is not None


SYSTEM = Actor(kind=ActorKind.SYSTEM, name="lapwing")
