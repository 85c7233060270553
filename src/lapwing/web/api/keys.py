"""API keys: made and revoked by a member in person. A secret is answered once and never again."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from lapwing.members.keys import MOST_PER_MINUTE
from lapwing.model.organisations import ApiKey, Scope
from lapwing.model.permissions import Permission
from lapwing.web.authority import by_member
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.problems import REFUSALS

_REFUSED = {code: REFUSALS[code] for code in (400, 401, 403, 404)}


class NewKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`lists` empty means every list of the organisation. The scope `hosted` stands alone, needs
    lists, and may have a limit of hashes a minute (120)."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1)]
    lists: tuple[UUID, ...] = ()
    per_minute: Annotated[int, Meta(ge=1, le=MOST_PER_MINUTE)] | None = None


class MadeKey(Struct, frozen=True, kw_only=True):
    key: ApiKey
    secret: str
    """Shown this once; only its hash is kept."""


class Keys(Struct, frozen=True, kw_only=True):
    keys: list[ApiKey]


@get(
    "/v1/keys",
    opt=by_member(Permission.KEYS_MANAGE),
    sync_to_thread=True,
    tags=["keys"],
    responses=_REFUSED,
    operation_id="list_keys",
)
def list_keys(house: HouseGiven, caller: CallerGiven) -> Keys:
    """The organisation's API keys, revoked ones too, without their secrets."""
    return Keys(keys=house.members.keys(caller.organisation))


@post(
    "/v1/keys",
    opt=by_member(Permission.KEYS_MANAGE, step_up=True),
    sync_to_thread=True,
    tags=["keys"],
    responses=_REFUSED,
    operation_id="create_key",
)
def create_key(house: HouseGiven, caller: CallerGiven, data: JSONBody[NewKey]) -> MadeKey:
    """Make an API key. No scope allows verdicts, filing or sharing: those are for members.

    The session must have shown within ten minutes who sits there.
    """
    key, secret = house.members.create_key(
        caller.organisation, caller.actor, data.name, data.scopes, data.lists, data.per_minute
    )
    return MadeKey(key=key, secret=secret)


@post(
    "/v1/keys/{key_id:uuid}/revoke",
    opt=by_member(Permission.KEYS_MANAGE),
    sync_to_thread=True,
    status_code=200,
    tags=["keys"],
    responses=_REFUSED,
    operation_id="revoke_key",
)
def revoke_key(house: HouseGiven, caller: CallerGiven, key_id: FromPath[UUID]) -> ApiKey:
    """Revoke a key; it is refused from the next request on."""
    return house.members.revoke_key(caller.organisation, caller.actor, key_id)


ROUTES: list[HTTPRouteHandler] = [list_keys, create_key, revoke_key]
