"""The indicators on a list: `lapwing bank show | add | withdraw`."""

from __future__ import annotations

from typing import Annotated

import typer
from msgspec.structs import replace

from lapwing.bank.canonical import guessed_kind
from lapwing.cli.output import (
    Json,
    finish,
    page,
    plain,
    show,
    show_refusals,
    table,
    write_json,
    write_lines,
)
from lapwing.cli.session import For, house, operator, organisation
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import IndicatorKind, NewIndicator
from lapwing.model.refusals import Refusal, refusal_of

OnList = Annotated[str, typer.Argument(metavar="LIST", help="Name or id of the list.")]
Kind = Annotated[
    IndicatorKind | None,
    typer.Option(help="What the values are; 64 hex digits may be PDQ or SHA-256, so say which."),
]


def show_list(
    list_name: OnList,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Indicators at most.")] = 100,
    after: Annotated[int, typer.Option(min=0, help="Only those with a larger id.")] = 0,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Show what is on a list, by id; --json writes a line an indicator."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        chosen = opened.bank.list_named(mine.id, list_name)
        found = opened.bank.indicators(mine.id, chosen.id, limit, after)
    if json:
        write_lines(found)
        return
    rows = [(str(one.id), one.kind, one.value, one.category, one.source) for one in found]
    show(table(chosen.name, ("id", "kind", "value", "category", "source"), rows))


def add(
    list_name: OnList,
    values: Annotated[list[str], typer.Argument(metavar="VALUE…")],
    kind: Kind = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Add values; they count at once."""
    entries: list[NewIndicator] = []
    unread: list[Refusal] = []
    for value in values:
        try:
            entries.append(NewIndicator(kind=kind or guessed_kind(value), value=value))
        except InvalidInput as error:
            unread.append(refusal_of(error, source_id=value))
    with house() as opened:
        mine = organisation(opened, organisation_name)
        chosen = opened.bank.list_named(mine.id, list_name)
        added = opened.bank.add(mine.id, operator(opened), chosen.id, entries)
    named = (
        replace(one, line=None, source_id=entries[one.line - 1].value if one.line else None)
        for one in added.refused
    )
    added = replace(added, refused=(*unread, *named))
    if json:
        write_json(added)
    else:
        page.print(f"added {len(added.ids):,}, there already {added.repeated:,}")
        show_refusals(added.refused)
    finish(added.refused)


def withdraw(
    list_name: OnList,
    values: Annotated[list[str], typer.Argument(metavar="VALUE…", help="Values or indicator ids.")],
    why: Annotated[str, typer.Option(help="Kept in the ledger.")],
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Withdraw values; they stop matching at once."""
    ids = [int(v) for v in values if _is_id(v)]
    rest = [v for v in values if not _is_id(v)]
    with house() as opened:
        mine = organisation(opened, organisation_name)
        chosen = opened.bank.list_named(mine.id, list_name)
        done = opened.bank.withdraw(
            mine.id, operator(opened), chosen.id, ids=ids, values=rest, why=why
        )
    missing = [Refusal(reason="is not on this list", source_id=value) for value in done.missing]
    if json:
        write_json(done)
    else:
        page.print(f"withdrawn {len(done.ids):,} from", plain(chosen.name))
        show_refusals(missing)
    finish(missing)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
