"""A member's own account: passkeys, recovery codes, sessions and tokens. Nobody else's."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import get, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta, Struct

from lapwing.app import House
from lapwing.members.records import SessionKind
from lapwing.members.sessions import MAX_TOKEN_DAYS
from lapwing.web.authority import by_member
from lapwing.web.callers import Caller
from lapwing.web.console.pages import page
from lapwing.web.console.rendering import render
from lapwing.web.console.steps import PlainData
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.ways import Onward

PATH = "/console/account"
SAID = {
    "passkey": "The passkey is yours now. Sign in with it from now on.",
    "removed": "The passkey is removed; it signs nobody in any more.",
    "ended": "That session has ended.",
    "revoked": "The token is revoked.",
    "everywhere": "You are signed out everywhere but here, and your tokens are revoked.",
}

_PAGE = page(None, back=PATH)
_SURE = page(None, step_up=True, back=PATH)
_JSON: dict[str, Any] = {
    "opt": by_member(None, step_up=True),
    "sync_to_thread": True,
    "include_in_schema": False,
    "status_code": 200,
}

Name = Annotated[str, Meta(min_length=1, max_length=100)]


class NewPasskey(Struct, frozen=True, kw_only=True):
    name: Name
    credential: dict[str, Any]


class NewToken(Struct, frozen=True, kw_only=True):
    csrf: str
    name: Name
    days: Annotated[int, Meta(ge=1, le=MAX_TOKEN_DAYS)] = MAX_TOKEN_DAYS


@get(PATH, name="console_account", media_type=MediaType.HTML, **_PAGE)
def account(house: HouseGiven, caller: CallerGiven, said: FromQuery[str] = "") -> str:
    """What the member can sign in with, and where they are signed in."""
    return show(house, caller, said=SAID.get(said, ""))


@post(PATH + "/passkeys/options", name="passkey_options", **_JSON)
def passkey_options(house: HouseGiven, caller: CallerGiven) -> dict[str, Any]:
    """What the browser is asked to make a passkey for."""
    return house.members.begin_registration(caller.here)


@post(PATH + "/passkeys", name="add_passkey", **_JSON)
def add_passkey(house: HouseGiven, caller: CallerGiven, data: JSONBody[NewPasskey]) -> Onward:
    """Keep the public key of a new passkey."""
    house.members.finish_registration(caller.here, data.name, data.credential)
    return Onward(next=f"{PATH}?said=passkey")


@post(PATH + "/passkeys/{passkey:uuid}/remove", name="remove_passkey", **_SURE)
def remove_passkey(
    house: HouseGiven, caller: CallerGiven, passkey: FromPath[UUID], data: PlainData
) -> Redirect:
    """Take a passkey out of use."""
    house.members.remove_passkey(caller.here, passkey)
    return _said("removed")


@post(PATH + "/recovery", name="make_recovery_codes", media_type=MediaType.HTML, **_SURE)
def make_recovery_codes(house: HouseGiven, caller: CallerGiven, data: PlainData) -> str:
    """New recovery codes, shown this once; the old ones end."""
    codes = house.members.make_recovery_codes(caller.here)
    return show(house, caller, codes=codes)


@post(PATH + "/tokens", name="make_token", media_type=MediaType.HTML, **_SURE)
def make_token(house: HouseGiven, caller: CallerGiven, data: URLEncodedBody[NewToken]) -> str:
    """A token for the command line, shown this once."""
    made, secret = house.members.create_token(caller.here, data.name, data.days)
    return show(house, caller, token=secret, token_name=made.name)


@post(PATH + "/sessions/{session:uuid}/end", name="end_session", **_PAGE)
def end_session(
    house: HouseGiven, caller: CallerGiven, session: FromPath[UUID], data: PlainData
) -> Redirect:
    """End one session or token. Needs no step-up: stopping is never made hard."""
    ended = house.members.end_session(caller.here, session)
    return _said("revoked" if ended.kind is SessionKind.TOKEN else "ended")


@post(PATH + "/sessions/end-others", name="end_other_sessions", **_PAGE)
def end_other_sessions(house: HouseGiven, caller: CallerGiven, data: PlainData) -> Redirect:
    """Sign out everywhere but here."""
    house.members.end_other_sessions(caller.here)
    return _said("everywhere")


def show(
    house: House,
    caller: Caller,
    *,
    said: str = "",
    codes: tuple[str, ...] = (),
    token: str | None = None,
    token_name: str | None = None,
) -> str:
    """The page, with what is shown this once."""
    here = caller.here
    running = house.members.sessions(caller.organisation, here.member.id)
    return render(
        "account.html",
        house,
        caller,
        here="Account",
        said=said,
        passkeys=house.members.passkeys(caller.organisation, here.member.id),
        codes_left=house.members.recovery_codes_left(caller.organisation, here.member.id),
        sessions=[one for one in running if one.kind is SessionKind.BROWSER],
        tokens=[one for one in running if one.kind is SessionKind.TOKEN],
        current=here.session.id,
        sure=here.stepped_up(house.clock()),
        codes=codes,
        token=token,
        token_name=token_name,
        most_days=MAX_TOKEN_DAYS,
        permissions=sorted(here.member.permissions),
        origin=house.settings.public_origin,
    )


def _said(what: str) -> Redirect:
    return Redirect(f"{PATH}?said={what}", status_code=303)


ACCOUNT: list[HTTPRouteHandler] = [
    account,
    passkey_options,
    add_passkey,
    remove_passkey,
    make_recovery_codes,
    make_token,
    end_session,
    end_other_sessions,
]
