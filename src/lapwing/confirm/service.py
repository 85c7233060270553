"""Proposing, confirming, refusing and withdrawing what needs a second member.

proposed ──confirm (another member)──► confirmed ──withdraw──► withdrawn
   │  ├──refuse (another member)────► refused          ▲
   │  └──withdraw───────────────────────────────────────┘
   └──time passes──► expired
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from lapwing.confirm import repository
from lapwing.confirm.records import (
    ALLOW_OVERRIDE,
    Confirmation,
    ConfirmationState,
    Kind,
    override_subject,
)
from lapwing.evidence.ledger import Ledger
from lapwing.members.authority import member_actor
from lapwing.members.records import SignedIn
from lapwing.members.repository import member as stored_member
from lapwing.model.errors import Conflict, InvalidInput, LimitExceeded, NotAllowed, NotFound
from lapwing.model.events import Event, EventKind
from lapwing.model.organisations import Member
from lapwing.model.permissions import Permission
from lapwing.store.clock import Clock, new_id

MAX_TEXT = 2_000
MAX_DATA = 64 * 1024
MOST_WAITING = 1_000


class Confirmations:
    """Every method works in the caller's transaction, so that an answer, its entry in the ledger
    and the job that follows from it are kept together or not at all.

    `organisation` must be the one that the transaction is scoped to.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        kinds: Iterable[Kind] = (),
        allow_override: Kind = ALLOW_OVERRIDE,
    ) -> None:
        """`allow_override` with the effects that the bank gives it."""
        known = (allow_override, *kinds)
        self._kinds = {kind.name: kind for kind in known}
        if len(self._kinds) != len(known):
            raise ValueError("two kinds of confirmation have the same name")
        self._ledger = ledger
        self._clock = clock

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return self._kinds

    def propose(
        self,
        connection: Connection,
        organisation: UUID,
        member: Member,
        kind: str,
        subject: str,
        basis: str,
        category: str,
        data: Mapping[str, Any],
    ) -> Confirmation:
        """Ask for a second member. `data` is what they will see and confirm, as JSON.

        Raises InvalidInput without subject, basis or category, NotAllowed.
        """
        what, now = self._kind(kind), self._clock()
        proposer = _present(connection, organisation, member, what.propose)
        if len(repository.waiting(connection, now)) >= MOST_WAITING:
            raise LimitExceeded(f"{MOST_WAITING} proposals wait already; answer or withdraw some")
        made = Confirmation(
            id=new_id(now),
            organisation=organisation,
            kind=what.name,
            subject=_said(subject, "subject"),
            basis=_said(basis, "basis"),
            category=_said(category, "category"),
            data=_plain(data),
            proposed_by=proposer.id,
            proposed_at=now,
            expires_at=now + what.lasts,
        )
        repository.add(connection, made)
        self._note(connection, EventKind.CONFIRMATION_PROPOSED, proposer, made)
        return made

    def confirm(
        self, connection: Connection, organisation: UUID, by: SignedIn, identity: UUID
    ) -> Confirmation:
        """Agree, as another member than the one who proposed, present and in their own session.

        What follows is queued in this transaction. Raises NotFound, NotAllowed, StepUpNeeded, and
        Conflict when it was answered, withdrawn or has expired.
        """
        now = self._clock()
        by.require_step_up(now)
        found, kind = self._answerable(connection, identity, now)
        member = _present(connection, organisation, by.member, kind.confirm)
        if member.id == found.proposed_by:
            raise NotAllowed("you proposed this yourself; another member has to confirm it")
        if by.session.let_in_by == found.proposed_by:
            raise NotAllowed(
                "the member who proposed this made the link that you signed in with; "
                "sign in by other means"
            )
        _present_still(connection, found)
        done = repository.answer(connection, identity, "confirmed", member.id, now)
        # The ledger comes last: an effect may wait for a lock of its own room.
        kind.confirmed(connection, done)
        self._note(connection, EventKind.CONFIRMATION_CONFIRMED, member, done)
        return done

    def refuse(
        self, connection: Connection, organisation: UUID, member: Member, identity: UUID, why: str
    ) -> Confirmation:
        """Say no, with the reason. The member who proposed withdraws instead."""
        now, said = self._clock(), _said(why, "why")
        found, kind = self._answerable(connection, identity, now)
        refuser = _present(connection, organisation, member, kind.confirm)
        if refuser.id == found.proposed_by:
            raise NotAllowed("you proposed this yourself; withdraw it")
        done = repository.answer(connection, identity, "refused", refuser.id, now, said)
        self._note(connection, EventKind.CONFIRMATION_REFUSED, refuser, done)
        return done

    def withdraw(
        self, connection: Connection, organisation: UUID, member: Member, identity: UUID, why: str
    ) -> Confirmation:
        """Take it back, before or after it was confirmed. One member is enough: stopping must
        never wait for a second person. What follows is queued in this transaction."""
        now, said = self._clock(), _said(why, "why")
        found = _found(repository.one(connection, identity, lock=True))
        kind = self._kind(found.kind)
        withdrawer = _present(connection, organisation, member, kind.propose, kind.confirm)
        state = found.state(now)
        if state not in (ConfirmationState.WAITING, ConfirmationState.CONFIRMED):
            raise Conflict(f"this is {state.value} already")
        done = repository.answer(connection, identity, "withdrawn", withdrawer.id, now, said)
        if state is ConfirmationState.CONFIRMED:
            kind.withdrawn(connection, done)
        self._note(connection, EventKind.CONFIRMATION_WITHDRAWN, withdrawer, done)
        return done

    def one(self, connection: Connection, identity: UUID) -> Confirmation:
        """Raises NotFound."""
        return _found(repository.one(connection, identity))

    def waiting(self, connection: Connection) -> list[Confirmation]:
        """Those that wait for a second member, the most pressing first."""
        return repository.waiting(connection, self._clock())

    def latest(self, connection: Connection, limit: int = 100) -> list[Confirmation]:
        """Of every state, newest first."""
        return repository.latest(connection, limit)

    def confirmed(
        self, connection: Connection, kind: str, subjects: Collection[str]
    ) -> dict[str, Confirmation]:
        """What stands: confirmed by a second member and not withdrawn, by subject.

        A room asks this right before it acts, in the transaction in which it acts.
        """
        return repository.standing(connection, kind, subjects)

    def overrides(
        self, connection: Connection, entries: Collection[tuple[str, str]]
    ) -> frozenset[tuple[str, str]]:
        """Which allow entries, as (kind, value), beat a verified list: those that two members
        agreed on. An allow entry that is not among them lets nothing past."""
        subjects = {override_subject(kind, value): (kind, value) for kind, value in entries}
        standing = self.confirmed(connection, ALLOW_OVERRIDE.name, list(subjects))
        return frozenset(subjects[subject] for subject in standing)

    def _answerable(
        self, connection: Connection, identity: UUID, now: datetime
    ) -> tuple[Confirmation, Kind]:
        found = _found(repository.one(connection, identity, lock=True))
        state = found.state(now)
        if state is not ConfirmationState.WAITING:
            raise Conflict(f"this is {state.value} already")
        return found, self._kind(found.kind)

    def _kind(self, name: str) -> Kind:
        try:
            return self._kinds[name]
        except KeyError:
            raise InvalidInput(f"nothing called {name!r} is confirmed here", field="kind") from None

    def _note(
        self, connection: Connection, kind: EventKind, member: Member, what: Confirmation
    ) -> None:
        data: dict[str, Any] = {
            "kind": what.kind,
            "subject": what.subject,
            "basis": what.basis,
            "category": what.category,
        }
        if kind is EventKind.CONFIRMATION_PROPOSED:
            data["data"] = what.data
        if what.why is not None:
            data["why"] = what.why
        event = Event(
            kind=kind,
            at=self._clock(),
            actor=member_actor(member),
            subject=str(what.id),
            data=data,
        )
        self._ledger.append(connection, what.organisation, [event])


