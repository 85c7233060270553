"""List files into the bank and out of it: `lapwing bank import | export`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import msgspec
import typer
from msgspec.structs import replace

from lapwing.app import House
from lapwing.bank.fields import IGNORED
from lapwing.bank.formats import Format
from lapwing.bank.hash_lists import Declared, ListImported, check_declared, declare
from lapwing.bank.importing import Imported, format_of_name, import_file
from lapwing.bank.profiles.registry import profile_named, profiles
from lapwing.cli.output import (
    DONE,
    DONE_WITH_REFUSALS,
    Json,
    page,
    plain,
    progress,
    show,
    show_refusals,
    table,
    write_json,
    write_lines,
)
from lapwing.cli.session import For, Maps, column_map, house, operator, organisation
from lapwing.intake.columns import IGNORE
from lapwing.intake.hash_lists.opening import HashListForm, OpenedFile
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import BankList, IndicatorKind, ListKind
from lapwing.model.organisations import Organisation
from lapwing.model.refusals import Refusal

ToList = Annotated[str, typer.Option("--list", metavar="LIST", help="Name or id of the list.")]

_LISTED = 1_000
"""Refusals that are held; --refused takes any number."""


class FileFormat(StrEnum):
    AUTO = "auto"
    TEXT = "text"
    CSV = "csv"
    NDJSON = "ndjson"
    VICS = "vics"
    ICSE = "icse"


def import_list(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Text, CSV, NDJSON, VICS or ICSE; - for stdin.")
    ],
    list_name: ToList,
    form: Annotated[
        FileFormat, typer.Option("--format", help="Where name and content do not tell.")
    ] = FileFormat.AUTO,
    kind: Annotated[
        ListKind | None, typer.Option(help="VICS, ICSE: what kind of list the file is for.")
    ] = None,
    provenance: Annotated[
        str | None, typer.Option(help="VICS, ICSE: who made the file, and when.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="VICS, ICSE: what its categories mean: a name, or a .toml file."),
    ] = None,
    values: Annotated[
        IndicatorKind | None,
        typer.Option(help="What values are; 64 hex digits may be PDQ or SHA-256, so say which."),
    ] = None,
    maps: Maps = None,
    refused_to: Annotated[
        Path | None, typer.Option("--refused", help="Write every refused row into this file.")
    ] = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Import a file of values, with progress; refused rows are listed, the rest goes on.

    Text: one value a line. CSV and NDJSON: value and kind, or columns named pdq, md5, sha1, sha256,
    url, domain; also quality, category, source, basis, valid_from, valid_until. VICS and ICSE need
    --kind, --provenance and --profile: no such file says by itself what it lists.
    """
    declared = _declared(form, kind, provenance, profile)
    with house() as opened, progress(json) as bar, _refusals(refused_to) as (held, take):
        mine = organisation(opened, organisation_name)
        chosen = opened.bank.list_named(mine.id, list_name)
        task = bar.add_task("importing", total=None)

        def advance(done: int, refused: int) -> None:
            bar.update(task, completed=done)

        with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as stream:
            source = OpenedFile(cast("BinaryIO", stream), None if file == "-" else file)
            shown = source.form()
            wanted = _wanted(form, shown)
            imported: Imported | ListImported
            if wanted is None:
                _refuse_declared(provenance, profile)
                if kind is not None and kind is not chosen.kind:
                    raise InvalidInput(f"{chosen.name!r} is a {chosen.kind} list", field="kind")
                imported = import_file(
                    opened.bank,
                    mine.id,
                    operator(opened),
                    chosen.id,
                    source.buffered,
                    format=_generic(form, file),
                    kind=values,
                    columns=_columns(maps),
                    on_refusal=lambda one: take(replace(one, file=source.name)),
                    progress=advance,
                )
            else:
                said = declared or declare(kind, provenance, None)
                if maps or values:
                    raise InvalidInput(f"a {wanted} file has its own columns", field="map")
                imported = _hash_list(opened, mine, chosen, said, source, wanted, take, advance)
    imported = replace(imported, refusals=tuple(held))
    if json:
        write_json(imported)
    else:
        show_import(imported)
    raise typer.Exit(DONE_WITH_REFUSALS if imported.refused else DONE)


