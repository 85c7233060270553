"""`lapwing screen`: files of items, or folders of pictures, through the main job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from lapwing.cli.output import (
    Json,
    eye,
    finish,
    page,
    progress,
    show,
    show_refusals,
    table,
    write_json,
    write_lines,
)
from lapwing.cli.session import For, Maps, column_map, house, operator, organisation
from lapwing.intake.limits import DEFAULT_LIMITS
from lapwing.intake.readers import read_items
from lapwing.intake.records import ItemBuilder
from lapwing.model.decisions import Decision
from lapwing.screening.stream import Summary, screen_all
from lapwing.store.clock import new_id


def screen(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH…", help="NDJSON, CSV, pictures, folders of pictures; - for stdin."
        ),
    ],
    kind: Annotated[
        str,
        typer.Option(
            metavar="KIND", help="What the rows are: adverts, messages, payments, urls or media."
        ),
    ] = "media",
    maps: Maps = None,
    source: Annotated[
        str, typer.Option(help="Where the items come from; their ids are unique within it.")
    ] = "command-line",
    platform: Annotated[str, typer.Option(help="Platform that account ids belong to.")] = "default",
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Items a transaction.")] = 1000,
    each: Annotated[
        bool,
        typer.Option(
            "--decisions", help='With --json: a line {"decision": …} an item, as it is committed.'
        ),
    ] = False,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Screen items: detect, decide, record, open cases. Safe to repeat: an item counts once.

    docs/input.md has the columns of each kind. Refused rows are listed; the rest goes on.
    """
    columns = column_map(maps)
    with house() as opened, progress(json) as bar:
        mine = organisation(opened, organisation_name)
        builder = ItemBuilder(
            organisation=mine.id,
            source=source,
            account_secret=opened.keyring.account_secret(mine.id),
            platform=platform,
            clock=opened.clock,
            new_id=new_id,
        )
        task = bar.add_task(f"screening {kind}", total=None)
        readings = [read_items(path, kind, builder, DEFAULT_LIMITS, columns) for path in paths]
        summary = screen_all(
            opened.screening,
            mine.id,
            operator(opened),
            (entry for reading in readings for entry in reading),
            batch=batch,
            progress=_advance(bar, task),
            decided=_write_decisions if each and json else None,
        )
    if json:
        write_json({"summary": summary} if each else summary)
    else:
        show_summary(summary)
    finish(summary.refused)


def show_summary(summary: Summary) -> None:
    """The counts of a run, for the eye."""
    title = f"{summary.items:,} items in {summary.seconds:.1f} s ({summary.per_second:,.0f}/s)"
    show(table(title, ("action", "items"), list(summary.actions.items())))
    page.print(
        f"new {summary.fresh:,}, seen before {summary.repeated:,}, findings {summary.findings:,}, "
        f"cases opened {summary.cases_opened:,}, extended {summary.cases_extended:,}, "
        f"refused {len(summary.refused) + summary.refused_unlisted:,}"
    )
    show_uncovered(summary.no_detector.items())
    show_refusals(summary.refused)


def show_uncovered(counts: Iterable[tuple[str, int]]) -> None:
    """Say what no detector could look at; nothing is passed over in silence."""
    for kind, count in sorted(counts):
        if count:
            eye.print(f"[dim]{kind}: {count:,} without link or picture; no detector yet[/dim]")


def _write_decisions(decisions: Sequence[Decision]) -> None:
    write_lines({"decision": decision} for decision in decisions)


def _advance(bar: Progress, task: TaskID) -> Callable[[int, int], None]:
    def advance(done: int, refused: int) -> None:
        bar.update(task, completed=done + refused)

    return advance
