"""List files into the bank and out of it: `lapwing bank import | export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from lapwing.bank.fields import IGNORED
from lapwing.bank.formats import Format
from lapwing.bank.importing import import_file
from lapwing.cli.output import Json, finish, page, progress, show_refusals, write_json
from lapwing.cli.session import For, Maps, column_map, house, operator, organisation
from lapwing.intake.columns import IGNORE
from lapwing.model.indicators import IndicatorKind
from lapwing.model.refusals import Refusal

ToList = Annotated[str, typer.Option("--list", metavar="LIST", help="Name or id of the list.")]


def import_list(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Text, CSV or NDJSON; - for stdin.")],
    list_name: ToList,
    values: Annotated[
        IndicatorKind | None,
        typer.Option(help="What values are; 64 hex digits may be PDQ or SHA-256, so say which."),
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="Where the name's ending does not tell.")
    ] = None,
    maps: Maps = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Import a file of values, with progress; refused lines are listed, the rest goes on.

    Text: one value a line. CSV and NDJSON: value and kind, or columns named pdq, md5, sha1, sha256,
    url, domain; also quality, category, source, basis, valid_from, valid_until.
    """
    columns: dict[str, str] = {}
    for field, column in column_map(maps).items():
        names = column.split(",") if field == IGNORE else [column]
        columns |= {name.strip(): IGNORED if field == IGNORE else field for name in names}
    refused: list[Refusal] = []
    with house() as opened, progress(json) as bar:
        mine = organisation(opened, organisation_name)
        chosen = opened.bank.list_named(mine.id, list_name)
        task = bar.add_task("importing", total=None)
        imported = import_file(
            opened.bank,
            mine.id,
            operator(opened),
            chosen.id,
            sys.stdin.buffer if file == "-" else Path(file),
            format=form,
            kind=values,
            columns=columns,
            on_refusal=refused.append,
            progress=lambda done, refused: bar.update(task, completed=done),
        )
    if json:
        write_json(replace(imported, refusals=tuple(refused)))
    else:
        page.print(f"added {imported.added:,}, there already {imported.repeated:,}")
        show_refusals(refused)
    finish(refused)
