"""Organisations, members, keys: who uses Lapwing and what they may do."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from lapwing.model.errors import NotAllowed
from lapwing.model.permissions import BY_ROLE, Permission
from lapwing.model.roles import Role

__all__ = [
    "ApiKey",
    "Member",
    "Organisation",
    "OrganisationKind",
    "Role",
    "Scope",
]


class OrganisationKind(StrEnum):
    PLATFORM = "platform"
    HOTLINE = "hotline"
    NGO = "ngo"
    PAYMENTS = "payments"
    POLICE = "police"
    PROVIDER = "provider"


class Organisation(Struct, frozen=True, kw_only=True):
    """`keep_content` and `scan_private` name the law/ row that allows it; None means off."""

    id: UUID
    name: str
    kind: OrganisationKind
    country: str
    created_at: datetime
    keep_content: str | None = None
    keep_days: int | None = None
    scan_private: str | None = None
    media_hosts: tuple[str, ...] = ()
    """Hosts from which media may be fetched by URL."""
    fallback_member: UUID | None = None
    """Who is named when a legal clock is about to lapse and nobody has acted."""


class Member(Struct, frozen=True, kw_only=True):
    """`granted` and `denied` are by name what this member has beyond the role, or lacks of it."""

    id: UUID
    organisation: UUID
    name: str
    role: Role
    created_at: datetime
    granted: tuple[Permission, ...] = ()
    denied: tuple[Permission, ...] = ()

    @property
    def permissions(self) -> frozenset[Permission]:
        return (BY_ROLE[self.role] | frozenset(self.granted)) - frozenset(self.denied)

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raise NotAllowed unless the member has the permission."""
        if not self.may(permission):
            raise NotAllowed(
                f"this needs the permission {permission.value!r} ({permission.meaning}); "
                f"{self.name} does not have it"
            )


class Scope(StrEnum):
    """What an API key may do. Verdicts, filing and sharing are for members only."""

    SCREEN = "screen"
    MATCH = "match"
    BANK_READ = "bank.read"
    BANK_WRITE = "bank.write"
    CASES_READ = "cases.read"
    LEDGER_READ = "ledger.read"
    HOSTED = "hosted"
    """For machines of others: match or no match, on the lists that the key names. Stands alone,
    and no member needs it."""


HOSTED_PER_MINUTE = 120
"""Hashes a minute that a hosted key may ask, unless it says otherwise."""


class ApiKey(Struct, frozen=True, kw_only=True):
    """`lists` empty means every list of the organisation; `last_used_at` is true to 5 minutes."""

    id: UUID
    organisation: UUID
    name: str
    scopes: tuple[Scope, ...]
    lists: tuple[UUID, ...] = ()
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    per_minute: int | None = None
    """Of a hosted key: hashes a minute."""

    @property
    def hosted(self) -> bool:
        return Scope.HOSTED in self.scopes
