"""`lapwing report`: reports to authorities, drafted for and filed by a named member."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from lapwing.cli.output import DONE, FAILED, Json, eye, page, plain, show, table, write_json
from lapwing.cli.report_setup import connect, rehearse, schema
from lapwing.cli.session import For, house, named_member, organisation
from lapwing.logs import set_up_logs
from lapwing.model.errors import InvalidInput
from lapwing.report.cybertipline.endpoints import is_test
from lapwing.report.drafts import Preview
from lapwing.report.records import ReportState, ReportStatus
from lapwing.report.typed import read_typed

app = typer.Typer(
    help="Reports to authorities: draft, file, status.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def _quietly() -> None:
    """Standard output is for answers; what is worth a line of log goes to standard error."""
    set_up_logs(logging.WARNING)


app.command()(schema)
app.command()(connect)
app.command()(rehearse)

Case = Annotated[str, typer.Argument(metavar="CASE", help="The case's number or id.")]
TypedFile = Annotated[
    Path | None,
    typer.Option(
        "--typed",
        metavar="FILE",
        help="JSON with what you know besides (docs/reporting.md); kept, sealed.",
    ),
]


@app.command()
def cybertipline(
    case: Case,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the report's XML here.")
    ] = None,
    typed: TypedFile = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Draft a CyberTipline report on a case and list what it lacks; exit code 1 if anything.

    Sealed account details are opened for it, and the ledger records that you read them. Needs
    LAPWING_MEMBER_TOKEN and a verdict on the case; nothing is filed.
    """
    with house() as opened:
        mine = organisation(opened, organisation_name)
        member = named_member(opened, mine.id)
        if typed is not None:
            opened.reports.save(mine.id, member, case, read_typed(typed.read_bytes()))
        preview = opened.reports.open(mine.id, member, case)
    if out is not None:
        _write_private(out, preview.document.encode())
    if json:
        write_json(preview)
    else:
        _show_preview(preview, out)
    raise typer.Exit(FAILED if preview.faults else DONE)


@app.command()
def file(
    case: Case,
    seen: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="`seen` of the draft that you have read; else asked."),
    ] = None,
    now: Annotated[
        bool, typer.Option("--now/--queued", help="File it here, or leave it to the server.")
    ] = True,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """File the report on a case in your own name (LAPWING_MEMBER_TOKEN). It cannot be taken back.

    The session or token has to be fresh: ten minutes since you showed that it is you, or since the
    token was made. Exactly the draft is filed that you have seen. When the authority does not
    answer the server goes on trying; exit code 1 when it refuses.
    """
    with house() as opened:
        mine = organisation(opened, organisation_name)
        member = named_member(opened, mine.id, in_person=True)
        if seen is None:
            seen = _agreed(opened.reports.open(mine.id, member, case))
        status = opened.reports.file(mine.id, member, case, seen=seen)
        if now:
            opened.filing.run(mine.id, status.id)
            status = _again(opened.reports.status(mine.id, case), status)
    if json:
        write_json(status)
    else:
        _show_statuses([status])
    raise typer.Exit(FAILED if status.state is ReportState.FAILED else DONE)


