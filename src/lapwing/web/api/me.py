"""Who am I: what the presented key or session is good for."""

from __future__ import annotations

from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from lapwing.model.actors import Actor
from lapwing.model.organisations import OrganisationKind, Role, Scope
from lapwing.web.authority import by_key
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.problems import REFUSALS


class Me(Struct, frozen=True, kw_only=True):
    """`lists` empty means every list; `role` is set for members, never for keys."""

    organisation: UUID
    organisation_name: str
    organisation_kind: OrganisationKind
    country: str
    actor: Actor
    role: Role | None
    scopes: tuple[Scope, ...]
    lists: tuple[UUID, ...]


@get(
    "/v1/me",
    opt=by_key(None),
    sync_to_thread=True,
    tags=["keys"],
    responses={code: REFUSALS[code] for code in (401,)},
    operation_id="me",
)
def me(house: HouseGiven, caller: CallerGiven) -> Me:
    """The caller's organisation, and what the presented key or session may do."""
    organisation = house.members.organisation(caller.organisation)
    return Me(
        organisation=organisation.id,
        organisation_name=organisation.name,
        organisation_kind=organisation.kind,
        country=organisation.country,
        actor=caller.actor,
        role=caller.member.role if caller.member else None,
        scopes=tuple(scope for scope in Scope if scope in caller.scopes),
        # A hosted caller learns nothing of lists.
        lists=() if Scope.HOSTED in caller.scopes else tuple(sorted(caller.lists or ())),
    )


ROUTES: list[HTTPRouteHandler] = [me]
