"""`lapwing bench`: measurements as commands. Both sides of a comparison run in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lapwing.bench.markdown import columns_of, skeleton, written
from lapwing.bench.place import machine
from lapwing.bench.suite import SUITE, Measured
from lapwing.cli.output import Json, eye, page, plain, show, table, write_json
from lapwing.cli.session import settings

app = typer.Typer(
    help="Measure. Runs in a throw-away database; LAPWING_DATABASE_URL names another.",
    no_args_is_help=True,
)

Small = Annotated[
    bool, typer.Option("--small", help="Seconds instead of minutes: shows that it runs, no more.")
]


Document = Annotated[
    Path | None,
    typer.Option(
        "--markdown", metavar="FILE", help="Write the tables into this document, between marks."
    ),
]


@app.command("screen")
def screen(small: Small = False, markdown: Document = None, json: Json = False) -> None:
    """Items a second through the whole main job, with durable commits."""
    _run(["screen"], small, markdown, json)


@app.command("hash")
def hashing(small: Small = False, markdown: Document = None, json: Json = False) -> None:
    """PDQ beside pdqhash (where that is installed), and whole files to hashes."""
    _run(["hash"], small, markdown, json)


@app.command("match")
def match(small: Small = False, markdown: Document = None, json: Json = False) -> None:
    """Hamming scan and exact look-ups; a bank that changes."""
    _run(["match"], small, markdown, json)


@app.command("ledger")
def ledger(small: Small = False, markdown: Document = None, json: Json = False) -> None:
    """Leaves, durable appends, proofs, verification."""
    _run(["ledger"], small, markdown, json)


@app.command("pdq")
def pdq(small: Small = False, markdown: Document = None, json: Json = False) -> None:
    """Where PDQ stops: distances of changed photographs; pictures that say too little."""
    _run(["pdq"], small, markdown, json)


@app.command("all")
def everything(small: Small = False, markdown: Document = None, json: Json = False) -> None:
    """All of them, one after another."""
    _run(list(SUITE), small, markdown, json)


def _run(names: list[str], small: bool, markdown: Path | None, json: bool) -> None:
    """Measure, show each table when it is there, or write one JSON document at the end."""
    document = None if markdown is None else _checked(markdown, names)
    results: dict[str, list[Measured]] = {}
    if not json:
        page.print(plain(machine()))
    for name in names:
        results[name] = []
        for measured in SUITE[name](settings(), small):
            results[name].append(measured)
            if not json:
                columns = columns_of(measured.rows)
                rows = [[row.get(column) for column in columns] for row in measured.rows]
                show(table(measured.title, columns, rows))
    if json:
        tables = [
            {"bench": name, "title": measured.title, "rows": measured.rows}
            for name, found in results.items()
            for measured in found
        ]
        write_json({"machine": machine(), "small": small, "tables": tables})
    if markdown is not None and document is not None:
        markdown.write_text(written(document, results, machine()), "utf-8")
        eye.print("tables written into", plain(markdown))


def _checked(markdown: Path, names: list[str]) -> str:
    """The document's text; it has a place for each, or InvalidInput says so before the work."""
    text = markdown.read_text("utf-8") if markdown.exists() else skeleton(names)
    written(text, dict.fromkeys(names, ()), "")
    return text
