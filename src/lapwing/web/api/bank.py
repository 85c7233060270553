"""Lists and indicators. What is added or withdrawn here acts on the next item screened."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from lapwing.bank.changes import Added, ListChange, NewList, Withdrawn
from lapwing.model.errors import LimitExceeded, NotAllowed, NotFound
from lapwing.model.indicators import BankList, Indicator, IndicatorKind, NewIndicator
from lapwing.model.organisations import Scope
from lapwing.model.permissions import Permission
from lapwing.web.authority import by_key, by_member
from lapwing.web.callers import Caller
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.overriding import propose
from lapwing.web.problems import REFUSALS

MAX_INDICATORS = 10_000
_BODY = 16 << 20
_BIGINT = 2**63 - 1

_REFUSED = {code: REFUSALS[code] for code in (400, 401, 403, 404)}
_READ: dict[str, Any] = {
    "opt": by_key(Scope.BANK_READ),
    "sync_to_thread": True,
    "tags": ["bank"],
    "responses": _REFUSED,
}
_WRITE: dict[str, Any] = {
    "opt": by_key(Scope.BANK_WRITE),
    "sync_to_thread": True,
    "request_max_body_size": _BODY,
    "tags": ["bank"],
    "responses": _REFUSED | {409: REFUSALS[409], 413: REFUSALS[413]},
}

ListId = FromPath[UUID]
After = Annotated[
    int, QueryParameter(ge=0, le=_BIGINT, description="The last id of the page before")
]
Limit = Annotated[int, QueryParameter(ge=1, le=1000)]


class Lists(Struct, frozen=True, kw_only=True):
    lists: list[BankList]


class Indicators(Struct, frozen=True, kw_only=True):
    indicators: list[Indicator]
    next: int | None
    """`after` of the next page; null at the end."""


class NewIndicators(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most 10,000. A value that cannot be used is refused by itself; the rest is added."""

    indicators: list[NewIndicator]


class ListedValue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: IndicatorKind
    value: Annotated[str, Meta(max_length=8192)]


class Withdrawal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By id or by value, with the reason, which is kept.

    A bare value is enough where only one kind of it is listed.
    """

    why: Annotated[str, Meta(min_length=1, max_length=1000)]
    ids: list[Annotated[int, Meta(ge=1, le=_BIGINT)]] = []
    values: list[Annotated[str, Meta(max_length=8192)] | ListedValue] = []


class OverrideReason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    basis: Annotated[str, Meta(min_length=1, max_length=500)]
    category: Annotated[str, Meta(min_length=1, max_length=500)]


class Proposed(Struct, frozen=True, kw_only=True):
    confirmation: UUID
    """Waits in `/v1/confirmations` for another member."""
    expires_at: datetime


@get("/v1/lists", operation_id="list_lists", **_READ)
def lists(house: HouseGiven, caller: CallerGiven) -> Lists:
    """The lists that the caller reaches."""
    everything = house.bank.lists(caller.organisation)
    return Lists(lists=[one for one in everything if caller.reaches(one.id)])


@post("/v1/lists", operation_id="create_list", **_WRITE)
def create_list(house: HouseGiven, caller: CallerGiven, data: JSONBody[NewList]) -> BankList:
    """Make a list. A key that is bound to some lists cannot make another."""
    if caller.lists is not None:
        raise NotAllowed("this API key is bound to some lists and cannot make another")
    return house.bank.create_list(caller.organisation, caller.actor, data)


@get("/v1/lists/{list_id:uuid}", operation_id="get_list", **_READ)
def get_list(house: HouseGiven, caller: CallerGiven, list_id: ListId) -> BankList:
    """One list."""
    return _reached(house, caller, list_id)


@post(
    "/v1/lists/{list_id:uuid}/change",
    opt=by_member(Permission.BANK_WRITE),
    sync_to_thread=True,
    status_code=200,
    tags=["bank"],
    responses=_REFUSED,
    operation_id="change_list",
)
def change_list(
    house: HouseGiven, caller: CallerGiven, list_id: ListId, data: JSONBody[ListChange]
) -> BankList:
    """Change what a match on a list asks for, its distances, its validity, or whether it is
    verified, with the reason. Acts on the next match. For members: it changes what happens to
    people's items."""
    return house.bank.change_list(caller.organisation, caller.actor, list_id, data)


@post(
    "/v1/lists/{list_id:uuid}/indicators/{indicator:int}/override",
    opt=by_member(Permission.BANK_WRITE),
    sync_to_thread=True,
    tags=["bank"],
    responses=_REFUSED,
    operation_id="propose_override",
)
def propose_override(
    house: HouseGiven,
    caller: CallerGiven,
    list_id: ListId,
    indicator: FromPath[Annotated[int, Meta(ge=1, le=_BIGINT)]],
    data: JSONBody[OverrideReason],
) -> Proposed:
    """Propose that an allow entry beats verified lists. It does once another member confirms."""
    confirmation = propose(
        house, caller.organisation, caller.person, list_id, indicator, data.basis, data.category
    )
    return Proposed(confirmation=confirmation.id, expires_at=confirmation.expires_at)


@get("/v1/lists/{list_id:uuid}/indicators", operation_id="list_indicators", **_READ)
def indicators(
    house: HouseGiven,
    caller: CallerGiven,
    list_id: ListId,
    after: After = 0,
    limit: Limit = 100,
) -> Indicators:
    """The live indicators of a list, by id, page by page."""
    _reached(house, caller, list_id)
    page = list(house.bank.indicators(caller.organisation, list_id, limit, after))
    return Indicators(indicators=page, next=page[-1].id if len(page) == limit else None)


@post("/v1/lists/{list_id:uuid}/indicators", operation_id="add_indicators", **_WRITE)
def add(
    house: HouseGiven, caller: CallerGiven, list_id: ListId, data: JSONBody[NewIndicators]
) -> Added:
    """Add indicators; they match from the next item on."""
    _reached(house, caller, list_id)
    if len(data.indicators) > MAX_INDICATORS:
        raise LimitExceeded(f"at most {MAX_INDICATORS} indicators a call", field="indicators")
    return house.bank.add(caller.organisation, caller.actor, list_id, data.indicators)


@post(
    "/v1/lists/{list_id:uuid}/withdraw",
    operation_id="withdraw_indicators",
    status_code=200,
    **_WRITE,
)
def withdraw(
    house: HouseGiven, caller: CallerGiven, list_id: ListId, data: JSONBody[Withdrawal]
) -> Withdrawn:
    """Withdraw indicators; they match nothing from the next item on."""
    _reached(house, caller, list_id)
    if len(data.ids) + len(data.values) > MAX_INDICATORS:
        raise LimitExceeded(f"at most {MAX_INDICATORS} indicators a call", field="ids")
    return house.bank.withdraw(
        caller.organisation,
        caller.actor,
        list_id,
        ids=data.ids,
        values=[v if isinstance(v, str) else (v.kind, v.value) for v in data.values],
        why=data.why,
    )


def _reached(house: HouseGiven, caller: Caller, list_id: UUID) -> BankList:
    """The list, where the caller reaches it. A list beyond a key's reach does not exist for it."""
    if not caller.reaches(list_id):
        raise NotFound(f"there is no list {list_id}")
    return house.bank.list_named(caller.organisation, list_id)


ROUTES: list[HTTPRouteHandler] = [
    lists,
    create_list,
    get_list,
    change_list,
    indicators,
    add,
    withdraw,
    propose_override,
]
