"""API keys: what machines show. A key never stands for a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from lapwing.members import repository
from lapwing.members.desk import Desk
from lapwing.members.named import checked_name
from lapwing.members.session_rows import SEEN_EVERY
from lapwing.members.tokens import digest, key_digest, new_key_secret
from lapwing.model.actors import Actor
from lapwing.model.errors import InvalidInput, NotFound
from lapwing.model.events import EventKind
from lapwing.model.organisations import HOSTED_PER_MINUTE, ApiKey, Scope
from lapwing.model.permissions import Permission
from lapwing.store.clock import new_id

MOST_PER_MINUTE = 100_000


class Keys(Desk):
    """Keys by action (scope) and list; revoked, a key fails from the node's next request on."""

    def create_key(
        self,
        organisation: UUID,
        actor: Actor,
        name: str,
        scopes: Iterable[Scope | str],
        lists: Iterable[UUID] = (),
        per_minute: int | None = None,
    ) -> tuple[ApiKey, str]:
        """A key and its secret, which is shown this once. No `lists` means every list.

        A key for hosted callers has no other scope, names its lists, and may ask `per_minute`
        hashes a minute. Raises InvalidInput for an unknown scope or list, and NotAllowed unless
        Lapwing or a member with `keys.manage` asks.
        """
        at, secret = self._clock(), new_key_secret()
        key = ApiKey(
            id=new_id(at),
            organisation=organisation,
            name=checked_name(name),
            scopes=_checked_scopes(scopes),
            lists=tuple(dict.fromkeys(lists)),
            created_at=at,
            per_minute=per_minute,
        )
        key = _checked_hosted(key)
        with self._database.organisation(organisation) as connection:
            self._require(connection, actor, Permission.KEYS_MANAGE)
            if repository.organisation(connection, organisation) is None:
                raise NotFound("there is no such organisation")
            missing = set(key.lists) - repository.known_lists(connection, key.lists)
            if missing:
                raise InvalidInput(f"there is no list {min(map(str, missing))}", field="lists")
            repository.add_key(connection, key, digest(secret), actor.name)
            data: dict[str, Any] = {
                "name": key.name,
                "scopes": [scope.value for scope in key.scopes],
                "lists": [str(one) for one in key.lists],
            }
            if key.per_minute is not None:
                data["per_minute"] = key.per_minute
            self._note(connection, organisation, EventKind.KEY_CREATED, actor, str(key.id), data)
        return key, secret

    def key(self, secret: str) -> ApiKey | None:
        """The key that has this secret, or None when there is none or it is revoked."""
        hashed = key_digest(secret)
        if hashed is None:
            return None
        with self._database.anyone() as connection:
            organisation = repository.key_holder(connection, hashed)
        if organisation is None:
            return None
        now = self._clock()
        with self._database.organisation(organisation) as connection:
            key = repository.key_of_secret(connection, hashed)
            if key is not None and (
                key.last_used_at is None or key.last_used_at < now - SEEN_EVERY
            ):
                repository.see_key(connection, key.id, now)
        return key

    def known_key(self, secret: str) -> ApiKey | None:
        """As `key`, but remembered for a moment; `lapwing.members.remembered` says how long."""
        hashed = key_digest(secret)
        if hashed is None:
            return None
        key, _ = self._remembered.get(hashed)
        return key or self._remembered.look_up(hashed, lambda: self.key(secret))

    def remembered_key(self, secret: str) -> tuple[ApiKey | None, bool]:
        """(the key when it is remembered, whether it should be refreshed); asks no database."""
        hashed = key_digest(secret)
        return (None, False) if hashed is None else self._remembered.get(hashed)

    def refresh_key(self, secret: str) -> None:
        """Look a remembered key up again before its moment is over. Raises Unavailable."""
        hashed = key_digest(secret)
        if hashed is not None:
            self._remembered.look_up(hashed, lambda: self.key(secret))

    def keys(self, organisation: UUID) -> list[ApiKey]:
        """Revoked ones too, oldest first."""
        with self._database.organisation(organisation) as connection:
            return repository.all_keys(connection)

    def revoke_key(self, organisation: UUID, actor: Actor, key_id: UUID) -> ApiKey:
        """Acts on the next request on this node, on others within a second.

        Raises NotFound when there is no such key still in use.
        """
        with self._database.organisation(organisation) as connection:
            self._require(connection, actor, Permission.KEYS_MANAGE)
            revoked = repository.revoke_key(connection, key_id, self._clock())
            if revoked is None:
                raise NotFound("there is no such key in use")
            data = {"name": revoked.name}
            self._note(connection, organisation, EventKind.KEY_REVOKED, actor, str(key_id), data)
        # Once it is committed: who looks the key up from now on finds it revoked.
        self._remembered.forget_all()
        return revoked


def _checked_hosted(key: ApiKey) -> ApiKey:
    if not key.hosted:
        if key.per_minute is not None:
            raise InvalidInput("only a hosted key has a limit of its own", field="per_minute")
        return key
    if len(key.scopes) > 1:
        raise InvalidInput(
            "a key for hosted callers can do nothing else: it is in the hands of others",
            field="scopes",
        )
    if not key.lists:
        raise InvalidInput("a key for hosted callers names its lists", field="lists")
    if key.per_minute is not None and not 1 <= key.per_minute <= MOST_PER_MINUTE:
        raise InvalidInput(f"must lie between 1 and {MOST_PER_MINUTE}", field="per_minute")
    return replace(key, per_minute=key.per_minute or HOSTED_PER_MINUTE)


def _checked_scopes(scopes: Iterable[Scope | str]) -> tuple[Scope, ...]:
    kept: dict[Scope, None] = {}
    for scope in scopes:
        try:
            kept[Scope(scope)] = None
        except ValueError:
            known = ", ".join(one.value for one in Scope)
            raise InvalidInput(
                f"there is no scope {str(scope)!r}; a key can have: {known}", field="scopes"
            ) from None
    if not kept:
        raise InvalidInput("a key needs at least one scope", field="scopes")
    return tuple(kept)
