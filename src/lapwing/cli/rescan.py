"""`lapwing rescan`: the lists against a catalogue of hashes that the platform has stored."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Annotated, Any, TextIO

import msgspec
import typer

from lapwing.app import House
from lapwing.bank.index.view import BankView
from lapwing.bank.rescan import Finder, RescanHit, listed_codes, rescan, widest_reach
from lapwing.bank.rescan_ray import by_ray
from lapwing.bank.tiles import UNTRIED, by_tiles
from lapwing.cli.output import (
    DONE,
    DONE_WITH_REFUSALS,
    Json,
    eye,
    page,
    plain,
    progress,
    show,
    show_refusals,
    table,
    write_json,
)
from lapwing.cli.session import For, Maps, column_map, house, operator, organisation
from lapwing.intake.catalogues import read_catalogue
from lapwing.intake.records import ItemBuilder
from lapwing.model.catalogues import CatalogueRow
from lapwing.model.errors import InvalidInput, Unavailable
from lapwing.model.organisations import Organisation
from lapwing.model.refusals import Refusal
from lapwing.model.submissions import Submission
from lapwing.screening.stream import Summary, screen_all
from lapwing.store.clock import new_id

_LISTED = 1_000
_SHOWN = 20
_FORMS = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv", ".parquet": "parquet"}
COLUMNS = (
    "id",
    "row",
    "kind",
    "hash",
    "level",
    "counted",
    "reason",
    "asks",
    "distance",
    "list",
    "list_name",
    "verified",
    "category",
    "source",
    "value",
    "indicator",
    "generation",
)


def rescan_catalogue(
    catalogue: Annotated[Path, typer.Argument(help="Parquet, CSV or NDJSON with id and hashes.")],
    only: Annotated[
        list[str] | None, typer.Option("--list", help="Only this list; may be repeated.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="Where the name's ending does not tell.")
    ] = None,
    maps: Maps = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the hits here: .ndjson, .csv or .parquet.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=1024, help="Threads.")] = None,
    ray: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Search on a Ray cluster; `local` starts one here."),
    ] = None,
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Search with PyTorch on the GPU; never run on one yet.")
    ] = False,
    open_cases: Annotated[
        bool, typer.Option("--open-cases", help="Screen what matched, as if it came in now.")
    ] = False,
    platform: Annotated[str, typer.Option(help="With --open-cases: whose ids these are.")] = (
        "default"
    ),
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Match everything in a catalogue against the lists, as they are now.

    With --json a line {"hit": …} a hit, unless --out takes them, and {"summary": …} at the end. It
    tells and changes nothing; with --open-cases what matched goes through screening, which decides.
    """
    if ray is not None and gpu:
        raise InvalidInput("search on a Ray cluster or on a GPU, not both", field="gpu")
    told = Counter[str]()
    listed_refusals: list[Refusal] = []
    shown: list[RescanHit] = []
    matched: list[CatalogueRow] = []
    rows = refused = 0
    start = perf_counter()
    with house() as opened, progress(json) as bar, ExitStack() as stack:
        mine = organisation(opened, organisation_name)
        chosen = frozenset(opened.bank.list_named(mine.id, one).id for one in only or ())
        view = opened.live.snapshot().view(mine.id, opened.clock(), chosen or None)
        entries = read_catalogue(catalogue, form, column_map(maps))
        find, threads, where = stack.enter_context(_finder(opened, mine, view, ray, gpu))
        take = stack.enter_context(_taker(out, json))
        task = bar.add_task("searching", total=None)
        for searched in rescan(view, entries, find, workers=workers or threads):
            rows += len(searched.rows)
            refused += len(searched.refused)
            listed_refusals += searched.refused[: _LISTED - len(listed_refusals)]
            for hit in searched.hits:
                take(hit)
                told[hit.match.level] += 1
                if len(shown) < _SHOWN:
                    shown.append(hit)
            if open_cases:
                wanted = {hit.row for hit in searched.hits if hit.match.level != "harmless"}
                matched += [row for row in searched.rows if row.number in wanted]
            bar.update(task, completed=rows)
        screened = _screened(opened, mine, matched, view, platform) if open_cases else None
    seconds = perf_counter() - start
    summary = {
        "rows": rows,
        "refused": refused,
        "refusals": listed_refusals,
        "hits": dict(told),
        "seconds": round(seconds, 3),
        "generation": view.generation,
        "searched_with": where,
        "screened": screened,
    }
    if json:
        write_json({"summary": summary})
    else:
        _show(shown, summary, screened)
        show_refusals(listed_refusals)
    raise typer.Exit(DONE_WITH_REFUSALS if refused else DONE)


