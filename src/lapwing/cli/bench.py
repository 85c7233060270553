"""`lapwing bench`: measurements as commands. Both sides of a comparison run in one process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from lapwing.bench.markdown import columns_of, skeleton, written
from lapwing.bench.place import machine
from lapwing.bench.suite import SUITE, Bench, Measured, measure_matching, measure_serving
from lapwing.cli.output import Json, eye, page, plain, show, table, write_json
from lapwing.cli.session import settings
from lapwing.model.errors import InvalidInput

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
    """PDQ beside pdqhash, whole files beside threatexchange (where those are installed)."""
    _run(["hash"], small, markdown, json)


@app.command("video")
def video(small: Small = False, markdown: Document = None, json: Json = False) -> None:
    """Hashing a video beside vPDQ, and comparing many with a bank. Needs the extra `video`."""
    _run(["video"], small, markdown, json)


@app.command("match")
def match(
    codes: Annotated[
        str, typer.Option(help="Sizes of the Hamming index, with commas between them.")
    ] = "1000000",
    others_up_to: Annotated[
        int, typer.Option(help="Measure threatexchange and FAISS up to this size.")
    ] = 10_000_000,
    small: Small = False,
    markdown: Document = None,
    json: Json = False,
) -> None:
    """The Hamming index beside the scan, threatexchange and FAISS (where installed); recall;
    exact look-ups; a bank that changes."""
    sizes = tuple(_size(part) for part in codes.split(","))
    bench = partial(measure_matching, sizes=sizes, others_up_to=others_up_to)
    asked = f" --codes {codes}" if codes != "1000000" else ""
    if others_up_to != 10_000_000:
        asked += f" --others-up-to {others_up_to}"
    _run(["match"], small, markdown, json, {"match": bench}, asked)


@app.command("live")
def live(small: Small = False, markdown: Document = None, json: Json = False) -> None:
    """The bank as workers hold it: loading, sharing, and a change until all have it."""
    _run(["live"], small, markdown, json)


@app.command("ledger")
def ledger(small: Small = False, markdown: Document = None, json: Json = False) -> None:
    """Leaves, durable appends, proofs, verification."""
    _run(["ledger"], small, markdown, json)


@app.command("pdq")
def pdq(small: Small = False, markdown: Document = None, json: Json = False) -> None:
    """Where PDQ stops: distances of changed photographs; pictures that say too little."""
    _run(["pdq"], small, markdown, json)


@app.command("serve")
def serve(
    codes: Annotated[int | None, typer.Option(min=1, help="PDQ hashes in the bank.")] = None,
    hashes: Annotated[int | None, typer.Option(min=1, max=500, help="Hashes a call.")] = None,
    seconds: Annotated[int | None, typer.Option(min=1, help="Of each measurement.")] = None,
    connections: Annotated[int | None, typer.Option(min=1, help="Kept by the client.")] = None,
    small: Small = False,
    markdown: Document = None,
    json: Json = False,
) -> None:
    """Matching over HTTP: a server of two workers on loopback, driven by wrk where that is
    installed. 1,000,000 hashes, 8 a call, 10 seconds, 32 connections."""
    given = {"codes": codes, "hashes": hashes, "seconds": seconds, "connections": connections}
    sizes = {name: value for name, value in given.items() if value is not None}
    bench: Bench = partial(measure_serving, sizes=sizes)
    asked = "".join(f" --{name} {value}" for name, value in sizes.items())
    _run(["serve"], small, markdown, json, {"serve": bench}, asked)


@app.command("import")
def import_files(small: Small = False, markdown: Document = None, json: Json = False) -> None:
    """VICS and ICSE files, read alone and imported whole; memory."""
    _run(["import"], small, markdown, json)


@app.command("rescan")
def rescan(small: Small = False, markdown: Document = None, json: Json = False) -> None:
    """A catalogue against the lists: this node, Ray and PyTorch where they are installed."""
    _run(["rescan"], small, markdown, json)


@app.command("all")
def everything(small: Small = False, markdown: Document = None, json: Json = False) -> None:
    """All of them, one after another."""
    _run(list(SUITE), small, markdown, json)


def _size(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 1 << 32:
        raise InvalidInput(f"not a number of codes: {text!r}", field="codes")
    return int(text)


def _run(
    names: list[str],
    small: bool,
    markdown: Path | None,
    json: bool,
    suite: Mapping[str, Bench] = SUITE,
    options: str = "",
) -> None:
    """Measure, show each table when it is there, or write one JSON document at the end.

    `options` is how the command was called, for the document.
    """
    if markdown is not None:
        _checked(markdown, names)
    results: dict[str, list[Measured]] = {}
    if not json:
        page.print(plain(machine()))
    for name in names:
        results[name] = []
        for measured in suite[name](settings(), small):
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
    if markdown is not None:
        # Read again: somebody may have written into it while this was measuring.
        document = _checked(markdown, names)
        markdown.write_text(written(document, results, machine(), options), "utf-8")
        eye.print("tables written into", plain(markdown))


def _checked(markdown: Path, names: list[str]) -> str:
    """The document's text; it has a place for each, or InvalidInput says so before the work."""
    text = markdown.read_text("utf-8") if markdown.exists() else skeleton(names)
    written(text, dict.fromkeys(names, ()), "")
    return text
