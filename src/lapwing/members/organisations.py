"""Organisations and their settings."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from msgspec import UNSET, UnsetType
from msgspec.structs import asdict

from lapwing.members import repository
from lapwing.members.desk import Desk
from lapwing.members.lawful import require_lawful
from lapwing.members.named import checked_country, checked_hosts, checked_name
from lapwing.model.actors import SYSTEM, Actor, ActorKind
from lapwing.model.errors import Conflict, NotAllowed, NotFound
from lapwing.model.events import EventKind
from lapwing.model.organisations import Member, Organisation, OrganisationKind
from lapwing.model.permissions import Permission
from lapwing.store.clock import new_id

_SETTINGS = (
    "name",
    "kind",
    "country",
    "keep_content",
    "keep_days",
    "scan_private",
    "media_hosts",
    "fallback_member",
)


class Organisations(Desk):
    """Who uses Lapwing, and what the law lets each switch on."""

    def create_organisation(
        self,
        *,
        name: str,
        kind: OrganisationKind,
        country: str,
        actor: Actor = SYSTEM,
        keep_content: str | None = None,
        keep_days: int | None = None,
        scan_private: str | None = None,
        media_hosts: Iterable[str] = (),
    ) -> Organisation:
        """A new organisation. `keep_content` and `scan_private` name the law/ row that allows them.

        Raises InvalidInput, Conflict when the name is taken, and NotAllowed when the law does not
        allow what is switched on for that kind of organisation in that country.
        """
        if actor.kind is not ActorKind.SYSTEM:
            raise NotAllowed("organisations are created on the machine, with `lapwing`")
        at = self._clock()
        made = require_lawful(
            Organisation(
                id=new_id(at),
                name=checked_name(name),
                kind=OrganisationKind(kind),
                country=checked_country(country),
                created_at=at,
                keep_content=keep_content,
                keep_days=keep_days,
                scan_private=scan_private,
                media_hosts=checked_hosts(media_hosts),
            )
        )
        with self._database.organisation(made.id) as connection:
            if not repository.add_organisation(connection, made):
                raise Conflict(f"there is an organisation named {made.name!r} already")
            self._note(
                connection,
                made.id,
                EventKind.ORGANISATION_CREATED,
                actor,
                str(made.id),
                _settings(made),
            )
        return made

    def organisation(self, organisation: UUID) -> Organisation:
        """Raises NotFound."""
        with self._database.organisation(organisation) as connection:
            found = repository.organisation(connection, organisation)
        if found is None:
            raise NotFound("there is no such organisation")
        return found

    def organisations(self) -> list[Organisation]:
        """All of them, oldest first. Runs as the database's owner: for the command line only."""
        with self._database.owner() as connection:
            return repository.all_organisations(connection)

    def organisation_named(self, name: str) -> Organisation:
        """Runs as the database's owner: for the command line only. Raises NotFound."""
        with self._database.owner() as connection:
            found = repository.organisation_named(connection, name)
        if found is None:
            raise NotFound(f"there is no organisation named {name!r}")
        return found

    def change_organisation(
        self,
        organisation: UUID,
        actor: Actor,
        *,
        name: str | UnsetType = UNSET,
        kind: OrganisationKind | UnsetType = UNSET,
        country: str | UnsetType = UNSET,
        keep_content: str | UnsetType | None = UNSET,
        keep_days: int | UnsetType | None = UNSET,
        scan_private: str | UnsetType | None = UNSET,
        media_hosts: Iterable[str] | UnsetType = UNSET,
        fallback_member: UUID | UnsetType | None = UNSET,
    ) -> Organisation:
        """Change settings; what is left unset stays. Raises as `create_organisation` does.

        The fallback member has to be one who may file reports.
        Name, kind and country are changed on the machine only. What the law of the old country
        allowed has to be switched off before the country changes.
        """
        same = (name, kind, country) == (UNSET, UNSET, UNSET)
        if not same and actor.kind is not ActorKind.SYSTEM:
            raise NotAllowed("name, kind and country are changed on the machine, with `lapwing`")
        with self._database.organisation(organisation) as connection:
            self._require(connection, actor, Permission.MEMBERS_MANAGE)
            before = repository.organisation(connection, organisation, lock=True)
            if before is None:
                raise NotFound("there is no such organisation")
            fields = asdict(before)
            wanted = {
                "name": name if isinstance(name, UnsetType) else checked_name(name),
                "kind": kind if isinstance(kind, UnsetType) else OrganisationKind(kind),
                "country": country if isinstance(country, UnsetType) else checked_country(country),
                "keep_content": keep_content,
                "keep_days": keep_days,
                "scan_private": scan_private,
                "media_hosts": media_hosts
                if isinstance(media_hosts, UnsetType)
                else checked_hosts(media_hosts),
                "fallback_member": fallback_member,
            }
            if isinstance(fallback_member, UUID):
                _require_filing(repository.all_members(connection), fallback_member)
            fields |= {name: value for name, value in wanted.items() if value is not UNSET}
            if keep_content is None:
                fields["keep_days"] = None
            after = require_lawful(Organisation(**fields))
            if after == before:
                return before
            if not repository.change_organisation(connection, after):
                raise Conflict(f"there is an organisation named {after.name!r} already")
            self._note(
                connection,
                organisation,
                EventKind.ORGANISATION_CHANGED,
                actor,
                str(organisation),
                {"before": _settings(before), "after": _settings(after)},
            )
        return after


def _require_filing(members: Iterable[Member], wanted: UUID) -> None:
    found = next((one for one in members if one.id == wanted), None)
    if found is None:
        raise NotFound("there is no such member, or they are disabled")
    found.require(Permission.REPORTS_FILE)


def _settings(organisation: Organisation) -> dict[str, object]:
    values = asdict(organisation)
    return {name: values[name] for name in _SETTINGS}