def _show(shown: list[RescanHit], summary: dict[str, Any], screened: Summary | None) -> None:
    found = sum(summary["hits"].values())
    title = f"{found:,} matches in {summary['rows']:,} rows ({summary['seconds']:.1f} s)"
    lines = [
        (h.id, h.match.kind, h.match.level, h.match.distance, h.match.list_name, h.match.category)
        for h in shown
    ]
    show(table(title, ("id", "kind", "is", "distance", "list", "category"), lines))
    if found > len(shown):
        page.print(f"… and {found - len(shown):,} more; --out FILE takes them all")
    page.print(", ".join(f"{level} {count:,}" for level, count in sorted(summary["hits"].items())))
    page.print("searched with", plain(summary["searched_with"]))
    if screened is not None:
        page.print(
            f"screened {screened.items:,}, cases opened {screened.cases_opened:,}, "
            f"extended {screened.cases_extended:,}"
        )


@contextmanager
def _finder(
    opened: House, mine: Organisation, view: BankView, ray: str | None, gpu: bool
) -> Iterator[tuple[Finder | None, int | None, str]]:
    """(what finds, how many at a time, in words); None finds with this node's own index."""
    if ray is None and not gpu:
        yield None, None, f"this machine's index, {os.cpu_count()} processors"
        return
    reach = widest_reach(view)
    with opened.database.organisation(mine.id) as connection:
        codes = listed_codes(connection, view)
    if reach < 0 or not len(codes):
        yield None, None, "this machine's index: no PDQ hash is listed"
    elif gpu:
        eye.print("note:", UNTRIED)
        yield by_tiles(codes, reach), 1, f"PyTorch on the GPU ({UNTRIED})"
    else:
        with by_ray(codes, reach, str(ray)) as (find, workers):
            yield find, workers + 1, f"Ray, {workers} workers"


def _screened(
    opened: House,
    mine: Organisation,
    matched: list[CatalogueRow],
    view: BankView,
    platform: str,
) -> Summary:
    """What matched, through the main job: it decides, records and opens cases as for any item.

    The source names the bank's generation, so that a later list is screened for again.
    """
    builder = ItemBuilder(
        organisation=mine.id,
        source=f"rescan {view.generation}",
        account_secret=opened.keyring.account_secret(mine.id),
        platform=platform,
        clock=opened.clock,
        new_id=new_id,
    )

    def submissions() -> Iterable[Submission]:
        for row in matched:
            record: dict[str, Any] = {kind.value: value.hex() for kind, value in row.hashes}
            if row.quality is not None and "pdq" in record:
                record["quality"] = row.quality
            yield Submission(item=builder.build("media", {"id": row.id} | record))

    return screen_all(opened.screening, mine.id, operator(opened), submissions())


@contextmanager
def _taker(out: Path | None, json: bool) -> Iterator[Callable[[RescanHit], None]]:
    """Where hits go as they are found; a file is readable by its owner alone."""
    if out is None:
        yield (lambda hit: write_json({"hit": _flat(hit)})) if json else (lambda hit: None)
        return
    form = _FORMS.get(out.suffix.lower())
    if form is None:
        raise InvalidInput(f"ends with {', '.join(_FORMS)}", field="out")
    if out.exists():
        raise InvalidInput(f"{out} is there already", field="out")
    half = out.with_name(f"{out.name}.part")
    opened = os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
    try:
        with opened as to:
            yield _csv_lines(to) if form == "csv" else _json_lines(to)
        if form == "parquet":
            _as_parquet(half)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    half.rename(out)


def _flat(hit: RescanHit) -> dict[str, Any]:
    """One level deep, with the same names in every form."""
    match = msgspec.to_builtins(hit.match)
    return {"id": hit.id, "row": hit.row} | {name: match[name] for name in COLUMNS[2:]}


def _json_lines(to: TextIO) -> Callable[[RescanHit], None]:
    def take(hit: RescanHit) -> None:
        to.write(msgspec.json.encode(_flat(hit)).decode() + "\n")

    return take


def _csv_lines(to: TextIO) -> Callable[[RescanHit], None]:
    lines = csv.DictWriter(to, COLUMNS, lineterminator="\n")
    lines.writeheader()

    def take(hit: RescanHit) -> None:
        lines.writerow(_flat(hit))

    return take


def _as_parquet(path: Path) -> None:
    """The JSON lines at `path` as Parquet in their place."""
    try:
        import duckdb
    except ImportError as error:
        raise Unavailable(
            "writing Parquet needs the extra `parquet`: pip install 'lapwing[parquet]'"
        ) from error
    types = dict.fromkeys(COLUMNS, "VARCHAR") | {
        "row": "BIGINT",
        "distance": "INTEGER",
        "indicator": "BIGINT",
        "generation": "BIGINT",
        "counted": "BOOLEAN",
        "verified": "BOOLEAN",
    }
    # DuckDB makes its file with everybody's rights: so in a folder of our own until they are set.
    with TemporaryDirectory(dir=path.parent, prefix=".rescan-") as folder:
        made = Path(folder) / path.name
        with duckdb.connect() as connection:
            lines = connection.read_json(str(path), format="newline_delimited", columns=types)
            lines.write_parquet(str(made))
        made.chmod(0o600)
        made.rename(path)
