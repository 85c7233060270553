"""Roles and named permissions of members, and who may change them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from msgspec import UNSET, UnsetType
from msgspec.structs import replace
from sqlalchemy import Connection

from lapwing.members import repository
from lapwing.members.desk import Desk, found
from lapwing.model.actors import Actor
from lapwing.model.errors import Conflict, InvalidInput, NotAllowed
from lapwing.model.events import EventKind
from lapwing.model.organisations import Member, Role
from lapwing.model.permissions import Permission


class Permitting(Desk):
    """Nobody changes what they themselves may do, and nobody gives what they do not have."""

    def permit(
        self,
        organisation: UUID,
        actor: Actor,
        member_id: UUID,
        *,
        role: Role | UnsetType = UNSET,
        granted: Iterable[Permission | str] | UnsetType = UNSET,
        denied: Iterable[Permission | str] | UnsetType = UNSET,
    ) -> Member:
        """The member with another role, or other permissions beside it. What is unset stays.

        Raises NotFound, InvalidInput, NotAllowed unless Lapwing or a member with `members.manage`
        asks, and Conflict when nobody would be left who manages members.
        """
        with self._database.organisation(organisation) as connection:
            # Two managers must not each take the other's place away as the last one.
            repository.lock_members(connection)
            asks = self._require(connection, actor, Permission.MEMBERS_MANAGE)
            before = found(repository.member(connection, member_id))
            after = replace(
                before,
                role=before.role if isinstance(role, UnsetType) else Role(role),
                granted=_checked(granted, before.granted, "granted"),
                denied=_checked(denied, before.denied, "denied"),
            )
            both = set(after.granted) & set(after.denied)
            if both:
                raise InvalidInput(f"{min(both)} is both granted and denied", field="denied")
            if after == before:
                return before
            if asks is not None:
                _check_giver(asks, before, after)
            if before.may(Permission.MEMBERS_MANAGE) and not after.may(Permission.MEMBERS_MANAGE):
                require_another_manager(connection, before.id)
            repository.permit_member(connection, after)
            self._note(
                connection,
                organisation,
                EventKind.MEMBER_PERMITTED,
                actor,
                str(member_id),
                {"before": _shown(before), "after": _shown(after)},
            )
        return after


def require_giver(asks: Member, given: frozenset[Permission]) -> None:
    """Raise NotAllowed where a member would give what they do not have."""
    beyond = given - asks.permissions
    if beyond:
        raise NotAllowed(f"you cannot give {min(beyond).value!r}: you do not have it yourself")


def require_another_manager(connection: Connection, leaving: UUID) -> None:
    """Raise Conflict when nobody else manages members. The caller has locked the members."""
    others = (one for one in repository.all_members(connection) if one.id != leaving)
    if not any(one.may(Permission.MEMBERS_MANAGE) for one in others):
        raise Conflict("nobody would be left who manages members; make another one first")


def _check_giver(asks: Member, before: Member, after: Member) -> None:
    if asks.id == before.id:
        raise NotAllowed("what you may do yourself, another member changes")
    require_giver(asks, after.permissions - before.permissions)


def _checked(
    wanted: Iterable[Permission | str] | UnsetType, before: tuple[Permission, ...], field: str
) -> tuple[Permission, ...]:
    if isinstance(wanted, UnsetType):
        return before
    kept: set[Permission] = set()
    for one in wanted:
        try:
            kept.add(Permission(one))
        except ValueError:
            raise InvalidInput(f"there is no permission {str(one)!r}", field=field) from None
    return tuple(sorted(kept))


def _shown(member: Member) -> dict[str, object]:
    return {
        "role": member.role.value,
        "granted": [one.value for one in member.granted],
        "denied": [one.value for one in member.denied],
    }