@app.command()
def status(
    case: Annotated[
        str | None, typer.Argument(metavar="CASE", help="Number or id; none: all reports.")
    ] = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Where reports stand, and which cases still need one."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        if case is None:
            found = opened.reports.statuses(mine.id)
            owed = opened.reports.unreported(mine.id)
            pressing = opened.reports.pressing(mine.id)
            undecided, fallback = pressing.undecided, pressing.fallback
        else:
            found = opened.reports.status(mine.id, case)
            owed, undecided, fallback = [], [], None
    if json:
        write_json({"reports": found, "owed": owed, "undecided": undecided, "fallback": fallback})
        return
    _show_statuses(found)
    for one in undecided:
        eye.print(
            plain(f"case {one.number}: a child is in danger now, and there is no verdict"),
            style="bold red",
        )
    if owed:
        rows = [
            (
                one.number,
                "danger now" if one.danger else one.title,
                one.clock.started_at,
                one.clock.state,
                one.clock.late_at,
                ", ".join(one.asked),
            )
            for one in owed
        ]
        names = ("case", "about", "known since (UTC)", "clock", "late from (UTC)", "asked")
        show(table("Not reported yet", names, rows))


@app.command()
def danger(
    case: Case,
    why: Annotated[str, typer.Option(help="In your words; the authority is told them.")],
    over: Annotated[bool, typer.Option("--over", help="Take the mark back.")] = False,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Say as a named member that a child is in danger now: the case comes before all others.

    Where the police can reach somebody now, call them first.
    """
    with house() as opened:
        mine = organisation(opened, organisation_name)
        act = opened.cases.danger_over if over else opened.cases.danger
        marked = act(mine.id, named_member(opened, mine.id), case, why)
    if json:
        write_json(marked)
        return
    due = f"due {marked.due_at:%H:%M} UTC" if marked.due_at else "as pressing as its findings"
    page.print(plain(f"case {marked.number}: {due}"))


@app.command()
def retry(case: Case, organisation_name: For = None, json: Json = False) -> None:
    """Try a report that is under way again now, as a named member."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        tried = opened.reports.nudge(mine.id, named_member(opened, mine.id), case)
        opened.filing.run(mine.id, tried.id)
        found = _again(opened.reports.status(mine.id, case), tried)
    if json:
        write_json(found)
    else:
        _show_statuses([found])


@app.command()
def withdraw(
    case: Case,
    why: Annotated[str, typer.Option(help="In your words; it is kept in the ledger.")],
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Take back a report that is not filed yet, as a named member."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        found = opened.reports.withdraw(mine.id, named_member(opened, mine.id), case, why)
    if json:
        write_json(found)
    else:
        _show_statuses([found])


@app.command()
def receipt(
    case: Case,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write it here.")],
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Write the authority's notification of a filed report, as received."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        found = opened.reports.receipt(mine.id, case)
    _write_private(out, found)
    if json:
        write_json({"file": str(out), "bytes": len(found)})


def _again(found: list[ReportStatus], before: ReportStatus) -> ReportStatus:
    """The same report as it stands now."""
    return next(one for one in found if one.id == before.id)


def _agreed(preview: Preview) -> str:
    """`seen` of the draft, once somebody at a terminal has read it and said yes."""
    if not sys.stdin.isatty():
        raise InvalidInput(
            "name the draft that you have read with --seen; `lapwing report cybertipline` shows it",
            field="seen",
        )
    _show_preview(preview, None)
    if preview.seen is None or not typer.confirm("File this report? It cannot be taken back"):
        raise typer.Exit(FAILED)
    return preview.seen


def _show_preview(preview: Preview, out: Path | None) -> None:
    if out is None:
        page.print(plain(preview.document))
    if preview.welfare:
        eye.print("Nobody is reported as a suspect.")
    for one in preview.files:
        viewed = "viewed in full" if one.viewed else "not viewed in full"
        eye.print(plain(f"file {one.name}, {one.size:,} bytes, {viewed}"))
    clock = preview.clock
    eye.print(plain(f"legal clock: {clock.state}; due {clock.deadline or 'nowhere on record'}"))
    if not preview.schema_checked:
        eye.print("not checked against the authority's schema: lapwing report schema --fetch")
    if preview.faults:
        rows = [(fault.field, fault.reason) for fault in preview.faults]
        show(table(f"Missing or wrong: {len(rows)}", ("field", "reason"), rows), eye)
    else:
        eye.print(plain(f"nothing is missing; seen {preview.seen}"))


def _show_statuses(found: list[ReportStatus]) -> None:
    rows = [
        (
            one.case_number,
            one.state,
            "rehearsal" if one.endpoint and is_test(one.endpoint) else one.authority,
            str(one.remote_id or ""),
            one.confirmed_by,
            one.filed_at,
            one.last_answer,
        )
        for one in found
    ]
    columns = ("case", "state", "authority", "number", "by", "filed (UTC)", "last answer")
    show(table("Reports", columns, rows))


def _write_private(path: Path, content: bytes) -> None:
    """A file for its owner's eyes only: reports hold personal data."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
