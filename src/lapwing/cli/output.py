"""What a command prints. With --json: one JSON document, or NDJSON, on standard output only.

Progress, hints and refusals go to standard error, so that output can be piped. Names and values
come from outside: they are printed as they are, never read as markup or as terminal commands.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from lapwing.model.refusals import Refusal

DONE, FAILED, WRONG_USE, DONE_WITH_REFUSALS, INTERRUPTED = 0, 1, 2, 3, 130

Json = Annotated[bool, typer.Option("--json", help="Write one JSON document to standard output.")]

eye = Console(stderr=True, highlight=False, soft_wrap=True)
page = Console(highlight=False, soft_wrap=True)

_PIPED_WIDTH = 200


def write_json(document: object) -> None:
    """One JSON document, one line. Raises BrokenPipeError when nobody reads any more."""
    sys.stdout.buffer.write(msgspec.json.encode(document) + b"\n")
    sys.stdout.flush()


def write_lines(documents: Iterable[object]) -> None:
    """NDJSON, each line as soon as it is there."""
    for document in documents:
        write_json(document)


def plain(value: object) -> Text:
    """A value for the eye: no markup, and control characters shown instead of obeyed."""
    text = str(value)
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
    return Text(text)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table for the eye; columns of numbers are right-aligned."""
    drawn = Table(title=plain(title), header_style="bold")
    held = [list(row) for row in rows]
    for number, name in enumerate(columns):
        numeric = any(_is_number(row[number]) for row in held) and all(
            _is_number(row[number]) or row[number] is None for row in held
        )
        drawn.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in held:
        drawn.add_row(*(_cell(value) for value in row))
    return drawn


def show(drawn: Table, to: Console = page) -> None:
    """Print a table as wide as the terminal is; nothing is cut off, long values are folded."""
    if drawn.title:
        to.print(drawn.title, "" if drawn.row_count else ": none", sep="", style="italic")
    drawn.title = None
    if not to.is_terminal:
        to.width = _PIPED_WIDTH
    if drawn.row_count:
        to.print(drawn, soft_wrap=False)


def show_refusals(refused: Sequence[Refusal], *, most: int = 20) -> None:
    """List refused rows with file, line, field and reason."""
    if not refused:
        return
    columns = ("file", "line", "id", "field", "reason")
    rows = [(r.file, r.line, r.source_id, r.field, r.reason) for r in refused[:most]]
    used = [n for n in range(len(columns)) if any(row[n] is not None for row in rows)]
    shown = [[row[n] for n in used] for row in rows]
    show(table(f"Refused: {len(refused):,}", [columns[n] for n in used], shown), eye)
    if len(refused) > most:
        eye.print(f"… and {len(refused) - most:,} more; --json lists them all")


def finish(refused: Sequence[Refusal]) -> None:
    """End the command: 0 when all was taken, 3 when rows were refused."""
    raise typer.Exit(DONE_WITH_REFUSALS if refused else DONE)


@contextmanager
def progress(json: bool) -> Iterator[Progress]:
    """Progress on standard error; silent with --json or when nobody is looking."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=eye,
        transient=True,
        disable=json or not sys.stderr.isatty(),
    )
    with bar:
        yield bar


def _cell(value: Any) -> Text:
    if isinstance(value, Text):
        return value
    if value is None:
        return Text("")
    if isinstance(value, float):
        return Text(f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}")
    if isinstance(value, int) and not isinstance(value, bool):
        return Text(f"{value:,}")
    if isinstance(value, datetime):
        return Text(f"{value.astimezone(UTC):%Y-%m-%d %H:%M}")
    return plain(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
