"""Signing in with a one-time link, and out again.

Opening the link only shows a button: mail scanners and link previews open links too, and must not
use one up. The token stays out of logs (routes are logged, not their queries) and out of `Referer`.
"""

from __future__ import annotations

from html import escape
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta, Struct

from lapwing.members.attempts import LINKS
from lapwing.model.errors import NotAllowed
from lapwing.web.authority import NONCE, PUBLIC, by_member
from lapwing.web.frame import PAGE_POLICY
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.origins import client_of
from lapwing.web.problems import SIGN_IN_PATH, Problem
from lapwing.web.sessions import no_session_cookie, session_cookie

AFTER_SIGN_IN = "/console"
SIGN_OUT_PATH = "/console/sign-out"

Token = Annotated[str, Meta(max_length=100)]


class SignIn(Struct, frozen=True, kw_only=True):
    token: Token


def page(title: str, body: str, *, script: str = "") -> str:
    """A bare page; `body` and `script` are HTML whose values have been escaped."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<link rel="stylesheet" href="/static/console.css">'
        '<link rel="icon" href="/static/lapwing.svg">'
        f"<title>{escape(title)} · Lapwing</title>{script}</head>"
        '<body><main><div class="card sheet">'
        f'<p class="hint">Lapwing</p><h1>{escape(title)}</h1>{body}</div></main></body></html>'
    )


def refusal_page(request: Request[Any, Any, Any], status: int, problem: Problem) -> str:
    """What a page answers instead when it is refused."""
    said = f"{problem.message[:1].upper()}{problem.message[1:]}."
    ways = [(AFTER_SIGN_IN, "To the cases")]
    if status in (401, 403):
        ways.append((SIGN_IN_PATH, "Sign in"))
    links = " ".join(f'<a class="button plain" href="{to}">{name}</a>' for to, name in ways)
    return page("That did not work", f"<p>{escape(said)}</p><p>{links}</p>")


_PAGE: dict[str, Any] = {"page": refusal_page, "policy": PAGE_POLICY}


@get("/", opt=PUBLIC | _PAGE, sync_to_thread=False, include_in_schema=False, name="front")
def front() -> Redirect:
    """The bare address leads members to their pages."""
    return Redirect(AFTER_SIGN_IN, status_code=303)


@get(
    SIGN_IN_PATH,
    opt=PUBLIC | _PAGE,
    sync_to_thread=False,
    include_in_schema=False,
    media_type=MediaType.HTML,
    name="sign_in_help",
)
def sign_in_help(house: HouseGiven) -> str:
    """The ways in: a passkey, a one-time link, a recovery code."""
    return page("Sign in", _ways(house.settings.public_origin), script=_SCRIPT)


_SCRIPT = '<script src="/static/passkeys.js" defer></script>'


def _ways(origin: str) -> str:
    """The passkey's form is shown by its script, where the browser knows passkeys."""
    return (
        f'<form data-passkey="sign-in" data-origin="{escape(origin)}" '
        f'data-options="{SIGN_IN_PATH}/passkey/options" data-answer="{SIGN_IN_PATH}/passkey" '
        'hidden><button type="submit">Sign in with a passkey</button>'
        '<p class="hint" data-said role="status"></p></form>'
        "<p>Or open the one-time link that Lapwing printed for you. "
        "Whoever runs this server can print another: <code>lapwing sign-in NAME --link</code></p>"
        "<details><summary>I have lost my passkeys</summary>"
        f'<form method="post" action="{SIGN_IN_PATH}/recovery">'
        '<label for="code">Recovery code</label><input id="code" name="code" required '
        'maxlength="100" autocomplete="one-time-code" autocapitalize="characters" '
        'spellcheck="false"><button class="plain" type="submit">Use the code</button>'
        "</form></details>"
    )


@get(
    SIGN_IN_PATH + "/{token:str}",
    opt=PUBLIC | _PAGE,
    sync_to_thread=False,
    include_in_schema=False,
    media_type=MediaType.HTML,
    name="sign_in_page",
)
def sign_in_page(token: Annotated[str, PathParameter(max_length=100)]) -> str:
    """The page a one-time link leads to."""
    return page(
        "Sign in",
        f'<form method="post" action="{SIGN_IN_PATH}">'
        f'<input type="hidden" name="token" value="{escape(token)}">'
        '<button type="submit" autofocus>Sign in</button></form>'
        "<p>The link works once.</p>",
    )


@post(
    SIGN_IN_PATH,
    opt=NONCE | _PAGE,
    sync_to_thread=True,
    include_in_schema=False,
    name="sign_in",
)
def sign_in(
    request: Request[Any, Any, Any],
    house: HouseGiven,
    data: URLEncodedBody[SignIn],
) -> Redirect:
    """Use the link up and start a session."""
    session_cookie(request, "")  # refuses plain http before the link is used up
    try:
        _, session = house.members.sign_in(data.token)
    except NotAllowed:
        house.attempts.spend(LINKS, client_of(request))
        raise
    return Redirect(AFTER_SIGN_IN, status_code=303, cookies=[session_cookie(request, session)])


@post(
    SIGN_OUT_PATH,
    opt=by_member(None) | _PAGE,
    sync_to_thread=True,
    include_in_schema=False,
    name="sign_out",
)
def sign_out(
    request: Request[Any, Any, Any], house: HouseGiven, caller: CallerGiven
) -> Response[None]:
    """End the session, here and in the browser."""
    if caller.session is None or not house.members.sign_out(caller.session):
        raise NotAllowed("this session has ended already")
    return Redirect(SIGN_IN_PATH, status_code=303, cookies=[no_session_cookie(request)])


def sign_in_routes() -> list[HTTPRouteHandler]:
    return [front, sign_in_help, sign_in_page, sign_in, sign_out]
