"""What waits for a second member, and what was answered."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta, Struct

from lapwing.confirm.records import Confirmation
from lapwing.model.permissions import Permission
from lapwing.web.console.pages import page
from lapwing.web.console.rendering import render
from lapwing.web.console.steps import PlainData
from lapwing.web.given import CallerGiven, HouseGiven

PATH = "/console/confirmations"
SAID = {
    "confirmed": "You have confirmed it. It is under way.",
    "refused": "You have refused it, and said why.",
    "withdrawn": "It is withdrawn. What had gone out is taken back the same way.",
}
LIMIT = 100

_PAGE = page(Permission.CASES_READ)
_CONFIRM = page(Permission.SHARE_CONFIRM, step_up=True, back=PATH)
_REFUSE = page(Permission.SHARE_CONFIRM, back=PATH)
_WITHDRAW = page(Permission.SHARE_PROPOSE, back=PATH)


class Why(Struct, frozen=True, kw_only=True):
    csrf: str
    why: Annotated[str, Meta(min_length=1, max_length=2_000)]


@get(PATH, name="console_confirmations", media_type=MediaType.HTML, **_PAGE)
def confirmations(house: HouseGiven, caller: CallerGiven, said: FromQuery[str] = "") -> str:
    """Proposals that wait, most pressing first, then the others, newest first."""
    with house.database.organisation(caller.organisation) as connection:
        waiting = house.confirmations.waiting(connection)
        latest = house.confirmations.latest(connection, LIMIT)
    known = {one.id for one in waiting}
    return render(
        "confirmations.html",
        house,
        caller,
        here="Second person",
        said=SAID.get(said, ""),
        waiting=waiting,
        answered=[one for one in latest if one.id not in known],
        kinds={name: kind.title for name, kind in house.confirmations.kinds.items()},
        names=house.members.names(caller.organisation),
        now=house.clock(),
        shown=_shown,
    )


@post(PATH + "/{confirmation:uuid}/confirm", name="console_confirm", **_CONFIRM)
def confirm(
    house: HouseGiven, caller: CallerGiven, confirmation: FromPath[UUID], data: PlainData
) -> Redirect:
    """Agree, as the second person."""
    with house.database.organisation(caller.organisation) as connection:
        house.confirmations.confirm(connection, caller.organisation, caller.here, confirmation)
    return _said("confirmed")


@post(PATH + "/{confirmation:uuid}/refuse", name="console_refuse", **_REFUSE)
def refuse(
    house: HouseGiven,
    caller: CallerGiven,
    confirmation: FromPath[UUID],
    data: URLEncodedBody[Why],
) -> Redirect:
    """Say no, with the reason."""
    with house.database.organisation(caller.organisation) as connection:
        house.confirmations.refuse(
            connection, caller.organisation, caller.person, confirmation, data.why
        )
    return _said("refused")


@post(PATH + "/{confirmation:uuid}/withdraw", name="console_withdraw", **_WITHDRAW)
def withdraw(
    house: HouseGiven,
    caller: CallerGiven,
    confirmation: FromPath[UUID],
    data: URLEncodedBody[Why],
) -> Redirect:
    """Take it back, before or after it was confirmed; one member is enough."""
    with house.database.organisation(caller.organisation) as connection:
        house.confirmations.withdraw(
            connection, caller.organisation, caller.person, confirmation, data.why
        )
    return _said("withdrawn")


def _shown(confirmation: Confirmation) -> str:
    """What was proposed, as both members read it."""
    return msgspec.json.format(msgspec.json.encode(confirmation.data), indent=2).decode()


def _said(what: str) -> Redirect:
    return Redirect(f"{PATH}?said={what}", status_code=303)


CONFIRMATIONS: list[HTTPRouteHandler] = [confirmations, confirm, refuse, withdraw]
