"""The hosted matcher: match or no match, and the action. For small platforms, never for offenders.

What must not come out: distance, source, hash, list, category, indicator, generation (DESIGN, Do no
harm 10). Who asks for many variations of one picture learns nothing from them: once a hash has
matched, everything within `FAMILY` bits of it that the same key asks gets its answer for a day, as
long as that hash is listed. The other way round a match is never kept back: an answer of no match
does not bind later ones, because a guard must not become a door (Do no harm 11).

The questions are remembered in the database, so that all workers and nodes answer alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from lapwing.bank import flood, hosted_rows
from lapwing.bank.canonical import canonical_value
from lapwing.bank.changes import check_words
from lapwing.bank.hosted_rows import Near, ProbingFinding
from lapwing.bank.live import LiveBank
from lapwing.bank.matching import HashQuery, asked_of, hits_by_query, matches_of
from lapwing.evidence.ledger import Ledger
from lapwing.model.actors import Actor, ActorKind
from lapwing.model.errors import Conflict, LimitExceeded, NotFound
from lapwing.model.events import Event, EventKind
from lapwing.model.indicators import IndicatorKind, ListAction
from lapwing.model.organisations import ApiKey, Member
from lapwing.model.permissions import Permission
from lapwing.store.clock import Clock, new_id
from lapwing.store.database import Database

MAX_HASHES = 32
"""Hashes a call: those of a few pictures."""
REMEMBERED = timedelta(days=1)
FAMILY = 48
"""Bits of 256 within which two questions of a caller are about one picture: more than the 31 up to
which listed pictures resemble, far fewer than the 128 or so between unrelated ones."""
MOST_VARIANTS = 64
"""Different hashes of one family within a day that pass for a picture which is passed on."""
MOST_STRADDLING = 8
"""That many which match beside that many which do not look like a search for the edge."""
SURCHARGE = 9
"""What a question that looks like probing costs beside itself."""


class HostedAnswer(Struct, frozen=True, kw_only=True):
    """All that a hosted caller learns of one hash."""

    match: bool
    action: ListAction


class HostedMatched(Struct, frozen=True, kw_only=True):
    """Answers in the order of the hashes. `surcharge` is for the rate limit, not for the caller."""

    answers: tuple[HostedAnswer, ...]
    surcharge: int


NOBODY = Near(0, 0, ())
NO_MATCH = HostedAnswer(match=False, action=ListAction.NONE)


class Hosted:
    """Safe to share between threads; calls of one key wait for one another."""

    def __init__(self, database: Database, ledger: Ledger, live: LiveBank, clock: Clock) -> None:
        self._database = database
        self._ledger = ledger
        self._live = live
        self._clock = clock

    def match(self, organisation: UUID, key: ApiKey, hashes: Sequence[HashQuery]) -> HostedMatched:
        """Compare up to 32 hashes with the key's lists.

        Raises InvalidInput naming the first hash that cannot be used, LimitExceeded.
        """
        if len(hashes) > MAX_HASHES:
            raise LimitExceeded(f"more than {MAX_HASHES} hashes in one call", field="hashes")
        at = self._clock()
        view = self._live.snapshot().view(organisation, at, frozenset(key.lists))
        own = hits_by_query(view, hashes)
        codes = _codes(hashes)
        with self._database.organisation(organisation) as connection:
            hosted_rows.lock(connection, key.id)
            near = hosted_rows.near(connection, key.id, codes, FAMILY, at - REMEMBERED)
            tripped = flood.count(connection, organisation, matches_of(own), at)
            asked = asked_of(own, hashes, tripped.indicators)
            matched = {number: asked[number] is not None for number in codes}
            hosted_rows.remember(
                connection, organisation, key.id, codes, matched, at, at - REMEMBERED
            )
            kin = _kin(codes)
            found = [
                _pattern(near.get(number, NOBODY), [matched[one] for one in kin[number]], own_match)
                for number, own_match in matched.items()
            ]
            events = [*tripped.events]
            for pattern in sorted({one for one in found if one is not None}):
                events += self._find(
                    connection, organisation, key, pattern, found.count(pattern), at
                )
            if events:
                self._ledger.append(connection, organisation, events)
        answers = [
            _stronger([asked[number], *(asked[one] for one in kin.get(number, ()))])
            for number in range(len(hashes))
        ]
        for number, family in near.items():
            again = [
                HashQuery(hash=code, kind=IndicatorKind.PDQ, quality=hashes[number].quality)
                for code in family.matched_codes
            ]
            others = asked_of(hits_by_query(view, again), again, tripped.indicators)
            answers[number] = _stronger([answers[number], *others])
        return HostedMatched(
            answers=tuple(
                NO_MATCH if action is None else HostedAnswer(match=True, action=action)
                for action in answers
            ),
            surcharge=SURCHARGE * sum(one is not None for one in found),
        )

    def findings(self, organisation: UUID, *, unseen: bool = False) -> list[ProbingFinding]:
        """What looked like probing, newest first."""
        with self._database.organisation(organisation) as connection:
            return hosted_rows.findings(connection, unseen=unseen)

    def acknowledge(
        self, organisation: UUID, member: Member, identity: UUID, why: str
    ) -> ProbingFinding:
        """Note that a person has looked, and what they say of it.

        Raises NotFound, NotAllowed (`keys.manage`), InvalidInput, Conflict when it was seen.
        """
        member.require(Permission.KEYS_MANAGE)
        check_words(why, "why")
        at = self._clock()
        with self._database.organisation(organisation) as connection:
            found = hosted_rows.finding(connection, identity)
            if found is None:
                raise NotFound("there is no such finding")
            if not hosted_rows.see(connection, identity, member.id, why, at):
                raise Conflict("somebody has looked at this already")
            data = {"key": str(found.key), "pattern": found.pattern, "why": why}
            actor = Actor(kind=ActorKind.MEMBER, name=member.name, id=member.id)
            event = Event(
                kind=EventKind.HOSTED_PROBING_SEEN,
                at=at,
                actor=actor,
                subject=str(identity),
                data=data,
            )
            self._ledger.append(connection, organisation, [event])
            return hosted_rows.finding(connection, identity) or found

    def _find(
        self,
        connection: Connection,
        organisation: UUID,
        key: ApiKey,
        pattern: str,
        count: int,
        at: datetime,
    ) -> list[Event]:
        """Count a pattern; the first of a key and day is an event, without any hash."""
        made = hosted_rows.find(connection, organisation, new_id(at), key.id, pattern, count, at)
        if made is None:
            return []
        actor = Actor(kind=ActorKind.API_KEY, name=key.name, id=key.id)
        data = {"key": str(key.id), "pattern": pattern, "day": at.date().isoformat()}
        return [
            Event(kind=EventKind.HOSTED_PROBING, at=at, actor=actor, subject=str(made), data=data)
        ]


def _codes(hashes: Sequence[HashQuery]) -> dict[int, str]:
    """PDQ hashes by their place in the call, in lower-case hex; the last of equal ones only."""
    places: dict[str, int] = {}
    for number, query in enumerate(hashes):
        if query.kind is IndicatorKind.PDQ:
            places[canonical_value(query.kind, query.hash).hex()] = number
    return {number: code for code, number in places.items()}


def _kin(codes: Mapping[int, str]) -> dict[int, list[int]]:
    """For each code the others of the same call that are of its family."""
    numbers = {number: int(code, 16) for number, code in codes.items()}
    return {
        number: [
            other
            for other, theirs in numbers.items()
            if other != number and (mine ^ theirs).bit_count() <= FAMILY
        ]
        for number, mine in numbers.items()
    }


def _pattern(family: Near, kin: Sequence[bool], matched: bool) -> str | None:
    """What a question looks like beside those that the caller asked within a day, and beside the
    others of the same call."""
    variants = 1 + len(kin) + family.variants
    inside = matched + sum(kin) + family.matched
    if min(inside, variants - inside) >= MOST_STRADDLING:
        return "straddling"
    return "variants" if variants > MOST_VARIANTS else None


def _stronger(asked: Sequence[ListAction | None]) -> ListAction | None:
    actions = [action for action in asked if action is not None]
    return max(actions, key=lambda action: action.rank) if actions else None
