"""Reports to authorities: for members in person only, after a verdict that asks for one."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta, Struct

from lapwing.model.cases import CaseSummary
from lapwing.model.permissions import Permission
from lapwing.report.drafts import Preview
from lapwing.report.records import ReportStatus
from lapwing.report.service import Unreported
from lapwing.report.typed import Typed
from lapwing.web.api.cases import CaseRef, Words
from lapwing.web.authority import by_member
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.problems import REFUSALS

_ROUTE: dict[str, Any] = {
    "opt": by_member(Permission.REPORTS_FILE),
    "sync_to_thread": True,
    "status_code": 200,
    "tags": ["reports"],
    "responses": {code: REFUSALS[code] for code in (400, 401, 403, 404, 409, 503)},
}
_FILE = _ROUTE | {"opt": by_member(Permission.REPORTS_FILE, fresh_token=True)}


class Standing(Struct, frozen=True, kw_only=True):
    """`owed` are cases whose verdict asks for a report that is not filed, most pressing first;
    `undecided` those without a verdict in which a child is in danger; `fallback` is the member who
    is named when nobody has acted."""

    reports: list[ReportStatus]
    owed: list[Unreported]
    undecided: list[CaseSummary]
    fallback: str | None


class Seen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`seen` of the preview that the member has read."""

    seen: Annotated[str, Meta(min_length=1, max_length=64)]


class Why(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    why: Words


@get("/v1/reports", operation_id="list_reports", **_ROUTE)
def list_reports(house: HouseGiven, caller: CallerGiven) -> Standing:
    """Every report and where it stands, and the cases that still need one."""
    pressing = house.reports.pressing(caller.organisation)
    return Standing(
        reports=house.reports.statuses(caller.organisation),
        owed=house.reports.unreported(caller.organisation),
        undecided=pressing.undecided,
        fallback=pressing.fallback,
    )


@get("/v1/cases/{case:str}/report", operation_id="preview_report", **_ROUTE)
def preview(house: HouseGiven, caller: CallerGiven, case: CaseRef) -> Preview:
    """What a report on the case would say, what it lacks, and the legal clock.

    Sealed account details stay sealed; `open` reads them.
    """
    return house.reports.preview(caller.organisation, caller.person, case)


@post("/v1/cases/{case:str}/report/open", operation_id="open_report", **_ROUTE)
def open_details(house: HouseGiven, caller: CallerGiven, case: CaseRef) -> Preview:
    """The preview with the account details that were sealed. Each reading is in the ledger."""
    return house.reports.open(caller.organisation, caller.person, case)


@post("/v1/cases/{case:str}/report/draft", operation_id="draft_report", **_ROUTE)
def draft(house: HouseGiven, caller: CallerGiven, case: CaseRef, data: JSONBody[Typed]) -> Preview:
    """Keep what the member typed, sealed, in place of what was typed before."""
    return house.reports.save(caller.organisation, caller.person, case, data)


@post("/v1/cases/{case:str}/report/file", operation_id="file_report", **_FILE)
def file(
    house: HouseGiven, caller: CallerGiven, case: CaseRef, data: JSONBody[Seen]
) -> ReportStatus:
    """File exactly what was seen, in the member's own name. It is queued when this answers.

    The session must have stepped up within ten minutes, or the token be that new. Refused with
    everything that is missing or wrong, by name.
    """
    return house.reports.file(caller.organisation, caller.person, case, seen=data.seen)


@post("/v1/cases/{case:str}/report/retry", operation_id="retry_report", **_ROUTE)
def retry(house: HouseGiven, caller: CallerGiven, case: CaseRef) -> ReportStatus:
    """Try a report that is under way again now, instead of when its time comes."""
    return house.reports.nudge(caller.organisation, caller.person, case)


@post("/v1/cases/{case:str}/report/withdraw", operation_id="withdraw_report", **_ROUTE)
def withdraw(
    house: HouseGiven, caller: CallerGiven, case: CaseRef, data: JSONBody[Why]
) -> ReportStatus:
    """Take back a report that is not filed."""
    return house.reports.withdraw(caller.organisation, caller.person, case, data.why)


@get(
    "/v1/cases/{case:str}/report/receipt",
    operation_id="report_receipt",
    media_type="text/xml",
    **_ROUTE,
)
def receipt(house: HouseGiven, caller: CallerGiven, case: CaseRef) -> Response[bytes]:
    """The authority's notification of a filed report, as received."""
    found = house.reports.receipt(caller.organisation, case)
    return Response(found, media_type="text/xml")


ROUTES: list[HTTPRouteHandler] = [
    list_reports,
    preview,
    open_details,
    draft,
    file,
    retry,
    withdraw,
    receipt,
]
