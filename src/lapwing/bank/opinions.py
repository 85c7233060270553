"""Opinions: what members and partners say of an indicator, and how far it is trusted then.

An opinion never withdraws anything, and never leaves its organisation. One that makes an indicator
disputed lowers it from known to review until a person decides (docs/rules.md, Opinions).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from lapwing.bank import marks, opinion_rows, quarantine_rows, repository
from lapwing.bank.changes import check_words
from lapwing.bank.opinion_records import Opinion, Says
from lapwing.evidence.ledger import Ledger
from lapwing.model.actors import SYSTEM, Actor, ActorKind
from lapwing.model.errors import Conflict, NotAllowed, NotFound
from lapwing.model.events import Event, EventKind
from lapwing.model.indicators import Indicator, Mark
from lapwing.model.organisations import Member
from lapwing.model.permissions import Permission
from lapwing.store.clock import Clock, new_id
from lapwing.store.database import Database

DISPUTERS = 2
"""Voices that dispute together, where none of them is trusted by itself."""


def is_disputed(opinions: Sequence[Opinion], since: datetime | None) -> bool:
    """Whether the standing opinions dispute an indicator. What was said up to `since`, when a
    person last decided, no longer speaks against it."""
    standing = [one for one in opinions if one.retracted_at is None]
    against = [
        one for one in standing if one.says is Says.FALSE and (since is None or one.at > since)
    ]
    if any(one.trusted for one in against):
        return True
    agreeing = sum(one.says is Says.TRUE for one in standing)
    return len(against) >= DISPUTERS and len(against) > agreeing


class Opinions:
    """Safe to share between threads."""

    def __init__(self, database: Database, ledger: Ledger, clock: Clock) -> None:
        self._database = database
        self._ledger = ledger
        self._clock = clock

    def of(self, organisation: UUID, indicator: int) -> list[Opinion]:
        """What was said of an indicator, retracted ones too, oldest first."""
        with self._database.organisation(organisation) as connection:
            return opinion_rows.opinions_of(connection, indicator)

    def give(
        self,
        organisation: UUID,
        member: Member,
        indicator: int,
        says: Says,
        why: str,
        partner: str | None = None,
    ) -> Opinion:
        """Say something of an indicator, for oneself or for a partner; an earlier opinion of the
        same voice is retracted by it. Acts on the next match.

        Raises NotFound, NotAllowed (a partner's takes `bank.write`), InvalidInput, and Conflict
        for an indicator that is withdrawn.
        """
        member.require(Permission.CASES_WORK if partner is None else Permission.BANK_WRITE)
        check_words(why, "why")
        if partner is not None:
            check_words(partner, "partner")
            partner = partner.strip()
        with self._database.organisation(organisation) as connection:
            repository.hold_generation(connection)  # so that opinions are weighed one by one
            found = _found(connection, indicator)
            if found.withdrawn_at is not None:
                raise Conflict("this indicator is withdrawn")
            at = self._clock()
            given = Opinion(
                id=new_id(at),
                indicator=indicator,
                says=says,
                partner=partner,
                member=member.id,
                trusted=_trusted(member, partner, found),
                why=why,
                at=at,
            )
            before = opinion_rows.standing_of(connection, indicator, member.id, partner)
            if before is not None:
                opinion_rows.retract(connection, before.id, member.id, "said anew", at)
            opinion_rows.add(connection, organisation, given)
            event = _event(EventKind.OPINION_GIVEN, given, _actor(member), at, why)
            events = [event, *self._weigh(connection, organisation, found, at)]
            self._ledger.append(connection, organisation, events)
        return given

    def retract(self, organisation: UUID, member: Member, identity: UUID, why: str) -> Opinion:
        """Take an opinion back: whoever gave it, or a member with `cases.decide`.

        Raises NotFound, NotAllowed, InvalidInput, and Conflict when it was retracted before.
        """
        check_words(why, "why")
        with self._database.organisation(organisation) as connection:
            repository.hold_generation(connection)
            found = opinion_rows.one(connection, identity)
            if found is None:
                raise NotFound("there is no such opinion")
            if found.member != member.id and not member.may(Permission.CASES_DECIDE):
                raise NotAllowed(
                    "an opinion is retracted by whoever gave it, or by a member with "
                    f"{Permission.CASES_DECIDE.value!r}"
                )
            if found.retracted_at is not None:
                raise Conflict("this opinion was retracted already")
            at = self._clock()
            opinion_rows.retract(connection, identity, member.id, why, at)
            event = _event(EventKind.OPINION_RETRACTED, found, _actor(member), at, why)
            indicator = _found(connection, found.indicator)
            events = [event, *self._weigh(connection, organisation, indicator, at)]
            self._ledger.append(connection, organisation, events)
            done = opinion_rows.one(connection, identity)
        return done or found

    def _weigh(
        self, connection: Connection, organisation: UUID, indicator: Indicator, at: datetime
    ) -> list[Event]:
        """Open a dispute, or end one that nobody holds any more and nobody has decided on."""
        opinions = opinion_rows.opinions_of(connection, indicator.id)
        since = quarantine_rows.last_released(connection, indicator.id)
        disputed = is_disputed(opinions, since)
        acting = quarantine_rows.dispute_of(connection, indicator.id)
        if disputed == (acting is not None):
            return []
        data: dict[str, object] = {"cause": "dispute"}
        if acting is None:
            says = [one.says for one in opinions if one.retracted_at is None]
            facts = {"false": says.count(Says.FALSE), "true": says.count(Says.TRUE)}
            pair = (indicator.list, indicator.id)
            quarantine_rows.open_rows(
                connection, organisation, [pair], "dispute", {indicator.id: facts}, at
            )
            kind, on, off = EventKind.INDICATOR_QUARANTINED, Mark.DISPUTED, Mark(0)
            data |= facts
        elif acting.waits:
            why = "the opinions were retracted"
            quarantine_rows.release(connection, acting.id, None, why, at)
            kind, on, off = EventKind.QUARANTINE_RELEASED, Mark(0), Mark.DISPUTED
            data["why"] = why
        else:
            return []
        generation = repository.raise_generation(connection)
        marks.mark(connection, organisation, [indicator.id], generation=generation, on=on, off=off)
        data["generation"] = generation
        return [Event(kind=kind, at=at, actor=SYSTEM, subject=str(indicator.id), data=data)]


def _trusted(member: Member, partner: str | None, indicator: Indicator) -> bool:
    """A member who judges is; so is the partner that the indicator came from."""
    if partner is None:
        return member.may(Permission.CASES_DECIDE)
    return partner.casefold() == indicator.source.strip().casefold()


def _found(connection: Connection, indicator: int) -> Indicator:
    found = repository.indicator(connection, indicator)
    if found is None:
        raise NotFound("there is no such indicator")
    return found


def _actor(member: Member) -> Actor:
    return Actor(kind=ActorKind.MEMBER, name=member.name, id=member.id)


def _event(kind: EventKind, opinion: Opinion, actor: Actor, at: datetime, why: str) -> Event:
    data = {
        "opinion": str(opinion.id),
        "says": opinion.says.value,
        "partner": opinion.partner,
        "trusted": opinion.trusted,
        "why": why,
    }
    return Event(kind=kind, at=at, actor=actor, subject=str(opinion.indicator), data=data)
