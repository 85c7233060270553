"""What the services of this room share: who may ask, and the note in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection

from lapwing.evidence.ledger import Ledger
from lapwing.members import repository
from lapwing.members.remembered import RememberedKeys
from lapwing.members.site import LOCAL_ORIGIN, Site
from lapwing.model.actors import Actor, ActorKind
from lapwing.model.errors import NotAllowed, NotFound
from lapwing.model.events import Event, EventKind
from lapwing.model.organisations import Member
from lapwing.model.permissions import Permission
from lapwing.store.clock import Clock
from lapwing.store.database import Database
from lapwing.store.epoch import Epoch


class Desk:
    """Holds what every service here needs. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        clock: Clock,
        *,
        site: Site | None = None,
        epoch: Epoch | None = None,
    ) -> None:
        """`epoch`: that of the node's keys; without one, it is this service's own."""
        self._database = database
        self._ledger = ledger
        self._clock = clock
        self._site = site or Site.at(LOCAL_ORIGIN)
        self._remembered = RememberedKeys(epoch or Epoch())

    def _require(
        self, connection: Connection, actor: Actor, permission: Permission
    ) -> Member | None:
        """The member who acts, as the database knows them now; None for Lapwing itself."""
        if actor.kind is ActorKind.SYSTEM:
            return None
        if not actor.is_member or actor.id is None:
            raise NotAllowed("this needs a member in person, not an API key")
        member = repository.member(connection, actor.id)
        if member is None:
            raise NotAllowed("this needs a member of this organisation")
        member.require(permission)
        return member

    def _note(
        self,
        connection: Connection,
        organisation: UUID,
        kind: EventKind,
        actor: Actor,
        subject: str,
        data: Mapping[str, object],
    ) -> None:
        event = Event(kind=kind, at=self._clock(), actor=actor, subject=subject, data=dict(data))
        self._ledger.append(connection, organisation, [event])


def found(member: Member | None) -> Member:
    if member is None:
        raise NotFound("there is no such member")
    return member
