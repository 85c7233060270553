"""Ways of showing who one is, besides the one-time link: a passkey or a recovery code.

Signing in by either of them, and stepping up: showing again, in a session that runs, that it is
still the member who sits there. A stranger's attempts are counted by client; a member's are not.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta, Struct

from lapwing.members.attempts import PASSKEYS, RECOVERY, RECOVERY_OF_ALL
from lapwing.model.errors import NotAllowed
from lapwing.web.authority import NONCE, PUBLIC, by_member
from lapwing.web.console.rendering import render
from lapwing.web.frame import PAGE_POLICY
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.origins import client_of, same_origin
from lapwing.web.problems import SIGN_IN_PATH, STEP_UP_PATH
from lapwing.web.sessions import session_cookie
from lapwing.web.sign_in import AFTER_SIGN_IN, refusal_page

AnyRequest = Request[Any, Any, Any]
Code = Annotated[str, Meta(max_length=100)]
Next = Annotated[str, Meta(max_length=200)]
NextAsked = Annotated[str, QueryParameter(name="next", max_length=200)]

_OWN_PAGE = re.compile(r"/console(/[A-Za-z0-9._~-]+)*")
_PAGE: dict[str, Any] = {"page": refusal_page, "policy": PAGE_POLICY}
_JSON: dict[str, Any] = {"sync_to_thread": True, "include_in_schema": False, "status_code": 200}
_FORM: dict[str, Any] = {"sync_to_thread": True, "include_in_schema": False}


class Answered(Struct, frozen=True, kw_only=True):
    """What the browser's passkey answered, as `PublicKeyCredential.toJSON()` writes it."""

    credential: dict[str, Any]
    next: Next = ""


class Onward(Struct, frozen=True, kw_only=True):
    next: str


class Recovering(Struct, frozen=True, kw_only=True):
    code: Code


class SteppingUp(Struct, frozen=True, kw_only=True):
    csrf: str
    code: Code
    next: Next = ""


def own_page(path: str) -> str:
    """The path, where it is one of our own pages; the first page otherwise."""
    return path if _OWN_PAGE.fullmatch(path) else AFTER_SIGN_IN


@post(SIGN_IN_PATH + "/passkey/options", opt=PUBLIC, name="sign_in_options", **_JSON)
def sign_in_options(request: AnyRequest, house: HouseGiven) -> dict[str, Any]:
    """A challenge for whichever passkey the browser has for this address."""
    if not same_origin(request, unsaid=False):
        raise NotAllowed("this request was sent from another site")
    session_cookie(request, "")  # refuses plain http before anything is asked
    house.attempts.spend(PASSKEYS, client_of(request))
    return house.members.begin_sign_in()


@post(SIGN_IN_PATH + "/passkey", opt=NONCE, name="sign_in_passkey", **_JSON)
def sign_in_passkey(
    request: AnyRequest, house: HouseGiven, data: JSONBody[Answered]
) -> Response[Onward]:
    """Start a session for the owner of the passkey that signed the challenge.

    Attempts were counted when the challenge was given: each takes one, and uses it up.
    """
    session_cookie(request, "")
    _, session = house.members.sign_in_with_passkey(data.credential)
    return Response(Onward(next=AFTER_SIGN_IN), cookies=[session_cookie(request, session)])


@post(SIGN_IN_PATH + "/recovery", opt=NONCE | _PAGE, name="sign_in_recovery", **_FORM)
def sign_in_recovery(
    request: AnyRequest, house: HouseGiven, data: URLEncodedBody[Recovering]
) -> Redirect:
    """Use a recovery code up and start a session."""
    session_cookie(request, "")
    house.attempts.spend(RECOVERY, client_of(request))
    house.attempts.spend(RECOVERY_OF_ALL, "")
    _, session = house.members.sign_in_with_recovery(data.code)
    return Redirect("/console/account", status_code=303, cookies=[session_cookie(request, session)])


@get(
    STEP_UP_PATH,
    opt=by_member(None) | _PAGE,
    media_type=MediaType.HTML,
    name="step_up",
    **_FORM,
)
def step_up(house: HouseGiven, caller: CallerGiven, onward: NextAsked = "") -> str:
    """Where a member shows again that it is them, before something that needs it."""
    member = caller.person
    return render(
        "step_up.html",
        house,
        caller,
        here="",
        next=own_page(onward),
        passkeys=house.members.passkeys(caller.organisation, member.id),
        codes_left=house.members.recovery_codes_left(caller.organisation, member.id),
        origin=house.settings.public_origin,
    )


@post(STEP_UP_PATH + "/options", opt=by_member(None), name="step_up_options", **_JSON)
def step_up_options(house: HouseGiven, caller: CallerGiven) -> dict[str, Any]:
    """A challenge for one of the member's own passkeys."""
    return house.members.begin_step_up(caller.here)


@post(STEP_UP_PATH + "/passkey", opt=by_member(None), name="step_up_passkey", **_JSON)
def step_up_passkey(house: HouseGiven, caller: CallerGiven, data: JSONBody[Answered]) -> Onward:
    """Ten minutes for what needs the member in person."""
    house.members.step_up_with_passkey(caller.here, data.credential)
    return Onward(next=own_page(data.next))


@post(STEP_UP_PATH + "/recovery", opt=by_member(None) | _PAGE, name="step_up_recovery", **_FORM)
def step_up_recovery(
    house: HouseGiven, caller: CallerGiven, data: URLEncodedBody[SteppingUp]
) -> Redirect:
    """Step up with a recovery code, which is used up by it."""
    house.members.step_up_with_recovery(caller.here, data.code)
    return Redirect(own_page(data.next), status_code=303)


WAYS: list[HTTPRouteHandler] = [
    sign_in_options,
    sign_in_passkey,
    sign_in_recovery,
    step_up,
    step_up_options,
    step_up_passkey,
    step_up_recovery,
]
