"""One row of a list file into indicators.

| column | what it holds |
|---|---|
| `value` | a hash in hex, a link or a domain |
| `kind` | one of the kinds below; needed for 64 hex digits |
| `pdq` `md5` `sha1` `sha256` `video_frame` `url` `domain` | a value of that kind; several may be |
| `quality` | PDQ quality, 0 to 100 |
| `category` `source` `basis` | as on the list when empty |
| `valid_from` `valid_until` | RFC 3339, or a date alone: from its beginning, until its end (UTC) |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from lapwing.bank.canonical import guessed_kind
from lapwing.bank.index.hits import PERCEPTUAL
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import IndicatorKind, NewIndicator

IGNORED = "-"
"""What a column is mapped to when it shall be left out."""
WORDS = ("category", "source", "basis")
COLUMNS = ("kind", "value", "quality", *WORDS, "valid_from", "valid_until", *IndicatorKind)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def column_of(name: str, columns: Mapping[str, str]) -> str:
    """The column that a file's own name stands for. Raises InvalidInput for an unknown one."""
    column = columns.get(name, name.strip().lower())
    if column != IGNORED and column not in COLUMNS:
        raise InvalidInput(
            f"unknown column {name!r}; name it with --map FIELD={name} or leave it out with "
            f"--map ignore={name}; fields are {', '.join(COLUMNS)}",
            field=name,
        )
    return column


def indicators_of(row: Mapping[str, Any], default: IndicatorKind | None) -> Iterator[NewIndicator]:
    """The indicators of a row: one a value. Raises InvalidInput naming the column."""
    present = {column: cell for column, cell in row.items() if cell not in (None, "")}
    common: dict[str, Any] = {word: _text(present, word) for word in WORDS if word in present}
    common["valid_from"] = _moment(present, "valid_from", timedelta())
    common["valid_until"] = _moment(present, "valid_until", timedelta(days=1))
    quality = _quality(present)
    found = 0
    for kind, value in _values(present, default):
        found += 1
        alone = quality if kind in PERCEPTUAL else None
        yield NewIndicator(kind=kind, value=value, quality=alone, **common)
    if not found:
        raise InvalidInput("the row holds no value", field="value")


def kind_named(name: str) -> IndicatorKind:
    """The kind of this name (`SHA-256` is `sha256`). Raises InvalidInput for another."""
    try:
        return IndicatorKind(name.strip().lower().replace("-", ""))
    except ValueError:
        known = ", ".join(IndicatorKind)
        raise InvalidInput(f"unknown kind {name!r}; known are {known}", field="kind") from None


def _values(
    row: Mapping[str, Any], default: IndicatorKind | None
) -> Iterator[tuple[IndicatorKind, str]]:
    if "value" in row:
        value = _text(row, "value")
        if "kind" in row:
            yield kind_named(_text(row, "kind")), value
        else:
            yield default or guessed_kind(value), value
    for kind in IndicatorKind:
        if kind in row:
            yield kind, _text(row, kind)


def _text(row: Mapping[str, Any], column: str) -> str:
    cell = row[column]
    if not isinstance(cell, str):
        raise InvalidInput("must be text", field=column)
    return cell


def _quality(row: Mapping[str, Any]) -> int | None:
    cell = row.get("quality")
    if cell is None:
        return None
    if isinstance(cell, str) and cell.strip().isascii() and cell.strip().isdigit():
        cell = int(cell.strip()) if len(cell.strip()) <= 3 else -1
    if not isinstance(cell, int) or isinstance(cell, bool) or not 0 <= cell <= 100:
        raise InvalidInput("must be a whole number from 0 to 100", field="quality")
    return cell


def _moment(row: Mapping[str, Any], column: str, whole_day: timedelta) -> datetime | None:
    if column not in row:
        return None
    written = _text(row, column).strip()
    try:
        if _DATE.fullmatch(written):
            day = date.fromisoformat(written)
            return datetime(day.year, day.month, day.day, tzinfo=UTC) + whole_day
        moment = datetime.fromisoformat(written)
    except (ValueError, OverflowError):
        raise InvalidInput("must be a date or an RFC 3339 time", field=column) from None
    if moment.tzinfo is None:
        raise InvalidInput("needs a time zone", field=column)
    return moment
