"""Authority: every route declares who may call it, and one guard holds it to that.

`opt={"authority": …}` is one of:

| authority | who may call | further keys of `opt` |
|---|---|---|
| `api_key` | an API key with `scope`, or a member with the permission of that name | `scope` |
| `member` | a member in person: session cookie, or session or token as bearer | `permission` |
| `nonce` | whoever holds a one-time token; the route consumes it | |
| `loopback` | this machine only: loopback peer, loopback host name, no proxy in between | |
| `public` | everyone | |

`scope` and `permission` may be None: any key, any member. `step_up` asks a member to have shown
within ten minutes that it is them. A route that declares nothing keeps the app from starting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from litestar import Litestar
from litestar.connection import Request
from litestar.exceptions import ImproperlyConfiguredException, NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.routes import HTTPRoute

from lapwing.app import House
from lapwing.members.attempts import KEY_FAILURES
from lapwing.members.records import SessionKind
from lapwing.members.tokens import KEY_PREFIX, TOKEN_PREFIX
from lapwing.model.errors import NotAllowed
from lapwing.model.organisations import Scope
from lapwing.model.permissions import Permission
from lapwing.web.callers import Caller
from lapwing.web.origins import Connection, client_of, is_local, same_origin
from lapwing.web.sessions import FORM_FIELD, FORM_HEADER, is_form_token, session_token
from lapwing.web.threads import in_thread

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM_TYPE = "application/x-www-form-urlencoded"


class Authority(StrEnum):
    API_KEY = "api_key"
    MEMBER = "member"
    NONCE = "nonce"
    LOOPBACK = "loopback"
    PUBLIC = "public"


def by_key(scope: Scope | None) -> dict[str, Any]:
    """`opt` of a route for API keys with this scope (None: any key) and members who have it."""
    return {"authority": Authority.API_KEY, "scope": scope}


def by_member(
    permission: Permission | None, *, step_up: bool = False, fresh_token: bool = False
) -> dict[str, Any]:
    """`opt` of a route for members in person who have this permission (None: any member).

    With `fresh_token` a token of the last ten minutes is a step-up, too.
    """
    return {
        "authority": Authority.MEMBER,
        "permission": permission,
        "step_up": step_up or fresh_token,
        "fresh_token": fresh_token,
    }


PUBLIC: dict[str, Any] = {"authority": Authority.PUBLIC}
NONCE: dict[str, Any] = {"authority": Authority.NONCE}
LOOPBACK: dict[str, Any] = {"authority": Authority.LOOPBACK}


def declared(handler: BaseRouteHandler) -> Authority:
    """The authority that a route declares. Raises ImproperlyConfiguredException."""
    opt: Mapping[str, Any] = handler.opt
    try:
        authority = Authority(opt["authority"])
    except (KeyError, ValueError):
        raise ImproperlyConfiguredException(f"{handler} declares no authority") from None
    if authority is Authority.API_KEY and "scope" not in opt:
        raise ImproperlyConfiguredException(f"{handler} declares no scope")
    if authority is Authority.MEMBER and "permission" not in opt:
        raise ImproperlyConfiguredException(f"{handler} declares no permission")
    return authority


def handlers_of(app: Litestar) -> Iterator[tuple[str, str, BaseRouteHandler]]:
    """(path, method, handler) of every route, but the OPTIONS answers that Litestar adds."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in sorted(handler.http_methods):
                    if method != "OPTIONS":
                        yield route.path, str(method), handler
        else:
            yield route.path, route.scope_type.value, route.route_handler


def require_declarations(app: Litestar) -> None:
    """Refuse to start with a route that declares no authority."""
    for path, method, handler in handlers_of(app):
        try:
            declared(handler)
        except ImproperlyConfiguredException as error:
            raise ImproperlyConfiguredException(f"{method} {path}: {error.detail}") from None


async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let the request through, with its caller in scope["user"], or raise."""
    if connection.scope.get("method") == "OPTIONS":
        return
    authority = declared(handler)
    if authority is Authority.PUBLIC:
        return
    if authority is Authority.LOOPBACK:
        if not is_local(connection):
            raise NotAllowed("this is served to this machine only")
        return
    if authority is Authority.NONCE:
        if not same_origin(connection, unsaid=True):
            raise NotAllowed("this form was sent from another site")
        return
    caller = await _caller(connection)
    if authority is Authority.MEMBER:
        _require_permission(caller, handler.opt["permission"])
        if handler.opt.get("step_up"):
            house: House = connection.app.state.house
            fresh_token = bool(handler.opt.get("fresh_token"))
            caller.here.require_step_up(house.clock(), fresh_token=fresh_token)
    else:
        _require_scope(caller, handler.opt["scope"])
    connection.scope["user"] = caller


def _require_permission(caller: Caller, permission: Permission | None) -> None:
    member = caller.person
    if permission is not None:
        member.require(permission)


def _require_scope(caller: Caller, scope: Scope | None) -> None:
    if scope is None:
        return
    if caller.member is not None:
        if scope is Scope.HOSTED:
            raise NotAllowed(f"this needs an API key with the scope {scope.value!r}")
        caller.member.require(Permission(scope.value))
    elif scope not in caller.scopes:
        raise NotAllowed(f"this API key lacks the scope {scope.value!r}")


async def _caller(connection: Connection) -> Caller:
    header = connection.headers.get("authorization")
    if header is not None:
        return await in_thread(_bearer, connection.app.state.house, header, client_of(connection))
    session = session_token(connection)
    if not session:
        raise NotAuthorizedException(
            "send an API key as 'Authorization: Bearer lw_…', or sign in",
            headers={"WWW-Authenticate": "Bearer"},
        )
    await _require_own_page(connection, session)
    house: House = connection.app.state.house
    signed = await in_thread(house.members.signed_in, session)
    if signed is None or signed.session.kind is not SessionKind.BROWSER:
        raise NotAuthorizedException("this session has ended; sign in again")
    return Caller.by_session(signed, session)


def _bearer(house: House, header: str, client: str) -> Caller:
    """Only what fails is counted against the client: a good key passes whatever others try."""
    kind, _, secret = header.partition(" ")
    caller = _known(house, secret.strip()) if kind.lower() == "bearer" else None
    if caller is None:
        house.attempts.spend(KEY_FAILURES, client)
        raise NotAuthorizedException(
            "this API key or session token is unknown, revoked or expired",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    return caller


def _known(house: House, secret: str) -> Caller | None:
    if secret.startswith(KEY_PREFIX) and not secret.startswith(TOKEN_PREFIX):
        key = house.members.known_key(secret)
        return None if key is None else Caller.by_key(key)
    signed = house.members.signed_in(secret)
    return None if signed is None else Caller.by_session(signed, secret)


async def _require_own_page(connection: Connection, session: str) -> None:
    """A cookie travels by itself, so a change needs proof that our own page asked for it."""
    if connection.scope.get("method") in SAFE_METHODS:
        return
    if not same_origin(connection, unsaid=False):
        raise NotAllowed("this request was sent from another site")
    offered = connection.headers.get(FORM_HEADER)
    if offered is None and isinstance(connection, Request):
        kind, _ = connection.content_type
        if kind == _FORM_TYPE:
            offered = (await connection.form()).get(FORM_FIELD)
    if not isinstance(offered, str) or not is_form_token(session, offered):
        raise NotAllowed("the form is out of date; load the page again and repeat")
