"""CSV as it comes: bounded, with quoted line breaks, and with the line where each row began."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from msgspec import Struct

from lapwing.intake.lines import bounded_lines
from lapwing.model.errors import InvalidInput, LimitExceeded

DELIMITERS = (",", ";", "\t", "|")

_REWINDS = 16
"""How often per file reading starts again behind a row that was never closed."""


class Row(Struct, frozen=True):
    """`line` is where the row begins, from 1. Cells may hold lone surrogates for broken UTF-8."""

    line: int
    cells: list[str]


class CsvRows:
    """Iterates over Row, or InvalidInput with `line` for one that cannot be read.

    An unclosed quote would swallow the rows behind it; so after a row that fails, reading goes on
    in the line after the one where it began, as long as the file does not do that too often.
    """

    def __init__(self, stream: BinaryIO, limit: int, known: frozenset[str]) -> None:
        self._lines = bounded_lines(stream, limit)
        self._again: deque[tuple[int, bytes | None]] = deque()
        self._taken: list[tuple[int, bytes | None]] = []
        self._bytes = 0
        self._number = 0
        self._limit = limit
        self._rewinds = _REWINDS
        for header in self._lines:
            self._number = 1
            self._again.append((1, header))
            break
        delimiter = guess_delimiter(self._again[0][1] or b"" if self._again else b"", known)
        self._reader = csv.reader(_Feed(self), delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[Row | InvalidInput]:
        """Rows in order; empty lines are no rows."""
        while True:
            self._taken, self._bytes = [], 0
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._refused(InvalidInput(_plain(error)))
            except LimitExceeded as error:
                yield self._refused(error)
            else:
                if cells:
                    yield Row(self._taken[0][0], cells)

    def take(self) -> str:
        """The next physical line for the parser."""
        if self._again:
            numbered = self._again.popleft()
        else:
            numbered = (self._number + 1, next(self._lines))
            self._number += 1
        self._taken.append(numbered)
        line = numbered[1]
        self._bytes += len(line or b"")
        if line is None or self._bytes > self._limit:
            raise LimitExceeded(f"longer than {self._limit:,} bytes")
        return str(line, "utf-8", "surrogateescape")

    def _refused(self, error: InvalidInput) -> InvalidInput:
        first, last = self._taken[0][0], self._taken[-1][0]
        error.line = first
        if last > first:
            if self._rewinds:
                self._rewinds -= 1
                self._again.extendleft(reversed(self._taken[1:]))
                ending = "is a quote left open? Reading goes on in the line after"
            else:
                ending = f"is a quote left open? Lines {first} to {last} are passed over"
            error = type(error)(f"{error.message}; {ending}", line=first)
        return error


class _Feed:
    """What the parser pulls lines from; unlike a generator it survives its own errors."""

    def __init__(self, rows: CsvRows) -> None:
        self._rows = rows

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        return self._rows.take()


def guess_delimiter(header: bytes, known: frozenset[str]) -> str:
    """The separator that makes most of the header's cells `known` names; a comma in doubt."""
    return max(DELIMITERS, key=lambda delimiter: _score(header, delimiter, known))


def looks_like_header(line: bytes, known: frozenset[str]) -> bool:
    """Whether a line has at least one of the `known` names as a cell."""
    return any(_score(line, delimiter, known) for delimiter in DELIMITERS)


def _score(header: bytes, delimiter: str, known: frozenset[str]) -> int:
    cells = header.decode("utf-8", "replace").split(delimiter)
    return sum(cell.strip(' "\r\n') in known for cell in cells)


def _plain(error: csv.Error) -> str:
    text = str(error)
    if "field larger than" in text:
        return f"a cell is longer than {csv.field_size_limit():,} characters"
    if "unexpected end of data" in text:
        return "the file ends inside a quoted cell"
    if "new-line character" in text:
        return "a carriage return stands inside a cell without quotes"
    return f"not CSV: {text}"
