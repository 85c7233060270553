"""List files into the bank: one value a line, CSV with a header, or NDJSON.

A line is a record; a broken one is refused with its number and the rest goes on. `fields` tells
the columns. Nothing is guessed where two readings are possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import IO
from uuid import UUID

import msgspec
from msgspec import Struct

from lapwing.bank.fields import indicators_of
from lapwing.bank.formats import READERS, Format
from lapwing.bank.lines import LINE_BYTES, lines_of
from lapwing.bank.service import Bank
from lapwing.model.actors import Actor
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import IndicatorKind, NewIndicator
from lapwing.model.refusals import Refusal, refusal_of

CHUNK = 10_000
"""Indicators a transaction."""
SHOWN_REFUSALS = 1_000
"""Refusals that the result carries; all of them go to `on_refusal`."""

Numbered = tuple[int, NewIndicator | Refusal]


_BY_SUFFIX = {
    ".txt": Format.TEXT,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
}


class Imported(Struct, frozen=True, kw_only=True):
    """What an import did. `refusals` are the first 1,000 of `refused`."""

    added: int
    repeated: int
    refused: int
    refusals: tuple[Refusal, ...]
    generation: int | None
    """The bank generation that holds the last of it; None when nothing was handed on."""


def read_indicators(
    source: Path | IO[bytes],
    format: Format | str | None = None,
    columns: Mapping[str, str] | None = None,
    kind: IndicatorKind | None = None,
    *,
    line_bytes: int = LINE_BYTES,
) -> Iterator[NewIndicator | Refusal]:
    """The indicators of a list file, in order, with a refusal in place of what cannot be read.

    `columns` maps the file's names to ours (`-` leaves one out); `kind` is that of values whose
    row names none. Values are checked when they are added. Raises InvalidInput when the file as a
    whole cannot be read.
    """
    for _, entry in _read(source, format, columns, kind, line_bytes):
        yield entry


def import_file(
    bank: Bank,
    organisation: UUID,
    actor: Actor,
    list_id: UUID,
    source: Path | IO[bytes],
    *,
    format: Format | str | None = None,
    columns: Mapping[str, str] | None = None,
    kind: IndicatorKind | None = None,
    progress: Callable[[int, int], None] = lambda done, refused: None,
    on_refusal: Callable[[Refusal], None] = lambda refusal: None,
    chunk: int = CHUNK,
    line_bytes: int = LINE_BYTES,
) -> Imported:
    """Put a list file on a list, a transaction every `chunk` rows.

    `progress` is told (entries done, refused so far) after each. When an import stops half-way, run
    it again: what is listed already is only counted. Raises as `read_indicators` and `Bank.add`.
    """
    file = _name_of(source)
    added = repeated = refused = done = 0
    shown: list[Refusal] = []
    generation: int | None = None
    rows = _read(source, format, columns, kind, line_bytes)
    while part := list(islice(rows, chunk)):
        fresh = [(line, entry) for line, entry in part if isinstance(entry, NewIndicator)]
        refusals = [entry for _, entry in part if isinstance(entry, Refusal)]
        answer = bank.add(organisation, actor, list_id, [entry for _, entry in fresh])
        refusals += [
            msgspec.structs.replace(refusal, file=file, line=fresh[(refusal.line or 1) - 1][0])
            for refusal in answer.refused
        ]
        added += len(answer.ids)
        repeated += answer.repeated
        refused += len(refusals)
        generation = answer.generation
        for refusal in sorted(refusals, key=lambda refusal: refusal.line or 0):
            on_refusal(refusal)
            if len(shown) < SHOWN_REFUSALS:
                shown.append(refusal)
        done += len(part)
        progress(done, refused)
    return Imported(
        added=added,
        repeated=repeated,
        refused=refused,
        refusals=tuple(shown),
        generation=generation,
    )


def _read(
    source: Path | IO[bytes],
    format: Format | str | None,
    columns: Mapping[str, str] | None,
    kind: IndicatorKind | None,
    line_bytes: int,
) -> Iterator[Numbered]:
    chosen = _format_of(source, format)
    file = _name_of(source)
    opened = source.open("rb") if isinstance(source, Path) else nullcontext(source)
    with opened as stream:
        lines = lines_of(stream, file=file, line_bytes=line_bytes)
        for number, row in READERS[chosen](lines, columns or {}):
            if isinstance(row, Refusal):
                yield number, msgspec.structs.replace(row, file=file, line=number)
                continue
            try:
                for indicator in indicators_of(row, kind):
                    yield number, indicator
            except InvalidInput as error:
                yield number, refusal_of(error, file=file, line=number)


def format_of_name(name: str) -> Format:
    """The format that a file's name tells. Raises InvalidInput where it tells none."""
    suffix = Path(name).suffix.lower()
    if suffix not in _BY_SUFFIX:
        raise InvalidInput("say the format: text, csv or ndjson", field="format")
    return _BY_SUFFIX[suffix]


def _format_of(source: Path | IO[bytes], format: Format | str | None) -> Format:
    if format is None:
        return format_of_name(source.name if isinstance(source, Path) else "")
    try:
        return Format(format)
    except ValueError:
        raise InvalidInput(f"unknown format {format!r}", field="format") from None


def _name_of(source: Path | IO[bytes]) -> str | None:
    return str(source) if isinstance(source, Path) else None
