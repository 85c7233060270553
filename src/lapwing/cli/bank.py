"""`lapwing bank`: lists of what is known, and matching against them."""

from __future__ import annotations

from typing import Annotated

import typer

from lapwing.bank.matching import HashQuery, match_hashes
from lapwing.bank.service import NewList
from lapwing.cli import bank_export, bank_files, indicators, judging
from lapwing.cli.indicators import Kind
from lapwing.cli.output import Json, page, plain, show, table, write_json, write_lines
from lapwing.cli.session import For, house, operator, organisation
from lapwing.model.indicators import KNOWN_DISTANCE, NEAR_DISTANCE, ListAction, ListKind

app = typer.Typer(help="What is known: lists and their indicators.", no_args_is_help=True)


@app.command()
def lists(organisation_name: For = None, json: Json = False) -> None:
    """Show the lists."""
    with house() as opened:
        found = opened.bank.lists(organisation(opened, organisation_name).id)
    if json:
        write_json(found)
        return
    rows = [
        (
            one.name,
            one.kind,
            one.action,
            one.category,
            one.source,
            "yes" if one.verified else "no",
            one.id,
        )
        for one in found
    ]
    show(table("Lists", ("name", "kind", "asks for", "category", "source", "verified", "id"), rows))


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    source: Annotated[str, typer.Option(help="Who says so.")],
    basis: Annotated[str, typer.Option(help="Why it may be used: law, contract, verdict.")],
    category: Annotated[str, typer.Option(help="What the list holds.")],
    kind: Annotated[
        ListKind, typer.Option(help="Block what is on it, show it to people, or let it pass.")
    ] = ListKind.REVIEW,
    verified: Annotated[
        bool, typer.Option("--verified", help="Every entry was confirmed by a person.")
    ] = False,
    known_distance: Annotated[
        int, typer.Option(min=0, max=KNOWN_DISTANCE, help="Bits of 256 up to which PDQ is known.")
    ] = KNOWN_DISTANCE,
    near_distance: Annotated[
        int, typer.Option(min=0, max=NEAR_DISTANCE, help="Bits of 256 up to which PDQ is near.")
    ] = NEAR_DISTANCE,
    action: Annotated[
        ListAction | None,
        typer.Option(help="What a known match asks for; else hold, or review on a review list."),
    ] = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Create a list. Distances may only be tightened."""
    new = NewList(
        name=name,
        kind=kind,
        source=source,
        basis=basis,
        category=category,
        verified=verified,
        known_distance=known_distance,
        near_distance=near_distance,
        action=action,
    )
    with house() as opened:
        mine = organisation(opened, organisation_name)
        made = opened.bank.create_list(mine.id, operator(opened), new)
    if json:
        write_json(made)
        return
    page.print("List", plain(made.name), f"({made.kind}): {made.id}")


app.command("show")(indicators.show_list)
app.command("add")(indicators.add)
app.command("import")(bank_files.import_list)
app.command("export")(bank_export.export_list)
app.command("profiles")(bank_files.list_profiles)
app.command("withdraw")(indicators.withdraw)
app.command("change")(judging.change)
app.command("override")(judging.override)
app.command("opinions")(judging.opinions)
app.command("opinion")(judging.opinion)
app.command("retract")(judging.retract)
app.command("quarantine")(judging.quarantine)
app.command("release")(judging.release)
app.command("keep")(judging.keep)


@app.command()
def match(
    hashes: Annotated[list[str], typer.Argument(metavar="HASH…")],
    kind: Kind = None,
    quality: Annotated[
        int | None,
        typer.Option(min=0, max=100, help="PDQ quality of yours; from 50 it can be known."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--list", help="Only this list; may be repeated.")
    ] = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Match hashes against the lists; --json writes a line a match, and none when none matches."""
    queries = [HashQuery(hash=value, kind=kind, quality=quality) for value in hashes]
    with house() as opened:
        mine = organisation(opened, organisation_name)
        chosen = frozenset(opened.bank.list_named(mine.id, one).id for one in only or ())
        view = opened.live.snapshot().view(mine.id, opened.clock(), chosen or None)
        found = match_hashes(view, queries)
    if json:
        write_lines(found)
        return
    rows = [
        (m.hash, m.kind, m.level, m.asks, m.reason, m.distance, m.list_name, m.category)
        for m in found
    ]
    columns = ("hash", "kind", "is", "asks for", "why not more", "distance", "list", "category")
    show(table("Matches", columns, rows))
