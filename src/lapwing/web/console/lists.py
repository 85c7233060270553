"""The organisation's lists: what a match on each asks for, and what is on them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import UNSET, Meta, Struct, UnsetType

from lapwing.bank.changes import ListChange
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import LIST_ACTIONS, BankList, ListAction
from lapwing.model.permissions import Permission
from lapwing.web.console.pages import page
from lapwing.web.console.rendering import render
from lapwing.web.given import CallerGiven, HouseGiven

PATH = "/console/lists"
SHOWN = 50
"""Entries on one page of a list."""
SAID = {"changed": "The list is changed. It acts on the next match, and stands in the ledger."}
ACTION_WORDS = {
    ListAction.NONE: "nothing: matches are told, to try the list out",
    ListAction.REVIEW: "a person looks",
    ListAction.HOLD: "held until a person has looked",
    ListAction.REMOVE: "removed at once, and a person looks",
}

_PAGE = page(Permission.BANK_READ)
_CHANGE = page(Permission.BANK_WRITE)
After = Annotated[int, QueryParameter(ge=0, le=2**63 - 1)]
Day = Annotated[str, Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?\Z")]
Bits = Annotated[int, Meta(ge=0, le=31)]


class ChangeForm(Struct, frozen=True, kw_only=True):
    """Days are whole days in UTC, from the beginning of the first to the end of the last."""

    csrf: str
    action: ListAction
    why: Annotated[str, Meta(min_length=1, max_length=500)]
    known_distance: Bits
    near_distance: Bits
    verified: bool = False
    valid_from: Day = ""
    valid_until: Day = ""


@get(PATH, name="console_lists", media_type=MediaType.HTML, **_PAGE)
def lists(house: HouseGiven, caller: CallerGiven) -> str:
    """The organisation's lists."""
    manages = caller.person.may(Permission.KEYS_MANAGE)
    return render(
        "lists.html",
        house,
        caller,
        here="Lists",
        lists=house.bank.lists(caller.organisation),
        waiting=house.quarantine.waiting(caller.organisation),
        probing=len(house.hosted.findings(caller.organisation, unseen=True)) if manages else 0,
        generation=house.live.snapshot().generation,
        validity=validity,
        now=house.clock(),
    )


@get(PATH + "/{list_id:uuid}", name="console_list", media_type=MediaType.HTML, **_PAGE)
def one_list(
    house: HouseGiven,
    caller: CallerGiven,
    list_id: FromPath[UUID],
    said: FromQuery[str] = "",
    after: After = 0,
) -> str:
    """One list: its terms, and its entries page by page."""
    listed = house.bank.list_named(caller.organisation, list_id)
    entries = house.bank.indicators(caller.organisation, list_id, SHOWN, after)
    return render(
        "list.html",
        house,
        caller,
        here="Lists",
        list=listed,
        said=SAID.get(said, ""),
        entries=entries,
        next=entries[-1].id if len(entries) == SHOWN else None,
        actions=[(action, ACTION_WORDS[action]) for action in LIST_ACTIONS[listed.kind]],
        validity=validity,
        now=house.clock(),
        first_day=_first_day(listed),
        last_day=_last_day(listed),
    )


@post(PATH + "/{list_id:uuid}/change", name="console_change_list", **_CHANGE)
def change(
    house: HouseGiven,
    caller: CallerGiven,
    list_id: FromPath[UUID],
    data: URLEncodedBody[ChangeForm],
) -> Redirect:
    """Change what a match asks for, how far the list reaches, and when it is valid."""
    before = house.bank.list_named(caller.organisation, list_id)
    start: datetime | UnsetType | None = UNSET
    end: datetime | UnsetType | None = UNSET
    if data.valid_from != _first_day(before):
        start = _midnight(data.valid_from, "valid_from")
    if data.valid_until != _last_day(before):
        end = _midnight(data.valid_until, "valid_until", days=1)
    wanted = ListChange(
        why=data.why,
        action=data.action,
        verified=data.verified,
        known_distance=data.known_distance,
        near_distance=data.near_distance,
        valid_from=start,
        valid_until=end,
    )
    house.bank.change_list(caller.organisation, caller.actor, list_id, wanted)
    return Redirect(f"{PATH}/{list_id}?said=changed", status_code=303)


def validity(listed: BankList, now: datetime) -> str:
    """Whether the list counts now; empty where it does without an end."""
    if listed.valid_from is not None and now < listed.valid_from:
        return f"not valid before {listed.valid_from.astimezone(UTC):%-d %b %Y, %H:%M UTC}"
    if listed.valid_until is None:
        return ""
    until = f"{listed.valid_until.astimezone(UTC):%-d %b %Y, %H:%M UTC}"
    return f"expired {until}" if now >= listed.valid_until else f"until {until}"


def _first_day(listed: BankList) -> str:
    start = listed.valid_from
    return "" if start is None else start.astimezone(UTC).date().isoformat()


def _last_day(listed: BankList) -> str:
    end = listed.valid_until
    last = None if end is None else end.astimezone(UTC) - timedelta(microseconds=1)
    return "" if last is None else last.date().isoformat()


def _midnight(day: str, field: str, days: int = 0) -> datetime | None:
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), time(), UTC) + timedelta(days=days)
    except (ValueError, OverflowError):
        raise InvalidInput("is not a day", field=field) from None


LISTS: list[HTTPRouteHandler] = [lists, one_list, change]
