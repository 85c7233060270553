"""Members: the people of an organisation."""

from __future__ import annotations

from uuid import UUID

from lapwing.members import repository
from lapwing.members.desk import Desk, found
from lapwing.members.named import checked_name
from lapwing.members.permitting import require_another_manager, require_giver
from lapwing.model.actors import Actor
from lapwing.model.errors import Conflict, NotFound
from lapwing.model.events import EventKind
from lapwing.model.organisations import Member, Role
from lapwing.model.permissions import Permission
from lapwing.store.clock import new_id


class People(Desk):
    """Who may act in person, until they are disabled."""

    def add_member(self, organisation: UUID, name: str, role: Role, actor: Actor) -> Member:
        """Raises Conflict when the name is taken, NotAllowed unless an admin or Lapwing asks."""
        at = self._clock()
        made = Member(
            id=new_id(at),
            organisation=organisation,
            name=checked_name(name),
            role=Role(role),
            created_at=at,
        )
        with self._database.organisation(organisation) as connection:
            asks = self._require(connection, actor, Permission.MEMBERS_MANAGE)
            if asks is not None:
                require_giver(asks, made.permissions)
            if repository.organisation(connection, organisation) is None:
                raise NotFound("there is no such organisation")
            if not repository.add_member(connection, made):
                raise Conflict(f"there is a member named {made.name!r} already")
            data = {"name": made.name, "role": made.role.value}
            self._note(connection, organisation, EventKind.MEMBER_ADDED, actor, str(made.id), data)
        return made

    def members(self, organisation: UUID) -> list[Member]:
        """Those who are not disabled, oldest first."""
        with self._database.organisation(organisation) as connection:
            return repository.all_members(connection)

    def names(self, organisation: UUID) -> dict[UUID, str]:
        """Names by id, of disabled members too."""
        with self._database.organisation(organisation) as connection:
            return repository.member_names(connection)

    def member(self, organisation: UUID, member_id: UUID) -> Member:
        """Raises NotFound."""
        with self._database.organisation(organisation) as connection:
            return found(repository.member(connection, member_id))

    def member_named(self, organisation: UUID, name: str) -> Member:
        """Raises NotFound."""
        with self._database.organisation(organisation) as connection:
            return found(repository.member_named(connection, name))

    def disable_member(self, organisation: UUID, actor: Actor, member_id: UUID) -> None:
        """Shut a member out at once: sessions, tokens and links end.

        Raises NotFound, NotAllowed, and Conflict when a member shuts out the last who manages.
        """
        with self._database.organisation(organisation) as connection:
            repository.lock_members(connection)
            if self._require(connection, actor, Permission.MEMBERS_MANAGE) is not None:
                require_another_manager(connection, member_id)
            if not repository.disable_member(connection, member_id, self._clock()):
                raise NotFound("there is no such member")
            self._note(
                connection, organisation, EventKind.MEMBER_DISABLED, actor, str(member_id), {}
            )
