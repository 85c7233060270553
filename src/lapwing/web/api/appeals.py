"""`POST /v1/items/{item}/appeal`: every action can be appealed, and a person looks again."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from lapwing.model.cases import CaseState
from lapwing.model.organisations import Scope
from lapwing.web.authority import by_key
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.problems import REFUSALS


class Appeal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the person who appeals says; leave out names and addresses."""

    text: Annotated[str, Meta(min_length=1, max_length=10_000)]


class Appealed(Struct, frozen=True, kw_only=True):
    """The case that a person will look at. It says nothing of lists, findings or verdicts."""

    case: UUID
    state: CaseState


@post(
    "/v1/items/{item:uuid}/appeal",
    opt=by_key(Scope.SCREEN),
    sync_to_thread=True,
    status_code=200,
    tags=["items"],
    responses={code: REFUSALS[code] for code in (400, 401, 403, 404, 409)},
    operation_id="appeal_item",
)
def appeal(
    house: HouseGiven, caller: CallerGiven, item: FromPath[UUID], data: JSONBody[Appeal]
) -> Appealed:
    """Ask for another look at what was decided about an item; its case goes back to the queue."""
    case = house.cases.appeal(caller.organisation, caller.actor, item, data.text)
    return Appealed(case=case.id, state=case.state)


ROUTES: list[HTTPRouteHandler] = [appeal]