def _found(confirmation: Confirmation | None) -> Confirmation:
    if confirmation is None:
        raise NotFound("there is no such proposal")
    return confirmation


def _present(
    connection: Connection, organisation: UUID, member: Member, *any_of: Permission
) -> Member:
    """The member as the database knows them now, whatever the caller holds."""
    known = stored_member(connection, member.id)
    if known is None or known.organisation != organisation:
        raise NotAllowed("you are not a member of this organisation")
    if not any(known.may(one) for one in any_of):
        known.require(any_of[0])
    return known


def _present_still(connection: Connection, found: Confirmation) -> None:
    """A proposal of someone who has been shut out since is not worth a confirmation."""
    if stored_member(connection, found.proposed_by) is None:
        raise Conflict("the member who proposed this has been disabled; propose it anew")


def _said(text: str, field: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise InvalidInput(f"the {field} must not be empty", field=field)
    if len(stripped) > MAX_TEXT:
        raise LimitExceeded(f"the {field} is longer than {MAX_TEXT} characters", field=field)
    if "\0" in stripped:
        raise InvalidInput(f"the {field} contains a NUL character", field=field)
    return stripped


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON keeps of it, so that what is confirmed is what was stored."""
    encoded = msgspec.json.encode(data)
    if len(encoded) > MAX_DATA:
        raise LimitExceeded(f"what is proposed is larger than {MAX_DATA} bytes", field="data")
    return msgspec.json.decode(encoded, type=dict[str, Any])
