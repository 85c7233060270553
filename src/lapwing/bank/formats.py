"""The three forms of a list file, line by line into rows of named cells.

A line is a record in every form: a CSV cell cannot hold a line break, so an unclosed quote costs
one line and not the rest of the file. Lines that begin with `#` are comments.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from lapwing.bank.fields import IGNORED, column_of
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import IndicatorKind
from lapwing.model.refusals import Refusal, refusal_of


class Format(StrEnum):
    TEXT = "text"
    CSV = "csv"
    NDJSON = "ndjson"


Lines = Iterator[tuple[int, str | Refusal]]
Rows = Iterator[tuple[int, Mapping[str, Any] | Refusal]]

_OBJECT = msgspec.json.Decoder(dict[str, Any])
_KINDS = frozenset(kind.value for kind in IndicatorKind)


def _texts(lines: Lines, columns: Mapping[str, str]) -> Rows:
    """`value`, or `kind value`."""
    if columns:
        raise InvalidInput("a text file has no columns to map", field="columns")
    for number, line in lines:
        if isinstance(line, Refusal):
            yield number, line
        elif (bare := line.strip()) and not bare.startswith("#"):
            first, _, rest = bare.partition(" ")
            if rest and first.lower().replace("-", "") in _KINDS:
                yield number, {"kind": first, "value": rest.strip()}
            else:
                yield number, {"value": bare}


def _cells(lines: Lines, columns: Mapping[str, str]) -> Rows:
    header: list[str] = []
    delimiter = ","
    for number, line in lines:
        if isinstance(line, Refusal):
            if not header:
                raise InvalidInput(f"the header cannot be read: {line.reason}", line=number)
            yield number, line
            continue
        if not line.strip() or line.startswith("#"):
            continue
        if not header:
            delimiter = max(",;\t", key=line.count)
            header = _header(line, delimiter, columns, number)
            continue
        try:
            cells = next(csv.reader([line], delimiter=delimiter, strict=True))
        except csv.Error as error:
            yield number, Refusal(reason=f"not a CSV line: {error}")
            continue
        if len(cells) != len(header):
            reason = f"{len(cells)} cells where the header has {len(header)}"
            yield number, Refusal(reason=reason)
            continue
        yield number, {c: v for c, v in zip(header, cells, strict=True) if c != IGNORED}


def _header(line: str, delimiter: str, columns: Mapping[str, str], number: int) -> list[str]:
    try:
        names = next(csv.reader([line], delimiter=delimiter, strict=True))
        header = [column_of(name, columns) for name in names]
    except (csv.Error, InvalidInput) as error:
        raise InvalidInput(f"the header cannot be used: {error}", line=number) from error
    twice = {c for c in header if c != IGNORED and header.count(c) > 1}
    if twice:
        raise InvalidInput(f"column {min(twice)!r} stands there twice", line=number)
    if not {"value", *IndicatorKind} & set(header):
        raise InvalidInput("no column holds values (value, pdq, md5, …)", line=number)
    return header


def _objects(lines: Lines, columns: Mapping[str, str]) -> Rows:
    for number, line in lines:
        if isinstance(line, Refusal):
            yield number, line
            continue
        if not line.strip() or line.startswith("#"):
            continue
        try:
            named = _named(_OBJECT.decode(line), columns)
        except InvalidInput as error:
            yield number, refusal_of(error)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            yield number, Refusal(reason=f"not a JSON object: {error}")
        else:
            yield number, named


def _named(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, cell in row.items():
        column = column_of(name, columns)
        if column in named:
            raise InvalidInput(f"{column!r} stands there twice", field=name)
        if column != IGNORED:
            named[column] = cell
    return named


READERS: dict[Format, Callable[[Lines, Mapping[str, str]], Rows]] = {
    Format.TEXT: _texts,
    Format.CSV: _cells,
    Format.NDJSON: _objects,
}