def list_profiles(
    own: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE…", help="Check .toml files of your own.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what the category profiles say, with their labels of the Universal Classification
    Schema; those that ship with Lapwing, or those in the files."""
    found = [profile_named(str(path)) for path in own or ()] or list(profiles().values())
    if json:
        write_lines(found)
        return
    for profile in found:
        rows = [
            (
                profile.raw(known),
                known.meaning,
                known.label,
                f"{known.universal.section}: {known.universal.label}" if known.universal else "",
            )
            for known in profile.category
        ]
        rows.append(("none", profile.missing, "", ""))
        title = f"{profile.name}: {profile.title} ({profile.source}; {profile.reviewed})"
        show(table(title, ("category", "means", "label", "universal label"), rows))


def show_import(imported: Imported | ListImported) -> None:
    """What an import did, for the eye."""
    page.print(f"added {imported.added:,}, there already {imported.repeated:,}")
    if isinstance(imported, ListImported):
        for what, count in imported.left_out.items():
            page.print(f"{count:,}", plain(what))
    show_refusals(imported.refusals)


def _hash_list(
    opened: House,
    mine: Organisation,
    chosen: BankList,
    declared: Declared,
    source: OpenedFile,
    form: HashListForm,
    take: Callable[[Refusal], None],
    advance: Callable[[int, int], None],
) -> ListImported:
    check_declared(chosen, declared, form)
    read = source.read(form)
    return opened.hash_lists.import_rows(
        mine.id,
        operator(opened),
        chosen,
        declared,
        iter(read),
        form=form,
        describe=lambda: source.described(read),
        left_out=read.left_out,
        file=source.name,
        progress=advance,
        on_refusal=take,
    )


def _declared(
    form: FileFormat, kind: ListKind | None, provenance: str | None, profile: str | None
) -> Declared | None:
    """What was said of a hash list; None where nothing was, or the form says it itself."""
    if form in (FileFormat.TEXT, FileFormat.CSV, FileFormat.NDJSON):
        _refuse_declared(provenance, profile)
        return None
    if form is FileFormat.AUTO and profile is None:
        return None
    return declare(kind, provenance, None if profile is None else profile_named(profile))


def _refuse_declared(provenance: str | None, profile: str | None) -> None:
    if provenance is not None or profile is not None:
        raise InvalidInput(
            "is for VICS and ICSE; in a file of this form the columns source and category say it "
            "row by row",
            field="provenance" if provenance is not None else "profile",
        )


def _wanted(form: FileFormat, shown: HashListForm | None) -> HashListForm | None:
    """The reader of a hash-list file; None for the other forms."""
    if form in (FileFormat.VICS, FileFormat.ICSE):
        return HashListForm(form)
    if shown is not None and form is not FileFormat.AUTO:
        raise InvalidInput(f"this is a {shown.upper()} file: --format {shown}", field="format")
    return shown


def _generic(form: FileFormat, file: str) -> Format | None:
    if form is not FileFormat.AUTO:
        return Format(form)
    return format_of_name(file)


def _columns(maps: list[str] | None) -> dict[str, str]:
    columns: dict[str, str] = {}
    for field, column in column_map(maps).items():
        names = column.split(",") if field == IGNORE else [column]
        columns |= {name.strip(): IGNORED if field == IGNORE else field for name in names}
    return columns


@contextmanager
def _refusals(
    path: Path | None,
) -> Iterator[tuple[list[Refusal], Callable[[Refusal], None]]]:
    """The first refusals, and what takes each as it comes, so that memory stays flat."""
    held: list[Refusal] = []
    with nullcontext() if path is None else path.open("wb") as out:

        def take(refusal: Refusal) -> None:
            if len(held) < _LISTED:
                held.append(refusal)
            if out is not None:
                out.write(msgspec.json.encode(refusal) + b"\n")

        yield held, take
