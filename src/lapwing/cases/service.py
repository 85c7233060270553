"""Cases: the queue, the steps a member takes, and the verdict. No machine takes these steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from lapwing.cases import reading, repository, steps
from lapwing.cases.gather import gather
from lapwing.cases.records import CaseDetail, Decided, Gathered, RelatedCase
from lapwing.evidence.ledger import Ledger
from lapwing.model.actors import Actor, ActorKind
from lapwing.model.cases import CaseState, CaseSummary, Outcome, Verdict
from lapwing.model.errors import Conflict, InvalidInput, NotAllowed, NotFound
from lapwing.model.events import Event, EventKind
from lapwing.model.organisations import Member
from lapwing.model.permissions import Permission
from lapwing.store.clock import Clock, new_id
from lapwing.store.database import Database

MAX_TEXT = 10_000
"""Characters of a note or a reason."""
MAX_DANGER = 3_000
"""Characters of why a child is in danger: as many as an authority takes for its fast way."""
DANGER_LOOKED_AT = timedelta(hours=1)
"""A house rule, not law: until then a case in which a child is in danger has its verdict."""
WAITING = (CaseState.OPEN, CaseState.CLAIMED)


class Cases:
    """Steps raise NotFound (no such case here), NotAllowed (not a member) or Conflict (the step
    does not follow from the state that the case is in). Each step is one transaction with its leaf.
    """

    def __init__(self, database: Database, ledger: Ledger, clock: Clock) -> None:
        self._database = database
        self._ledger = ledger
        self._clock = clock

    def gather(
        self, connection: Connection, organisation: UUID, decided: Sequence[Decided], at: datetime
    ) -> Gathered:
        """See `lapwing.cases.gather`; runs in the caller's transaction."""
        return gather(connection, organisation, decided, at)

    def queue(
        self, organisation: UUID, state: CaseState | None = None, limit: int = 50
    ) -> list[CaseSummary]:
        """Cases in one state; without one, all that wait for a verdict. Most pressing first."""
        with self._database.organisation(organisation) as connection:
            return reading.queue(connection, WAITING if state is None else (state,), limit)

    def case(
        self, organisation: UUID, case: UUID | int | str, *, items: int = 200, related: int = 20
    ) -> CaseDetail:
        """One case by id or number, with its newest items and its whole history."""
        with self._database.organisation(organisation) as connection:
            found = self._find(connection, case)
            touching = reading.related(connection, found, related)
            summaries = reading.summaries(connection, [found, *(id_ for id_, _ in touching)])
            return CaseDetail(
                summary=summaries[found],
                items=reading.items_of(connection, found, items),
                verdicts=reading.verdicts_of(connection, found),
                timeline=tuple(self._ledger.events_of_case(connection, organisation, found)),
                related=tuple(RelatedCase(case=summaries[id_], shared=s) for id_, s in touching),
            )

    def claim(self, organisation: UUID, member: Member, case: UUID | int | str) -> CaseSummary:
        """Take an open case; of two members at once one gets it."""
        with self._database.organisation(organisation) as connection:
            found, actor = self._begin(connection, organisation, member, case)
            steps.check_claim(*repository.lock_case(connection, found), member)
            at = self._clock()
            repository.set_claim(connection, found, member.id, at)
            return self._done(connection, organisation, EventKind.CASE_CLAIMED, at, actor, found)

    def release(self, organisation: UUID, member: Member, case: UUID | int | str) -> CaseSummary:
        """Give a claimed case back to the queue; an admin may give back another member's."""
        with self._database.organisation(organisation) as connection:
            found, actor = self._begin(connection, organisation, member, case)
            steps.check_release(*repository.lock_case(connection, found), member)
            at = self._clock()
            repository.set_claim(connection, found, None, at)
            return self._done(connection, organisation, EventKind.CASE_RELEASED, at, actor, found)

    def note(
        self, organisation: UUID, member: Member, case: UUID | int | str, text: str
    ) -> CaseSummary:
        """Write a line into the case's timeline."""
        words = _words(text, "text")
        with self._database.organisation(organisation) as connection:
            found, actor = self._begin(connection, organisation, member, case)
            steps.check_note(*repository.lock_case(connection, found))
            data = {"text": words}
            at = self._clock()
            return self._done(
                connection, organisation, EventKind.CASE_NOTED, at, actor, found, data
            )

    def danger(
        self, organisation: UUID, member: Member, case: UUID | int | str, why: str
    ) -> CaseSummary:
        """Say that a child is in danger now: the case comes first, everywhere, and is due in an
        hour. It accuses nobody and reports nothing by itself."""
        words = _words(why, "why")
        if len(words) > MAX_DANGER:
            raise InvalidInput(f"at most {MAX_DANGER} characters", field="why")
        with self._database.organisation(organisation) as connection:
            found, actor = self._begin(connection, organisation, member, case)
            state, _ = repository.lock_case(connection, found)
            steps.check_danger(state, repository.is_in_danger(connection, found))
            at = self._clock()
            repository.set_danger(connection, found, at, words, at + DANGER_LOOKED_AT)
            data = {"why": words}
            return self._done(
                connection, organisation, EventKind.CASE_DANGER, at, actor, found, data
            )

    def danger_over(
        self, organisation: UUID, member: Member, case: UUID | int | str, why: str
    ) -> CaseSummary:
        """Take that back, with a reason; the case is again as pressing as its findings."""
        words = _words(why, "why")
        with self._database.organisation(organisation) as connection:
            found, actor = self._begin(connection, organisation, member, case)
            state, _ = repository.lock_case(connection, found)
            steps.check_danger_over(state, repository.is_in_danger(connection, found))
            at = self._clock()
            repository.set_danger(connection, found, at, None, None)
            data = {"why": words}
            return self._done(
                connection, organisation, EventKind.CASE_DANGER_OVER, at, actor, found, data
            )

    def verdict(
        self,
        organisation: UUID,
        member: Member,
        case: UUID | int | str,
        outcome: Outcome | str,
        reason: str,
    ) -> Verdict:
        """A named member's judgement, with its reason; it decides the case and frees its subjects.

        A decided case takes further verdicts: all are kept, the last one stands. A verdict on an
        open case claims it. Refused on a case that another member has claimed, or that is closed.
        """
        judged, words = _outcome(outcome), _words(reason, "reason")
        with self._database.organisation(organisation) as connection:
            found, actor = self._begin(
                connection, organisation, member, case, Permission.CASES_DECIDE
            )
            repository.lock(connection, organisation)
            state, holder = repository.lock_case(connection, found)
            steps.check_verdict(state, holder, member)
            at = self._clock()
            given = Verdict(
                id=new_id(at),
                case=found,
                member=member.id,
                member_name=member.name,
                outcome=judged,
                reason=words,
                at=at,
            )
            events = []
            if state is CaseState.OPEN:
                repository.set_claim(connection, found, member.id, at)
                events.append(_event(EventKind.CASE_CLAIMED, at, actor, found, {}))
            repository.insert_verdict(connection, organisation, given)
            repository.set_state(connection, found, CaseState.DECIDED, at, judged)
            repository.free_subjects(connection, found)
            data = {"verdict": str(given.id), "outcome": judged.value, "reason": words}
            events.append(_event(EventKind.VERDICT, at, actor, found, data))
            self._ledger.append(connection, organisation, events)
            return given

    def appeal(self, organisation: UUID, actor: Actor, item: UUID, text: str) -> CaseSummary:
        """Somebody whom a decision touched asks for another look: the case goes back to the queue.

        A platform hands appeals in with its key; no authority over the case is needed, and nothing
        is lifted by it. A case that a member is working on stays with them. Raises NotFound for an
        unknown item, Conflict for one that nothing was done about.
        """
        words = _words(text, "text")
        with self._database.organisation(organisation) as connection:
            found = repository.case_of_item(connection, item)
            if found is None:
                if not repository.item_is_there(connection, item):
                    raise NotFound(f"there is no item {item}")
                raise Conflict("nothing was done about this item, so there is nothing to appeal")
            repository.lock(connection, organisation)
            state, _ = repository.lock_case(connection, found)
            at = self._clock()
            repository.reopen(connection, found, at, free=state not in WAITING)
            data = {"item": str(item), "text": words}
            return self._done(
                connection, organisation, EventKind.CASE_APPEALED, at, actor, found, data
            )

    def close(self, organisation: UUID, member: Member, case: UUID | int | str) -> CaseSummary:
        """End the work on a decided case. A case without a verdict cannot be closed."""
        with self._database.organisation(organisation) as connection:
            found, actor = self._begin(connection, organisation, member, case)
            steps.check_close(*repository.lock_case(connection, found))
            at = self._clock()
            repository.set_state(connection, found, CaseState.CLOSED, at, None)
            return self._done(connection, organisation, EventKind.CASE_CLOSED, at, actor, found)

    def _find(self, connection: Connection, case: UUID | int | str) -> UUID:
        found = repository.find(connection, _reference(case))
        if found is None:
            raise NotFound(f"there is no case {case}")
        return found

    def _begin(
        self,
        connection: Connection,
        organisation: UUID,
        member: Member,
        case: UUID | int | str,
        needs: Permission = Permission.CASES_WORK,
    ) -> tuple[UUID, Actor]:
        """The case and the actor, once it is sure that a member in person is acting."""
        if not isinstance(member, Member):
            raise NotAllowed("only a named member can work on a case, not a key or a program")
        if member.organisation != organisation or not repository.member_is_active(
            connection, member.id
        ):
            raise NotAllowed("you are not a member of this organisation")
        member.require(needs)
        actor = Actor(kind=ActorKind.MEMBER, name=member.name, id=member.id)
        return self._find(connection, case), actor

    def _done(
        self,
        connection: Connection,
        organisation: UUID,
        kind: EventKind,
        at: datetime,
        actor: Actor,
        case: UUID,
        data: dict[str, Any] | None = None,
    ) -> CaseSummary:
        self._ledger.append(connection, organisation, [_event(kind, at, actor, case, data or {})])
        return reading.summaries(connection, [case])[case]


def _event(kind: EventKind, at: datetime, actor: Actor, case: UUID, data: dict[str, Any]) -> Event:
    return Event(kind=kind, at=at, actor=actor, subject=str(case), case=case, data=data)


def _reference(case: UUID | int | str) -> UUID | int:
    if isinstance(case, UUID | int):
        known = case
    elif case.isdecimal() and case.isascii():
        known = int(case)
    else:
        try:
            known = UUID(case)
        except ValueError:
            raise InvalidInput(
                f"{case[:80]!r} is neither a case number nor a case id", field="case"
            ) from None
    if isinstance(known, int) and not 0 < known < 2**31:
        raise NotFound(f"there is no case {known}")
    return known


def _outcome(outcome: Outcome | str) -> Outcome:
    try:
        return Outcome(outcome)
    except ValueError:
        allowed = ", ".join(Outcome)
        raise InvalidInput(f"the outcome must be one of {allowed}", field="outcome") from None


def _words(text: str, field: str) -> str:
    words = text.replace("\x00", "").strip()
    if not words:
        raise InvalidInput(f"the {field} must not be empty", field=field)
    if len(words) > MAX_TEXT:
        raise InvalidInput(f"the {field} is longer than {MAX_TEXT} characters", field=field)
    return words
