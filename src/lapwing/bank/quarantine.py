"""Quarantine: indicators that count for less, and the person who decides on them.

A member decides, with a reason; no key can. Decisions act at once and leave a ledger leaf.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from lapwing.bank import history_rows, marks, quarantine_rows, repository
from lapwing.bank.changes import check_words
from lapwing.bank.quarantine_records import Quarantined
from lapwing.evidence.ledger import Ledger
from lapwing.model.actors import Actor, ActorKind
from lapwing.model.errors import Conflict, NotFound
from lapwing.model.events import Event, EventKind
from lapwing.model.indicators import Mark
from lapwing.model.organisations import Member
from lapwing.model.permissions import Permission
from lapwing.store.clock import Clock
from lapwing.store.database import Database

MARKS = {"flood": Mark.FLOODED, "dispute": Mark.DISPUTED}
MOST = 500


class Quarantine:
    """Safe to share between threads."""

    def __init__(self, database: Database, ledger: Ledger, clock: Clock) -> None:
        self._database = database
        self._ledger = ledger
        self._clock = clock

    def acting(self, organisation: UUID, limit: int = MOST) -> list[Quarantined]:
        """What is quarantined now, that which waits for a person first."""
        with self._database.organisation(organisation) as connection:
            return quarantine_rows.acting(connection, limit)

    def answered(self, organisation: UUID, limit: int = 50) -> list[Quarantined]:
        """What was released, newest first."""
        with self._database.organisation(organisation) as connection:
            return quarantine_rows.answered(connection, limit)

    def waiting(self, organisation: UUID) -> int:
        """How many wait for a person."""
        with self._database.organisation(organisation) as connection:
            return quarantine_rows.count_waiting(connection)

    def release(self, organisation: UUID, member: Member, identity: UUID, why: str) -> Quarantined:
        """Let the indicator count in full again, and take what it matched for its history.

        Raises NotFound, NotAllowed, InvalidInput, and Conflict when it was released before.
        """
        member.require(Permission.CASES_DECIDE)
        check_words(why, "why")
        with self._database.organisation(organisation) as connection:
            found = _locked(connection, identity)
            if found.released_at is not None:
                raise Conflict("this was released already")
            if found.cause == "flood":
                # Before the generation, as counting does.
                history_rows.allow_count(connection, found.list, found.indicator)
            repository.hold_generation(connection)
            at = self._clock()
            quarantine_rows.release(connection, identity, member.id, why, at)
            generation = repository.raise_generation(connection)
            marks.mark(
                connection,
                organisation,
                [found.indicator],
                generation=generation,
                off=MARKS[found.cause],
            )
            kind = EventKind.QUARANTINE_RELEASED
            self._note(connection, organisation, kind, member, found, why, generation)
            return _locked(connection, identity)

    def confirm(self, organisation: UUID, member: Member, identity: UUID, why: str) -> Quarantined:
        """Say that it is rightly quarantined: it stays so until it is released or withdrawn.

        Raises as `release`, and Conflict when it was confirmed before.
        """
        member.require(Permission.CASES_DECIDE)
        check_words(why, "why")
        with self._database.organisation(organisation) as connection:
            found = _locked(connection, identity)
            if not found.waits:
                raise Conflict("this was decided already")
            quarantine_rows.confirm(connection, identity, member.id, why, self._clock())
            kind = EventKind.QUARANTINE_CONFIRMED
            self._note(connection, organisation, kind, member, found, why, None)
            return _locked(connection, identity)

    def _note(
        self,
        connection: Connection,
        organisation: UUID,
        kind: EventKind,
        member: Member,
        found: Quarantined,
        why: str,
        generation: int | None,
    ) -> None:
        data = {"cause": found.cause, "list": found.list_name, "why": why}
        if generation is not None:
            data["generation"] = str(generation)
        event = Event(
            kind=kind,
            at=self._clock(),
            actor=Actor(kind=ActorKind.MEMBER, name=member.name, id=member.id),
            subject=str(found.indicator),
            data=data,
        )
        self._ledger.append(connection, organisation, [event])


def _locked(connection: Connection, identity: UUID) -> Quarantined:
    found = quarantine_rows.one(connection, identity, lock=True)
    if found is None:
        raise NotFound("there is no such quarantine")
    return found
