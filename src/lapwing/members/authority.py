"""Who stands behind an action, and whether they may take it."""

from __future__ import annotations

from uuid import UUID

from lapwing.model.actors import Actor, ActorKind
from lapwing.model.errors import NotAllowed
from lapwing.model.organisations import ApiKey, Member, Scope


def member_actor(member: Member) -> Actor:
    return Actor(kind=ActorKind.MEMBER, name=member.name, id=member.id)


def key_actor(key: ApiKey) -> Actor:
    return Actor(kind=ActorKind.API_KEY, name=key.name, id=key.id)


def require_scope(key: ApiKey, scope: Scope, list_id: UUID | None = None) -> None:
    """Raise NotAllowed unless the key has the scope and, where one is named, reaches the list."""
    if key.revoked_at is not None:
        raise NotAllowed("this API key has been revoked")
    if scope not in key.scopes:
        raise NotAllowed(f"this API key lacks the scope {scope.value!r}")
    if list_id is not None and key.lists and list_id not in key.lists:
        raise NotAllowed("this API key does not reach that list")
