"""Every action can be appealed, and an appeal brings a person back to the case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

import pytest

from lapwing.cases.records import Decided, Gathered
from lapwing.cases.service import Cases
from lapwing.model.actors import Actor, ActorKind
from lapwing.model.cases import CaseState, Outcome
from lapwing.model.decisions import Action
from lapwing.model.errors import Conflict, InvalidInput, NotFound
from lapwing.model.organisations import Member
from lapwing.store.clock import new_id

KEY = Actor(kind=ActorKind.API_KEY, name="the platform", id=new_id())

Decide = Callable[..., Decided]
Record = Callable[[Sequence[Decided]], Gathered]


def test_an_appeal_puts_a_decided_case_back_into_the_queue(
    cases: Cases, organisation: UUID, decided: Decide, record: Record, robin: Member
) -> None:
    one = decided()
    record([one])
    case = cases.queue(organisation)[0]
    cases.verdict(organisation, robin, case.id, Outcome.CONFIRMED, "the same picture")
    cases.close(organisation, robin, case.id)
    assert cases.queue(organisation) == []

    appealed = cases.appeal(organisation, KEY, one.item.id, "it is my own garden")

    assert (appealed.state, appealed.claimed_by) == (CaseState.OPEN, None)
    assert appealed.appealed_at is not None
    assert [waiting.id for waiting in cases.queue(organisation)] == [case.id]
    detail = cases.case(organisation, case.id)
    assert (detail.timeline[-1].event, detail.timeline[-1].actor) == ("case.appealed", KEY.name)
    assert detail.verdicts[0].outcome is Outcome.CONFIRMED
    cases.verdict(organisation, robin, case.id, Outcome.HARMLESS, "a garden, as they say")
    assert cases.case(organisation, case.id).summary.outcome is Outcome.HARMLESS


def test_an_appeal_takes_a_case_from_nobody_who_works_on_it(
    cases: Cases, organisation: UUID, decided: Decide, record: Record, robin: Member
) -> None:
    one = decided()
    record([one])
    case = cases.queue(organisation)[0]
    cases.claim(organisation, robin, case.id)
    appealed = cases.appeal(organisation, KEY, one.item.id, "please look again")
    assert (appealed.state, appealed.claimed_by) == (CaseState.CLAIMED, robin.id)


def test_what_was_left_alone_cannot_be_appealed(
    cases: Cases, organisation: UUID, decided: Decide, record: Record
) -> None:
    one = decided(actions=(Action.ALLOW,))
    record([one])
    with pytest.raises(Conflict):
        cases.appeal(organisation, KEY, one.item.id, "why?")
    with pytest.raises(NotFound):
        cases.appeal(organisation, KEY, new_id(), "why?")


def test_an_appeal_says_something(
    cases: Cases, organisation: UUID, decided: Decide, record: Record
) -> None:
    one = decided()
    record([one])
    with pytest.raises(InvalidInput) as refused:
        cases.appeal(organisation, KEY, one.item.id, "   ")
    assert refused.value.field == "text"


def test_another_organisation_cannot_appeal(
    cases: Cases, other_organisation: UUID, decided: Decide, record: Record
) -> None:
    one = decided()
    record([one])
    with pytest.raises(NotFound):
        cases.appeal(other_organisation, KEY, one.item.id, "let them go")
