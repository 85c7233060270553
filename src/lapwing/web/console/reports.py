"""The page of a report: what it would say, what it lacks, filing it, and where it stands."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta, Struct

from lapwing.app import House
from lapwing.model.permissions import Permission
from lapwing.report.clock import ClockState
from lapwing.report.cybertipline.endpoints import is_test
from lapwing.report.drafts import Preview
from lapwing.report.records import UNDER_WAY, ActorAge, ReportKind, ReportState
from lapwing.web.callers import Caller
from lapwing.web.console.pages import CaseNumber, page
from lapwing.web.console.rendering import render
from lapwing.web.console.report_form import ReportForm, shown_in_form, typed_from
from lapwing.web.console.steps import PlainData
from lapwing.web.given import CallerGiven, HouseGiven

SAID = {
    "kept": "What you typed is kept, sealed.",
    "confirmed": "You have filed the report; it is on its way to the authority.",
    "withdrawn": "The report is withdrawn.",
    "retried": "It is tried again now.",
}
KINDS = (
    (ReportKind.IMAGE, "Images"),
    (ReportKind.URL, "A link"),
    (ReportKind.MESSAGE, "Messages: online enticement"),
    (ReportKind.ADVERT, "An advert: trafficking"),
)
AGES = (
    (ActorAge.ADULT, "An adult"),
    (ActorAge.MINOR, "Under 18"),
    (ActorAge.UNKNOWN, "Not known"),
)
STATES = {
    ReportState.DRAFTED: "drafted",
    ReportState.CONFIRMED: "confirmed, about to be filed",
    ReportState.SUBMITTING: "being filed",
    ReportState.UPLOADING: "being filed",
    ReportState.FINISHING: "at its last step",
    ReportState.RETRY: "waiting to be tried again",
    ReportState.FILED: "filed",
    ReportState.FAILED: "not filed: look at the answer",
    ReportState.WITHDRAWN: "withdrawn",
}
CLOCKS = {
    ClockState.NOT_STARTED: "not started",
    ClockState.RUNNING: "running",
    ClockState.REMIND: "running: report soon",
    ClockState.LATE: "late",
    ClockState.MET: "met",
}

_MAY = Permission.REPORTS_FILE
_PAGE = page(_MAY)
_FORM = page(_MAY, back=1)
_FILE = page(_MAY, step_up=True, back=1)


Said = Annotated[str, QueryParameter(max_length=20)]


class SeenForm(Struct, frozen=True, kw_only=True):
    csrf: str
    seen: Annotated[str, Meta(min_length=1, max_length=64)]


class WhyForm(Struct, frozen=True, kw_only=True):
    csrf: str
    why: Annotated[str, Meta(min_length=1, max_length=2_000)]


@get("/console/cases/{case:str}/report", name="console_report", media_type="text/html", **_PAGE)
def report_page(house: HouseGiven, caller: CallerGiven, case: CaseNumber, said: Said = "") -> str:
    """The draft with account details sealed, and where the report stands."""
    preview = house.reports.preview(caller.organisation, caller.person, case)
    return _page(house, caller, preview, SAID.get(said, ""))


@post("/console/cases/{case:str}/report/open", name="console_report_open", **_FORM)
def open_details(
    house: HouseGiven, caller: CallerGiven, case: CaseNumber, data: PlainData
) -> Response[str]:
    """The draft with the account details; the ledger records who read them."""
    preview = house.reports.open(caller.organisation, caller.person, case)
    said = "The account details are open on this page only. This is in the ledger."
    return Response(_page(house, caller, preview, said), media_type=MediaType.HTML, status_code=200)


@post("/console/cases/{case:str}/report/draft", name="console_report_draft", **_FORM)
def draft(
    house: HouseGiven, caller: CallerGiven, case: CaseNumber, data: URLEncodedBody[ReportForm]
) -> Redirect:
    """Keep what was typed."""
    member = caller.person
    before = house.reports.preview(caller.organisation, member, case).typed
    kept = house.reports.save(caller.organisation, member, case, typed_from(data, before))
    return _back(kept.case_number, "kept")


@post("/console/cases/{case:str}/report/file", name="console_report_file", **_FILE)
def file(
    house: HouseGiven, caller: CallerGiven, case: CaseNumber, data: URLEncodedBody[SeenForm]
) -> Redirect:
    """File what the member has seen, under their own name."""
    filed = house.reports.file(caller.organisation, caller.person, case, seen=data.seen)
    return _back(filed.case_number, "confirmed")


@post("/console/cases/{case:str}/report/retry", name="console_report_retry", **_FORM)
def retry(house: HouseGiven, caller: CallerGiven, case: CaseNumber, data: PlainData) -> Redirect:
    """Try again now."""
    tried = house.reports.nudge(caller.organisation, caller.person, case)
    return _back(tried.case_number, "retried")


@post("/console/cases/{case:str}/report/withdraw", name="console_report_withdraw", **_FORM)
def withdraw(
    house: HouseGiven, caller: CallerGiven, case: CaseNumber, data: URLEncodedBody[WhyForm]
) -> Redirect:
    """Take it back before it is filed."""
    taken = house.reports.withdraw(caller.organisation, caller.person, case, data.why)
    return _back(taken.case_number, "withdrawn")


def _page(house: House, caller: Caller, preview: Preview, said: str) -> str:
    status = preview.status
    given: dict[str, Any] = {
        "preview": preview,
        "status": status,
        "clock_state": CLOCKS[preview.clock.state],
        "state_words": STATES,
        "under_way": status is not None and status.state in UNDER_WAY,
        "filed": status is not None and status.state is ReportState.FILED,
        "rehearsal": preview.endpoint is not None and is_test(preview.endpoint),
        "typed": preview.typed,
        "form": shown_in_form(preview.typed),
        "kinds": KINDS,
        "ages": AGES,
        "said": said,
    }
    return render("report.html", house, caller, here="Cases", **given)


def _back(number: int, said: str) -> Redirect:
    return Redirect(f"/console/cases/{number}/report?said={said}", status_code=303)


REPORTS: list[HTTPRouteHandler] = [report_page, open_details, draft, file, retry, withdraw]
