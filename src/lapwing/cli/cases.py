"""`lapwing cases` and `lapwing verdict`: people's work, from the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from lapwing.cases.records import CaseDetail
from lapwing.cli.output import Json, page, plain, show, table, write_json
from lapwing.cli.session import For, house, named_member, organisation
from lapwing.model.cases import CaseState, CaseSummary, Outcome


def cases(
    case: Annotated[
        str | None, typer.Argument(metavar="CASE", help="Number or id; none: the queue.")
    ] = None,
    state: Annotated[
        CaseState | None, typer.Option(help="Only these; without it, all that wait for a verdict.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Cases at most.")] = 50,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """List the queue, most pressing first, or show one case with its items and timeline."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        if case is None:
            queue = opened.cases.queue(mine.id, state=state, limit=limit)
            if json:
                write_json(queue)
            else:
                _show_queue(queue)
            return
        detail = opened.cases.case(mine.id, case)
    if json:
        write_json(detail)
    else:
        _show_case(detail)


def verdict(
    case: Annotated[str, typer.Argument(metavar="CASE", help="The case's number or id.")],
    outcome: Annotated[Outcome, typer.Option(help="Welfare: a child needs help, nobody accused.")],
    reason: Annotated[str, typer.Option(help="In your words; it is kept in the ledger.")],
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Give a verdict as a named member (LAPWING_MEMBER_TOKEN, see `lapwing sign-in -h`)."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        member = named_member(opened, mine.id)
        given = opened.cases.verdict(mine.id, member, case, outcome, reason)
    if json:
        write_json(given)
        return
    page.print(plain(member.name), f": case {plain(case)} is {given.outcome}.", sep="")


def _show_queue(queue: list[CaseSummary]) -> None:
    rows = [
        (str(c.number), c.state, c.priority, c.items, c.title, c.claimed_by_name, c.opened_at)
        for c in queue
    ]
    names = ("case", "state", "priority", "items", "about", "with", "opened (UTC)")
    show(table("Cases", names, rows))


def _show_case(detail: CaseDetail) -> None:
    summary = detail.summary
    page.print(f"[bold]Case {summary.number}[/bold] ({summary.state})", plain(summary.title))
    items = [
        (
            item.kind,
            item.source_id,
            " ".join(item.decision.actions),
            " ".join(f.kind for f in item.findings),
        )
        for item in detail.items
    ]
    titled = f"Items: the newest {len(items):,} of {summary.items:,}"
    show(table(titled, ("kind", "id", "actions", "findings"), items))
    for given in detail.verdicts:
        said = f"{given.member_name}: {given.outcome}: {given.reason}"
        page.print("[bold]Verdict[/bold]", plain(said))
    lines = [(t.at, t.text, t.actor, t.position) for t in detail.timeline]
    show(table("Timeline", ("when (UTC)", "what", "who", "leaf"), lines))
