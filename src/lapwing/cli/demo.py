"""`lapwing demo`: the main job on real photographs and neutral, seeded material."""

from __future__ import annotations

from typing import Annotated

import typer
from msgspec import to_builtins
from msgspec.structs import replace

from lapwing.cli.output import (
    DONE,
    FAILED,
    Json,
    eye,
    page,
    progress,
    show,
    show_refusals,
    table,
    write_json,
)
from lapwing.cli.session import address_of, house, require_free_port, settings, sign_in_address
from lapwing.demo.photographs import photographs
from lapwing.demo.rehearsal import rehearsing
from lapwing.demo.run import DemoSummary, run_demo
from lapwing.settings import Settings
from lapwing.store.embedded import EmbeddedPostgres
from lapwing.web.serve import serve as run_server

LINK_MINUTES = 60


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop after the summary.")] = False,
    size: Annotated[int, typer.Option(min=10, max=100_000, help="Adverts, and messages.")] = 1500,
    seed: Annotated[int, typer.Option(help="Another seed, other material.")] = 7,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to bind; LAPWING_PORT.")
    ] = None,
    log: Annotated[
        bool, typer.Option("--log/--no-log", help="A line a request on standard error.")
    ] = False,
    json: Json = False,
) -> None:
    """Screen photographs, links, adverts, messages and payments, then serve the console.

    Repeatable. Exit code 1 when something planted was not found, or something else was.
    """
    chosen = settings()
    chosen = replace(chosen, port=port or chosen.port, access_log=log)
    photographs()
    if not once:
        require_free_port(chosen)
    embedded = None if chosen.database_url else EmbeddedPostgres(chosen.home)
    ours = embedded is not None and not embedded.running()
    try:
        summary = _run(chosen, size, seed, once, json)
        if not once:
            with rehearsing(chosen, summary.organisation) as rehearsed:
                run_server(rehearsed)
    finally:
        # Whoever started the database stops it; another command may be using one that ran before.
        if embedded is not None and ours:
            embedded.stop()
    raise typer.Exit(DONE if summary.all_found else FAILED)


def _run(chosen: Settings, size: int, seed: int, once: bool, json: bool) -> DemoSummary:
    with house(chosen) as opened:
        with progress(json) as bar:
            task = bar.add_task("preparing", total=None)

            def step(said: str, done: int, total: int) -> None:
                bar.update(task, description=said, completed=done, total=total or None)

            summary = run_demo(opened, size=size, seed=seed, step=step)
        link = None
        if not once:
            token = opened.members.sign_in_link(
                summary.organisation, summary.reviewer, minutes=LINK_MINUTES
            )
            link = sign_in_address(token, chosen)
    if json:
        served = {"console": address_of(chosen), "sign_in": link} if link else {}
        write_json({"all_found": summary.all_found, **to_builtins(summary), **served})
        return summary
    _show(summary)
    if link:
        page.print(
            f"\nConsole, one-time link, for {LINK_MINUTES} minutes (Ctrl-C stops the server):"
            f"\n  [bold]{link}[/bold]"
        )
    return summary


def _show(summary: DemoSummary) -> None:
    names = ("kind", "items", "listed", "found", "wrongly", "refused", "no detector yet", "items/s")
    rows = [
        (
            k.kind,
            k.items,
            k.planted,
            k.found,
            k.wrong,
            k.refused,
            k.no_detector,
            round(k.per_second),
        )
        for k in summary.kinds
    ]
    show(table("Screened", names, rows))
    pictures = [(p.name, p.listed, p.copies, p.recognised, p.farthest) for p in summary.photographs]
    columns = ("photograph", "listed as", "copies", "recognised", "largest distance")
    show(table("Photographs", columns, pictures))
    show_refusals(summary.refused, most=5)
    page.print(
        f"Cases opened {summary.cases_opened:,}, extended {summary.cases_extended:,}. "
        f"Ledger: {summary.ledger_size:,} leaves, verified, root {summary.ledger_root[:16]}…"
    )
    page.print(
        f"Ready after {summary.start_seconds:.1f} s, screened in {summary.screen_seconds:.1f} s, "
        f"memory of Lapwing's process {summary.memory_mb:,.0f} MB."
    )
    if not summary.all_found:
        eye.print("[red]The demo did not find everything that it should have.[/red]")
