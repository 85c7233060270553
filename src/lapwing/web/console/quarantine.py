"""One entry with what people say of it, and what is quarantined until a person has decided."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta, Struct

from lapwing.bank.opinion_records import Says
from lapwing.model.permissions import Permission
from lapwing.web.console.pages import page
from lapwing.web.console.rendering import render
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.overriding import propose

PATH = "/console/quarantine"
SAID = {
    "released": "It is released, and counts in full again.",
    "confirmed": "It stays quarantined.",
    "seen": "It is noted that you have looked.",
    "given": "Your opinion is kept, and acts on the next match.",
    "retracted": "The opinion is taken back.",
    "proposed": "It is proposed. Another member confirms it under Second person.",
}
SAYS_WORDS = {
    Says.TRUE: ("True", "It is what its list says."),
    Says.FALSE: ("False", "It should not be listed."),
    Says.INVESTIGATE: ("Investigate", "Somebody should look. Changes nothing by itself."),
}
CAUSE_WORDS = {
    "flood": "matches far above its history; nothing is removed for it, only held",
    "dispute": "disputed; it asks for a review at most",
}
PATTERN_WORDS = {
    "variants": "very many variations of one picture",
    "straddling": "many that match beside many that do not",
}

_PAGE = page(Permission.BANK_READ)
_DECIDE = page(Permission.CASES_DECIDE, back=PATH)
_MANAGE = page(Permission.KEYS_MANAGE, back=PATH)
_SAY = page(Permission.CASES_WORK)
_PROPOSE = page(Permission.BANK_WRITE)
Words = Annotated[str, Meta(min_length=1, max_length=500)]
Number = FromPath[Annotated[int, Meta(ge=1, le=2**63 - 1)]]


class WhyForm(Struct, frozen=True, kw_only=True):
    csrf: str
    why: Words


class OpinionForm(Struct, frozen=True, kw_only=True):
    csrf: str
    says: Says
    why: Words
    partner: Annotated[str, Meta(max_length=500)] = ""


class RetractForm(WhyForm, frozen=True, kw_only=True):
    indicator: Annotated[int, Meta(ge=1, le=2**63 - 1)]


class OverrideForm(Struct, frozen=True, kw_only=True):
    csrf: str
    basis: Words
    category: Words


@get(PATH, name="console_quarantine", media_type=MediaType.HTML, **_PAGE)
def quarantine(house: HouseGiven, caller: CallerGiven, said: FromQuery[str] = "") -> str:
    """What counts for less, that which waits for a person first; and what hosted callers tried."""
    acting = house.quarantine.acting(caller.organisation)
    manages = caller.person.may(Permission.KEYS_MANAGE)
    return render(
        "quarantine.html",
        house,
        caller,
        here="Lists",
        said=SAID.get(said, ""),
        waiting=[one for one in acting if one.waits],
        confirmed=[one for one in acting if not one.waits],
        released=house.quarantine.answered(caller.organisation),
        probing=house.hosted.findings(caller.organisation) if manages else [],
        names=house.members.names(caller.organisation),
        causes=CAUSE_WORDS,
        patterns=PATTERN_WORDS,
    )


@post(PATH + "/{quarantine_id:uuid}/release", name="console_release_quarantine", **_DECIDE)
def release(
    house: HouseGiven,
    caller: CallerGiven,
    quarantine_id: FromPath[UUID],
    data: URLEncodedBody[WhyForm],
) -> Redirect:
    """Let it count in full again."""
    house.quarantine.release(caller.organisation, caller.person, quarantine_id, data.why)
    return Redirect(f"{PATH}?said=released", status_code=303)


@post(PATH + "/{quarantine_id:uuid}/confirm", name="console_confirm_quarantine", **_DECIDE)
def confirm(
    house: HouseGiven,
    caller: CallerGiven,
    quarantine_id: FromPath[UUID],
    data: URLEncodedBody[WhyForm],
) -> Redirect:
    """Say that it is rightly quarantined."""
    house.quarantine.confirm(caller.organisation, caller.person, quarantine_id, data.why)
    return Redirect(f"{PATH}?said=confirmed", status_code=303)


@post(PATH + "/probing/{finding:uuid}/seen", name="console_see_probing", **_MANAGE)
def seen(
    house: HouseGiven, caller: CallerGiven, finding: FromPath[UUID], data: URLEncodedBody[WhyForm]
) -> Redirect:
    """Note that a person has looked at it."""
    house.hosted.acknowledge(caller.organisation, caller.person, finding, data.why)
    return Redirect(f"{PATH}?said=seen", status_code=303)


@get(
    "/console/indicators/{indicator:int}",
    name="console_indicator",
    media_type=MediaType.HTML,
    **_PAGE,
)
def entry(
    house: HouseGiven, caller: CallerGiven, indicator: Number, said: FromQuery[str] = ""
) -> str:
    """One entry, and what people say of it."""
    found = house.bank.indicator(caller.organisation, indicator)
    acting = house.quarantine.acting(caller.organisation)
    return render(
        "indicator.html",
        house,
        caller,
        here="Lists",
        said=SAID.get(said, ""),
        entry=found,
        list=house.bank.list_named(caller.organisation, found.list),
        opinions=house.opinions.of(caller.organisation, indicator),
        quarantined=[one for one in acting if one.indicator == indicator],
        confirmed=house.bank.overridden(caller.organisation, found),
        names=house.members.names(caller.organisation),
        says=SAYS_WORDS,
        causes=CAUSE_WORDS,
    )


@post("/console/indicators/{indicator:int}/opinions", name="console_give_opinion", **_SAY)
def give(
    house: HouseGiven, caller: CallerGiven, indicator: Number, data: URLEncodedBody[OpinionForm]
) -> Redirect:
    """Say something of an entry, for oneself or for a partner."""
    partner = data.partner.strip() or None
    house.opinions.give(caller.organisation, caller.person, indicator, data.says, data.why, partner)
    return Redirect(f"/console/indicators/{indicator}?said=given", status_code=303)


@post("/console/opinions/{opinion:uuid}/retract", name="console_retract_opinion", **_SAY)
def retract(
    house: HouseGiven,
    caller: CallerGiven,
    opinion: FromPath[UUID],
    data: URLEncodedBody[RetractForm],
) -> Redirect:
    """Take an opinion back."""
    house.opinions.retract(caller.organisation, caller.person, opinion, data.why)
    return Redirect(f"/console/indicators/{data.indicator}?said=retracted", status_code=303)


@post("/console/indicators/{indicator:int}/override", name="console_propose_override", **_PROPOSE)
def override(
    house: HouseGiven, caller: CallerGiven, indicator: Number, data: URLEncodedBody[OverrideForm]
) -> Redirect:
    """Propose that an allow entry beats verified lists."""
    found = house.bank.indicator(caller.organisation, indicator)
    propose(
        house,
        caller.organisation,
        caller.person,
        found.list,
        indicator,
        data.basis,
        data.category,
    )
    return Redirect(f"/console/indicators/{indicator}?said=proposed", status_code=303)


QUARANTINE: list[HTTPRouteHandler] = [
    quarantine,
    release,
    confirm,
    seen,
    entry,
    give,
    retract,
    override,
]
