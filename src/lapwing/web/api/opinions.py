"""Opinions on indicators and quarantine. Judgements, so for members in person only, never a key."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from lapwing.bank.hosted_rows import ProbingFinding
from lapwing.bank.opinion_records import Opinion, Says
from lapwing.bank.quarantine_records import Quarantined
from lapwing.model.permissions import Permission
from lapwing.web.authority import by_member
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.problems import REFUSALS

_BIGINT = 2**63 - 1
Words = Annotated[str, Meta(min_length=1, max_length=500)]
_READ = {code: REFUSALS[code] for code in (400, 401, 403, 404)}
_STEP: dict[str, Any] = {
    "sync_to_thread": True,
    "status_code": 200,
    "tags": ["opinions"],
    "responses": _READ | {409: REFUSALS[409]},
}
_LOOK: dict[str, Any] = {"sync_to_thread": True, "tags": ["opinions"], "responses": _READ}
Number = FromPath[Annotated[int, Meta(ge=1, le=_BIGINT)]]


class NewOpinion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One's own, or with `partner` what a partner says, which takes `bank.write`."""

    says: Says
    why: Words
    partner: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


class Why(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    why: Words


class GivenOpinions(Struct, frozen=True, kw_only=True):
    opinions: list[Opinion]


class QuarantinedIndicators(Struct, frozen=True, kw_only=True):
    """Those that wait for a person first."""

    quarantined: list[Quarantined]


class ProbingFindings(Struct, frozen=True, kw_only=True):
    findings: list[ProbingFinding]


@get(
    "/v1/indicators/{indicator:int}/opinions",
    opt=by_member(Permission.BANK_READ),
    operation_id="list_opinions",
    **_LOOK,
)
def opinions(house: HouseGiven, caller: CallerGiven, indicator: Number) -> GivenOpinions:
    """What was said of an indicator, retracted opinions too."""
    house.bank.indicator(caller.organisation, indicator)
    return GivenOpinions(opinions=house.opinions.of(caller.organisation, indicator))


@post(
    "/v1/indicators/{indicator:int}/opinions",
    opt=by_member(Permission.CASES_WORK),
    operation_id="give_opinion",
    **_STEP,
)
def give(
    house: HouseGiven, caller: CallerGiven, indicator: Number, data: JSONBody[NewOpinion]
) -> Opinion:
    """Say that an indicator is right, wrong, or should be looked at. Acts on the next match."""
    return house.opinions.give(
        caller.organisation, caller.person, indicator, data.says, data.why, data.partner
    )


@post(
    "/v1/opinions/{opinion:uuid}/retract",
    opt=by_member(Permission.CASES_WORK),
    operation_id="retract_opinion",
    **_STEP,
)
def retract(
    house: HouseGiven, caller: CallerGiven, opinion: FromPath[UUID], data: JSONBody[Why]
) -> Opinion:
    """Take an opinion back."""
    return house.opinions.retract(caller.organisation, caller.person, opinion, data.why)


@get(
    "/v1/quarantine",
    opt=by_member(Permission.BANK_READ),
    operation_id="list_quarantine",
    **_LOOK,
)
def quarantine(house: HouseGiven, caller: CallerGiven) -> QuarantinedIndicators:
    """Indicators that count for less, because of a flood or a dispute."""
    return QuarantinedIndicators(quarantined=house.quarantine.acting(caller.organisation))


@post(
    "/v1/quarantine/{quarantine_id:uuid}/release",
    opt=by_member(Permission.CASES_DECIDE),
    operation_id="release_quarantine",
    **_STEP,
)
def release(
    house: HouseGiven, caller: CallerGiven, quarantine_id: FromPath[UUID], data: JSONBody[Why]
) -> Quarantined:
    """Let an indicator count in full again."""
    return house.quarantine.release(caller.organisation, caller.person, quarantine_id, data.why)


@post(
    "/v1/quarantine/{quarantine_id:uuid}/confirm",
    opt=by_member(Permission.CASES_DECIDE),
    operation_id="confirm_quarantine",
    **_STEP,
)
def confirm(
    house: HouseGiven, caller: CallerGiven, quarantine_id: FromPath[UUID], data: JSONBody[Why]
) -> Quarantined:
    """Say that an indicator is rightly quarantined."""
    return house.quarantine.confirm(caller.organisation, caller.person, quarantine_id, data.why)


@get(
    "/v1/hosted/findings",
    opt=by_member(Permission.KEYS_MANAGE),
    operation_id="list_probing",
    **_LOOK,
)
def probing(house: HouseGiven, caller: CallerGiven) -> ProbingFindings:
    """Questions of hosted callers that looked like probing, newest first."""
    return ProbingFindings(findings=house.hosted.findings(caller.organisation))


@post(
    "/v1/hosted/findings/{finding:uuid}/seen",
    opt=by_member(Permission.KEYS_MANAGE),
    operation_id="see_probing",
    **_STEP,
)
def seen(
    house: HouseGiven, caller: CallerGiven, finding: FromPath[UUID], data: JSONBody[Why]
) -> ProbingFinding:
    """Note that a person has looked at it."""
    return house.hosted.acknowledge(caller.organisation, caller.person, finding, data.why)


ROUTES: list[HTTPRouteHandler] = [
    opinions,
    give,
    retract,
    quarantine,
    release,
    confirm,
    probing,
    seen,
]
