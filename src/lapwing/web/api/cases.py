"""Cases: read by keys that may, worked on only by members in person."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta, Struct

from lapwing.cases.records import CaseDetail
from lapwing.cases.service import MAX_DANGER
from lapwing.model.cases import CaseState, CaseSummary, Outcome, Verdict
from lapwing.model.organisations import Scope
from lapwing.model.permissions import Permission
from lapwing.web.authority import by_key, by_member
from lapwing.web.given import CallerGiven, HouseGiven, MetricsGiven
from lapwing.web.problems import REFUSALS

CaseRef = Annotated[
    str,
    PathParameter(max_length=40, description="The case's id, or its number in the organisation"),
]
Limit = Annotated[int, QueryParameter(ge=1, le=500)]
State = Annotated[CaseState | None, QueryParameter(name="state")]

_READ = {code: REFUSALS[code] for code in (400, 401, 403, 404)}
_WORK = by_member(Permission.CASES_WORK)
_JUDGE = by_member(Permission.CASES_DECIDE)
_STEP: dict[str, Any] = {
    "sync_to_thread": True,
    "status_code": 200,
    "tags": ["cases"],
    "responses": _READ | {409: REFUSALS[409]},
}

Words = Annotated[str, Meta(min_length=1, max_length=10_000)]


class CaseQueue(Struct, frozen=True, kw_only=True):
    cases: list[CaseSummary]


class Note(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Words


class Danger(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a child is in danger now, or why that is over; it stands in the ledger."""

    why: Annotated[str, Meta(min_length=1, max_length=MAX_DANGER)]


class NewVerdict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A judgement with its reason; both are kept for ever."""

    outcome: Outcome
    reason: Words


@get(
    "/v1/cases",
    opt=by_key(Scope.CASES_READ),
    sync_to_thread=True,
    tags=["cases"],
    responses=_READ,
    operation_id="list_cases",
)
def list_cases(
    house: HouseGiven, caller: CallerGiven, in_state: State = None, limit: Limit = 50
) -> CaseQueue:
    """Cases of one state; without one, all that wait for a verdict. Most pressing first."""
    return CaseQueue(cases=house.cases.queue(caller.organisation, in_state, limit))


@get(
    "/v1/cases/{case:str}",
    opt=by_key(Scope.CASES_READ),
    sync_to_thread=True,
    tags=["cases"],
    responses=_READ,
    operation_id="get_case",
)
def get_case(house: HouseGiven, caller: CallerGiven, case: CaseRef) -> CaseDetail:
    """One case: its items with findings and decisions, its verdicts and its timeline."""
    return house.cases.case(caller.organisation, case)


@post("/v1/cases/{case:str}/claim", operation_id="claim_case", opt=_WORK, **_STEP)
def claim(house: HouseGiven, caller: CallerGiven, case: CaseRef) -> CaseSummary:
    """Take an open case; of two members at once, one gets it."""
    return house.cases.claim(caller.organisation, caller.person, case)


@post("/v1/cases/{case:str}/release", operation_id="release_case", opt=_WORK, **_STEP)
def release(house: HouseGiven, caller: CallerGiven, case: CaseRef) -> CaseSummary:
    """Give a claimed case back to the queue."""
    return house.cases.release(caller.organisation, caller.person, case)


@post("/v1/cases/{case:str}/note", operation_id="note_case", opt=_WORK, **_STEP)
def note(
    house: HouseGiven, caller: CallerGiven, case: CaseRef, data: JSONBody[Note]
) -> CaseSummary:
    """Write a line into the case's timeline."""
    return house.cases.note(caller.organisation, caller.person, case, data.text)


@post("/v1/cases/{case:str}/danger", operation_id="mark_danger", opt=_WORK, **_STEP)
def danger(
    house: HouseGiven, caller: CallerGiven, case: CaseRef, data: JSONBody[Danger]
) -> CaseSummary:
    """Say that a child is in danger now: the case comes before all others and is due in an hour."""
    return house.cases.danger(caller.organisation, caller.person, case, data.why)


@post("/v1/cases/{case:str}/danger/over", operation_id="unmark_danger", opt=_WORK, **_STEP)
def danger_over(
    house: HouseGiven, caller: CallerGiven, case: CaseRef, data: JSONBody[Danger]
) -> CaseSummary:
    """Take that mark back, with a reason."""
    return house.cases.danger_over(caller.organisation, caller.person, case, data.why)


@post("/v1/cases/{case:str}/verdict", operation_id="judge_case", opt=_JUDGE, **_STEP)
def verdict(
    house: HouseGiven,
    caller: CallerGiven,
    metrics: MetricsGiven,
    case: CaseRef,
    data: JSONBody[NewVerdict],
) -> Verdict:
    """A named member's verdict. It acts here only; nothing leaves the organisation by it."""
    given = house.cases.verdict(caller.organisation, caller.person, case, data.outcome, data.reason)
    metrics.verdicts.labels(given.outcome.value).inc()
    return given


@post("/v1/cases/{case:str}/close", operation_id="close_case", opt=_WORK, **_STEP)
def close(house: HouseGiven, caller: CallerGiven, case: CaseRef) -> CaseSummary:
    """End the work on a decided case."""
    return house.cases.close(caller.organisation, caller.person, case)


ROUTES: list[HTTPRouteHandler] = [
    list_cases,
    get_case,
    claim,
    release,
    note,
    danger,
    danger_over,
    verdict,
    close,
]
