"""The organisation's members, for those who manage them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta, Struct

from lapwing.app import House
from lapwing.model.organisations import Role
from lapwing.model.permissions import BY_ROLE, Permission
from lapwing.web.callers import Caller
from lapwing.web.console.pages import page
from lapwing.web.console.rendering import render
from lapwing.web.console.steps import PlainData
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.problems import SIGN_IN_PATH

PATH = "/console/members"
SAID = {
    "added": "The member is added. Make a one-time link, so that they can sign in.",
    "changed": "What that member may do is changed.",
    "disabled": "That member is shut out; their sessions, tokens and links have ended.",
}
ROLE_WORDS = {
    Role.ADMIN: "manages members and keys, and may do everything else",
    Role.REVIEWER: "judges cases, files reports, confirms as a second person",
    Role.ANALYST: "prepares cases and keeps lists",
}

_PAGE = page(Permission.MEMBERS_MANAGE)
_SURE = page(Permission.MEMBERS_MANAGE, step_up=True, back=PATH)

Name = Annotated[str, Meta(min_length=1, max_length=100)]


class NewMember(Struct, frozen=True, kw_only=True):
    csrf: str
    name: Name
    role: Role


class Permitted(Struct, frozen=True, kw_only=True):
    """`may` is every permission that is ticked; what differs from the role is kept by name."""

    csrf: str
    role: Role
    may: list[Permission] = []


@get(PATH, name="console_members", media_type=MediaType.HTML, **_PAGE)
def members(house: HouseGiven, caller: CallerGiven, said: FromQuery[str] = "") -> str:
    """Who is here, and what each may do."""
    return _show(house, caller, said=SAID.get(said, ""))


@post(PATH, name="console_add_member", **_SURE)
def add_member(house: HouseGiven, caller: CallerGiven, data: URLEncodedBody[NewMember]) -> Redirect:
    """Add a member, who cannot sign in before there is a link."""
    house.members.add_member(caller.organisation, data.name, data.role, caller.actor)
    return _said("added")


@post(PATH + "/{member:uuid}/permissions", name="console_permit", **_SURE)
def permit(
    house: HouseGiven,
    caller: CallerGiven,
    member: FromPath[UUID],
    data: URLEncodedBody[Permitted],
) -> Redirect:
    """Another role, or more or less than the role gives."""
    ticked = frozenset(data.may)
    known = house.members.member(caller.organisation, member)
    if data.role is not known.role and ticked == known.permissions:
        ticked = BY_ROLE[data.role]  # only the role was changed: then it says what follows
    house.members.permit(
        caller.organisation,
        caller.actor,
        member,
        role=data.role,
        granted=ticked - BY_ROLE[data.role],
        denied=BY_ROLE[data.role] - ticked,
    )
    return _said("changed")


@post(PATH + "/{member:uuid}/disable", name="console_disable_member", **_SURE)
def disable(
    house: HouseGiven, caller: CallerGiven, member: FromPath[UUID], data: PlainData
) -> Redirect:
    """Shut a member out, at once."""
    house.members.disable_member(caller.organisation, caller.actor, member)
    return _said("disabled")


@post(PATH + "/{member:uuid}/link", name="console_link", media_type=MediaType.HTML, **_SURE)
def link(
    house: HouseGiven,
    caller: CallerGiven,
    member: FromPath[UUID],
    data: PlainData,
) -> str:
    """A one-time link to hand over, shown this once; the ledger names who made it."""
    token = house.members.sign_in_link(caller.organisation, member, actor=caller.actor)
    return _show(
        house,
        caller,
        link=f"{house.settings.public_origin}{SIGN_IN_PATH}/{token}",
        of=house.members.member(caller.organisation, member).name,
    )


def _show(
    house: House, caller: Caller, *, said: str = "", link: str | None = None, of: str = ""
) -> str:
    return render(
        "members.html",
        house,
        caller,
        here="Members",
        said=said,
        members=house.members.members(caller.organisation),
        passkeys=house.members.passkey_counts(caller.organisation),
        link=link,
        of=of,
        roles=ROLE_WORDS,
        permissions=tuple(Permission),
        mine=caller.person.id,
        origin=house.settings.public_origin,
    )


def _said(what: str) -> Redirect:
    return Redirect(f"{PATH}?said={what}", status_code=303)


PEOPLE: list[HTTPRouteHandler] = [members, add_member, permit, disable, link]
