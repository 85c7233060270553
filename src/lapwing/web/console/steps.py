"""What a member does on a case page. Each is a form; the answer leads back to the page."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import post
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import Body, FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta, Struct

from lapwing.app import House
from lapwing.cases.service import MAX_DANGER
from lapwing.model.cases import CaseSummary, Outcome
from lapwing.model.permissions import Permission
from lapwing.web.console.pages import CaseNumber, page
from lapwing.web.given import CallerGiven, HouseGiven, MetricsGiven

UNASKED = 50
"""Uncovers within 24 hours after which a session left open is not enough for more."""

_WORK = page(Permission.CASES_WORK)
Words = Annotated[str, Meta(min_length=1, max_length=10_000)]


class Plain(Struct, frozen=True, kw_only=True):
    """A form that only carries its token, which the guard has checked."""

    csrf: str


class NoteForm(Struct, frozen=True, kw_only=True):
    csrf: str
    text: Words


class DangerForm(Struct, frozen=True, kw_only=True):
    csrf: str
    why: Annotated[str, Meta(min_length=1, max_length=MAX_DANGER)]


class VerdictForm(Struct, frozen=True, kw_only=True):
    csrf: str
    outcome: Outcome
    reason: Words


PlainData = Annotated[Plain, Body(media_type=RequestEncodingType.URL_ENCODED)]
NoteData = Annotated[NoteForm, Body(media_type=RequestEncodingType.URL_ENCODED)]
VerdictData = Annotated[VerdictForm, Body(media_type=RequestEncodingType.URL_ENCODED)]


def _back(case: CaseSummary, said: str) -> Redirect:
    return Redirect(f"/console/cases/{case.number}?said={said}", status_code=303)


def _summary(house: House, organisation: UUID, case: UUID | str) -> CaseSummary:
    return house.cases.case(organisation, case, items=1, related=1).summary


@post("/console/cases/{case:str}/claim", name="console_claim", **_WORK)
def claim(house: HouseGiven, caller: CallerGiven, case: CaseNumber, data: PlainData) -> Redirect:
    """Take the case."""
    return _back(house.cases.claim(caller.organisation, caller.person, case), "claimed")


@post("/console/cases/{case:str}/release", name="console_release", **_WORK)
def release(house: HouseGiven, caller: CallerGiven, case: CaseNumber, data: PlainData) -> Redirect:
    """Give the case back."""
    return _back(house.cases.release(caller.organisation, caller.person, case), "released")


@post("/console/cases/{case:str}/note", name="console_note", **_WORK)
def note(house: HouseGiven, caller: CallerGiven, case: CaseNumber, data: NoteData) -> Redirect:
    """Write a note."""
    return _back(house.cases.note(caller.organisation, caller.person, case, data.text), "noted")


@post("/console/cases/{case:str}/danger", name="console_danger", **_WORK)
def danger(
    house: HouseGiven, caller: CallerGiven, case: CaseNumber, data: URLEncodedBody[DangerForm]
) -> Redirect:
    """Say that a child is in danger now."""
    return _back(house.cases.danger(caller.organisation, caller.person, case, data.why), "danger")


@post("/console/cases/{case:str}/danger/over", name="console_danger_over", **_WORK)
def danger_over(
    house: HouseGiven, caller: CallerGiven, case: CaseNumber, data: URLEncodedBody[DangerForm]
) -> Redirect:
    """Take that back."""
    marked = house.cases.danger_over(caller.organisation, caller.person, case, data.why)
    return _back(marked, "danger_over")


@post(
    "/console/cases/{case:str}/verdict",
    name="console_verdict",
    **page(Permission.CASES_DECIDE),
)
def verdict(
    house: HouseGiven,
    caller: CallerGiven,
    metrics: MetricsGiven,
    case: CaseNumber,
    data: VerdictData,
) -> Redirect:
    """Give a verdict under one's own name."""
    given = house.cases.verdict(caller.organisation, caller.person, case, data.outcome, data.reason)
    metrics.verdicts.labels(given.outcome.value).inc()
    return _back(_summary(house, caller.organisation, given.case), "decided")


@post("/console/cases/{case:str}/close", name="console_close", **_WORK)
def close(house: HouseGiven, caller: CallerGiven, case: CaseNumber, data: PlainData) -> Redirect:
    """End the work on a decided case."""
    return _back(house.cases.close(caller.organisation, caller.person, case), "closed")


@post(
    "/console/cases/{case:str}/objects/{object_id:uuid}/uncover",
    name="console_uncover",
    **page(Permission.CONTENT_UNCOVER, back=3),
)
def uncover(
    house: HouseGiven,
    caller: CallerGiven,
    case: CaseNumber,
    object_id: FromPath[UUID],
    data: PlainData,
) -> Redirect:
    """Lift the cover of one object for a short time; the ledger records who and when.

    After UNASKED of them within a day the member has to show that it is still them.
    """
    member = caller.person
    found = _summary(house, caller.organisation, case)
    with house.database.organisation(caller.organisation) as connection:
        if house.vault.looks(connection, caller.organisation, member) >= UNASKED:
            caller.here.require_step_up(house.clock())
        house.vault.uncover(connection, caller.organisation, member, object_id)
    return Redirect(
        f"/console/cases/{found.number}?uncovered={object_id}#object-{object_id}",
        status_code=303,
    )


STEPS: list[HTTPRouteHandler] = [
    claim,
    release,
    note,
    danger,
    danger_over,
    verdict,
    close,
    uncover,
]
