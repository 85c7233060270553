"""Which step follows from which state. Pure: each check passes or raises.

open ──claim──► claimed ──verdict──► decided ──close──► closed
  ▲───release────┘                    ▲──┘ another verdict │
  └────────────────────appeal──────────┴───────────────────┘
"""

from __future__ import annotations

from uuid import UUID

from lapwing.model.cases import CaseState
from lapwing.model.errors import Conflict, NotAllowed
from lapwing.model.organisations import Member, Role


def check_claim(state: CaseState, holder: UUID | None, member: Member) -> None:
    if state is CaseState.CLAIMED:
        whose = "you have" if holder == member.id else "another member has"
        raise Conflict(f"{whose} already claimed this case")
    if state is not CaseState.OPEN:
        raise Conflict(f"this case is {state.value}; only an open case can be claimed")


def check_release(state: CaseState, holder: UUID | None, member: Member) -> None:
    if state is not CaseState.CLAIMED:
        raise Conflict(f"this case is {state.value}; only a claimed case can be released")
    if holder != member.id and member.role is not Role.ADMIN:
        raise NotAllowed("another member has claimed this case; they or an admin can release it")


def check_note(state: CaseState, holder: UUID | None) -> None:
    if state is CaseState.CLOSED:
        raise Conflict("this case is closed; it takes no more notes")


def check_danger(state: CaseState, marked: bool) -> None:
    if state is CaseState.CLOSED:
        raise Conflict("this case is closed; open another look at it first")
    if marked:
        raise Conflict("this case is marked already")


def check_danger_over(state: CaseState, marked: bool) -> None:
    if not marked:
        raise Conflict("this case is not marked")


def check_verdict(state: CaseState, holder: UUID | None, member: Member) -> None:
    if state is CaseState.CLOSED:
        raise Conflict("this case is closed; it takes no more verdicts")
    if state is CaseState.CLAIMED and holder != member.id:
        raise Conflict("another member has claimed this case; they give the verdict or release it")


def check_close(state: CaseState, holder: UUID | None) -> None:
    if state is CaseState.CLOSED:
        raise Conflict("this case is closed already")
    if state is not CaseState.DECIDED:
        raise Conflict(f"this case is {state.value}; it needs a verdict before it can be closed")
