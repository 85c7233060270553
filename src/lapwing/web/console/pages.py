"""The pages a member reads: queue, case, ledger."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import get
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, PathParameter, QueryParameter
from litestar.response import Redirect

from lapwing.model.cases import CaseState
from lapwing.model.permissions import Permission
from lapwing.web.authority import by_member
from lapwing.web.console.rendering import STATES, render
from lapwing.web.console.showing import entries_of, folded
from lapwing.web.frame import PAGE_POLICY
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.sign_in import refusal_page

LIMIT = 100
FIRST = 10
"""Items that a case page shows at first."""


def page(
    permission: Permission | None, *, step_up: bool = False, back: str | int = 1
) -> dict[str, Any]:
    """What every page and form declares. `back` is the page that a form belongs to, where it leads
    when its member has to show first who they are: a path, or how many parts to leave out."""
    opt = by_member(permission, step_up=step_up) | {"policy": PAGE_POLICY, "page": refusal_page}
    return {
        "opt": opt | {"back": back},
        "sync_to_thread": True,
        "include_in_schema": False,
    }


PAGE = page(Permission.CASES_READ)
CaseNumber = Annotated[str, PathParameter(max_length=40)]
State = Annotated[str, QueryParameter(name="state", max_length=20)]
SAID = {
    "claimed": "You have taken this case.",
    "released": "The case is back in the queue.",
    "noted": "The note is kept.",
    "decided": "Your verdict is kept, and in the ledger.",
    "closed": "The case is closed.",
}


@get("/console", name="console", **page(None))
def console() -> Redirect:
    """The console begins with the queue."""
    return Redirect("/console/cases", status_code=303)


@get("/console/cases", name="console_queue", media_type=MediaType.HTML, **PAGE)
def queue(house: HouseGiven, caller: CallerGiven, in_state: State = "waiting") -> str:
    """The queue, most pressing first."""
    known = dict(STATES)
    shown = in_state if in_state in known else "waiting"
    wanted = None if shown == "waiting" else CaseState(shown)
    cases = house.cases.queue(caller.organisation, wanted, LIMIT)
    return render(
        "queue.html",
        house,
        caller,
        here="Cases",
        cases=cases,
        state=shown,
        limit=LIMIT,
        quarantined=house.quarantine.waiting(caller.organisation),
    )


@get("/console/cases/{case:str}", name="console_case", media_type=MediaType.HTML, **PAGE)
def case_page(
    house: HouseGiven,
    caller: CallerGiven,
    case: CaseNumber,
    said: FromQuery[str] = "",
    uncovered: FromQuery[UUID | None] = None,
    every: FromQuery[bool] = False,
) -> str:
    """One case: its items, covered; the member's part; the history."""
    member = caller.person
    detail = house.cases.case(caller.organisation, case, items=LIMIT if every else FIRST)
    entries, looks, allowed = entries_of(house, member, detail, uncovered)
    return render(
        "case.html",
        house,
        caller,
        here="Cases",
        case=detail.summary,
        items=entries,
        mine=detail.summary.claimed_by == member.id,
        verdicts=detail.verdicts,
        timeline=folded(detail.timeline),
        all_shown=every,
        related=detail.related,
        said=SAID.get(said, ""),
        looks=looks,
        looks_allowed=allowed,
    )


@get(
    "/console/ledger",
    name="console_ledger",
    media_type=MediaType.HTML,
    **page(Permission.LEDGER_READ),
)
def ledger(house: HouseGiven, caller: CallerGiven) -> str:
    """The ledger's signed head."""
    with house.database.organisation(caller.organisation) as connection:
        head = house.ledger.head(connection, caller.organisation)
    return render("ledger.html", house, caller, here="Ledger", head=head)


PAGES: list[HTTPRouteHandler] = [console, queue, case_page, ledger]
