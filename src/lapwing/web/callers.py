"""Who is calling: an API key or a member in person, and what they may do here."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from lapwing.members.authority import key_actor, member_actor
from lapwing.members.records import SignedIn
from lapwing.model.actors import Actor
from lapwing.model.errors import NotAllowed
from lapwing.model.organisations import ApiKey, Member, Scope


@dataclass(frozen=True, kw_only=True)
class Caller:
    """An authenticated caller. Exactly one of `key` and `member` is set, `signed` with `member`.

    `session` is the member's session token; it never appears in a log or an answer.
    """

    organisation: UUID
    actor: Actor
    key: ApiKey | None = None
    member: Member | None = None
    signed: SignedIn | None = None
    session: str | None = field(default=None, repr=False)

    @classmethod
    def by_key(cls, key: ApiKey) -> Caller:
        return cls(organisation=key.organisation, actor=key_actor(key), key=key)

    @classmethod
    def by_session(cls, signed: SignedIn, session: str) -> Caller:
        member = signed.member
        return cls(
            organisation=member.organisation,
            actor=member_actor(member),
            member=member,
            signed=signed,
            session=session,
        )

    @property
    def scopes(self) -> frozenset[Scope]:
        if self.key is not None:
            return frozenset(self.key.scopes)
        permissions = {permission.value for permission in self.person.permissions}
        return frozenset(scope for scope in Scope if scope.value in permissions)

    @property
    def lists(self) -> frozenset[UUID] | None:
        """The lists this caller reaches; None means every list of the organisation."""
        return frozenset(self.key.lists) if self.key is not None and self.key.lists else None

    def reaches(self, list_id: UUID) -> bool:
        return self.lists is None or list_id in self.lists

    @property
    def person(self) -> Member:
        """The member in person. Raises NotAllowed for an API key."""
        if self.member is None:
            raise NotAllowed("this needs a member in person, not an API key")
        return self.member

    @property
    def here(self) -> SignedIn:
        """The member and the session they act in. Raises NotAllowed for an API key."""
        if self.signed is None:
            raise NotAllowed("this needs a member in person, not an API key")
        return self.signed
