"""The second person: proposals that wait, and a member's answer to them. Never for a key."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from lapwing.confirm.records import Confirmation, ConfirmationState
from lapwing.model.permissions import Permission
from lapwing.web.authority import by_member
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.problems import REFUSALS

_READ = {code: REFUSALS[code] for code in (400, 401, 403)}
_ANSWER: dict[str, Any] = {
    "sync_to_thread": True,
    "status_code": 200,
    "tags": ["confirmations"],
    "responses": _READ | {code: REFUSALS[code] for code in (404, 409)},
}
Limit = Annotated[int, QueryParameter(ge=1, le=500)]


class Proposal(Struct, frozen=True, kw_only=True):
    """Something that needs, or had, a second member. `data` is exactly what they agree to."""

    id: UUID
    state: ConfirmationState
    kind: str
    subject: str
    basis: str
    category: str
    data: dict[str, Any]
    proposed_by: UUID
    proposed_at: datetime
    expires_at: datetime
    confirmed_by: UUID | None
    confirmed_at: datetime | None
    refused_by: UUID | None
    refused_at: datetime | None
    withdrawn_by: UUID | None
    withdrawn_at: datetime | None
    why: str | None


class Proposals(Struct, frozen=True, kw_only=True):
    confirmations: list[Proposal]


class Reason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    why: Annotated[str, Meta(min_length=1, max_length=2_000)]


@get(
    "/v1/confirmations",
    opt=by_member(Permission.CASES_READ),
    sync_to_thread=True,
    tags=["confirmations"],
    responses=_READ,
    operation_id="list_confirmations",
)
def list_confirmations(
    house: HouseGiven, caller: CallerGiven, waiting: FromQuery[bool] = True, limit: Limit = 100
) -> Proposals:
    """Proposals that wait for a second member; with `waiting=false` of every state."""
    with house.database.organisation(caller.organisation) as connection:
        found = (
            house.confirmations.waiting(connection)[:limit]
            if waiting
            else house.confirmations.latest(connection, limit)
        )
    now = house.clock()
    return Proposals(confirmations=[_shown(one, now) for one in found])


@post(
    "/v1/confirmations/{confirmation:uuid}/confirm",
    opt=by_member(Permission.SHARE_CONFIRM, step_up=True),
    operation_id="confirm",
    **_ANSWER,
)
def confirm(house: HouseGiven, caller: CallerGiven, confirmation: FromPath[UUID]) -> Proposal:
    """Agree, as another member than the one who proposed, in a session that has stepped up."""
    with house.database.organisation(caller.organisation) as connection:
        done = house.confirmations.confirm(
            connection, caller.organisation, caller.here, confirmation
        )
    return _shown(done, house.clock())


@post(
    "/v1/confirmations/{confirmation:uuid}/refuse",
    opt=by_member(Permission.SHARE_CONFIRM),
    operation_id="refuse_confirmation",
    **_ANSWER,
)
def refuse(
    house: HouseGiven, caller: CallerGiven, confirmation: FromPath[UUID], data: JSONBody[Reason]
) -> Proposal:
    """Say no, with the reason."""
    with house.database.organisation(caller.organisation) as connection:
        done = house.confirmations.refuse(
            connection, caller.organisation, caller.person, confirmation, data.why
        )
    return _shown(done, house.clock())


@post(
    "/v1/confirmations/{confirmation:uuid}/withdraw",
    opt=by_member(Permission.SHARE_PROPOSE),
    operation_id="withdraw_confirmation",
    **_ANSWER,
)
def withdraw(
    house: HouseGiven, caller: CallerGiven, confirmation: FromPath[UUID], data: JSONBody[Reason]
) -> Proposal:
    """Take it back, before or after it was confirmed. One member is enough."""
    with house.database.organisation(caller.organisation) as connection:
        done = house.confirmations.withdraw(
            connection, caller.organisation, caller.person, confirmation, data.why
        )
    return _shown(done, house.clock())


def _shown(one: Confirmation, now: datetime) -> Proposal:
    return Proposal(
        id=one.id,
        state=one.state(now),
        kind=one.kind,
        subject=one.subject,
        basis=one.basis,
        category=one.category,
        data=one.data,
        proposed_by=one.proposed_by,
        proposed_at=one.proposed_at,
        expires_at=one.expires_at,
        confirmed_by=one.confirmed_by,
        confirmed_at=one.confirmed_at,
        refused_by=one.refused_by,
        refused_at=one.refused_at,
        withdrawn_by=one.withdrawn_by,
        withdrawn_at=one.withdrawn_at,
        why=one.why,
    )


ROUTES: list[HTTPRouteHandler] = [list_confirmations, confirm, refuse, withdraw]
