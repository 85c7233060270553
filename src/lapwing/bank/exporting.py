"""A list written as a file: text, CSV, NDJSON, VICS or ICSE, read back by `bank import`.

Whether it may leave is for the caller to ask (a second member confirms it). What a form cannot hold
is left out and counted, never bent into it.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from lapwing.bank.canonical import shown_value
from lapwing.bank.profiles.rows import raw_category
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import BankList, IndicatorKind


class ExportFormat(StrEnum):
    TEXT = "text"
    CSV = "csv"
    NDJSON = "ndjson"
    VICS = "vics"
    ICSE = "icse"


class Exported(NamedTuple):
    """An indicator as a file wants it."""

    id: int
    kind: IndicatorKind
    value: bytes
    quality: int | None
    category: str
    source: str
    basis: str
    valid_from: datetime | None
    valid_until: datetime | None
    media: int | None
    dated: datetime | None

    @property
    def shown(self) -> str:
        return shown_value(self.kind, self.value)


COLUMNS = ("kind", "value", "quality", "category", "source", "basis", "valid_from", "valid_until")
VICS_MARKERS = {
    "1.2": ("odata.metadata", "http://github.com/ICMEC/ProjectVic/DataModels/1.2.xml#Media"),
    "1.3": ("odata.metadata", "http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Media"),
    "2.0": (
        "@odata.context",
        "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/CUSTOM/$metadata#Media",
    ),
}
ICSE_COLUMNS = (
    "MD5",
    "SHA1",
    "PhotoDNA",
    "Image ID",
    "Is distributed",
    "Victim identified",
    "Offender identified",
    "Series name",
    "Number of submissions",
    "File Available",
    "Media Type",
    "Baseline",
)
_ALTERNATIVE = {IndicatorKind.SHA256: "SHA256", IndicatorKind.PDQ: "PDQ"}
_NO_MD5 = "hashes left out: nothing of their picture is an MD5, which the format needs"

_STANDING = text(
    """
    select id, kind, value, quality, category, source, basis, valid_from, valid_until, media, dated
      from indicators
     where list_id = :list and withdrawn_at is null and (valid_until is null or valid_until > :at)
     order by media nulls last, id
    """
)


def standing_rows(connection: Connection, list_id: UUID, at: datetime) -> Iterator[Exported]:
    """What stands on the list at this time, streamed; hashes of one picture follow one another."""
    result = connection.execute(
        _STANDING, {"list": list_id, "at": at}, execution_options={"yield_per": 5_000}
    )
    for row in result:
        yield Exported(row.id, IndicatorKind(row.kind), *row[2:])


def write_list(
    rows: Iterable[Exported],
    form: ExportFormat,
    header: Iterable[str] = (),
    *,
    version: str = "1.3",
    left_out: Counter[str],
) -> Iterator[bytes]:
    """The bytes of the file. `header` are lines on where it comes from; VICS and ICSE have no place
    for them. Raises InvalidInput where categories of two profiles would stand in one VICS file."""
    if form in (ExportFormat.TEXT, ExportFormat.CSV, ExportFormat.NDJSON):
        for line in header:
            yield f"# {' '.join(line.split())}\n".encode()
    yield from _WRITERS[form](rows, version, left_out)


def _text(rows: Iterable[Exported], version: str, left_out: Counter[str]) -> Iterator[bytes]:
    for row in rows:
        yield f"{row.kind} {row.shown}\n".encode()


def _cells(rows: Iterable[Exported], version: str, left_out: Counter[str]) -> Iterator[bytes]:
    yield ",".join(COLUMNS).encode() + b"\n"
    for row in rows:
        yield _csv_line([_cell(row, name) for name in COLUMNS])


def _objects(rows: Iterable[Exported], version: str, left_out: Counter[str]) -> Iterator[bytes]:
    for row in rows:
        named = {name: _cell(row, name) for name in COLUMNS}
        yield msgspec.json.encode({k: v for k, v in named.items() if v is not None}) + b"\n"


def _vics(rows: Iterable[Exported], version: str, left_out: Counter[str]) -> Iterator[bytes]:
    """Marker, then `value`, and nothing else: some readers accept no other order."""
    if version not in VICS_MARKERS:
        raise InvalidInput(f"there are {', '.join(VICS_MARKERS)}", field="version")
    name, marker = VICS_MARKERS[version]
    yield f'{{"{name}":"{marker}","value":['.encode()
    profiles: set[str] = set()
    for number, picture in enumerate(_pictures(rows, left_out), 1):
        found = {row.kind: row for row in picture}
        md5 = found[IndicatorKind.MD5]
        category = raw_category(md5.category)
        if isinstance(category, int) and not isinstance(category, bool):
            profiles.add(md5.category.partition(":")[0])
            if len(profiles) > 1:
                names = " and ".join(sorted(profiles))
                raise InvalidInput(
                    f"the list holds categories of {names}; their numbers mean different things "
                    "and cannot stand in one file",
                    field="format",
                )
        else:
            category = None
        media: dict[str, Any] = {
            "MediaID": number,
            "Category": category,
            "MD5": md5.value.hex().upper(),
        }
        if IndicatorKind.SHA1 in found:
            media["SHA1"] = found[IndicatorKind.SHA1].value.hex().upper()
        others = [
            {"HashName": _ALTERNATIVE[kind], "HashValue": row.value.hex()}
            for kind, row in found.items()
            if kind in _ALTERNATIVE
        ]
        if others:
            media["AlternativeHashes"] = others
        if md5.dated is not None:
            media["DateUpdated"] = md5.dated.isoformat().replace("+00:00", "Z")
        yield (b",\n" if number > 1 else b"\n") + msgspec.json.encode(media)
    yield b"\n]}\n"


def _icse(rows: Iterable[Exported], version: str, left_out: Counter[str]) -> Iterator[bytes]:
    yield ";".join(ICSE_COLUMNS).encode() + b"\r\n"
    for number, picture in enumerate(_pictures(rows, left_out), 1):
        found = {row.kind: row for row in picture}
        for kind in _ALTERNATIVE:
            if kind in found:
                left_out[f"{kind} hashes left out: the format has no place for them"] += 1
        sha1 = found.get(IndicatorKind.SHA1)
        baseline = raw_category(picture[0].category)
        cells = dict.fromkeys(ICSE_COLUMNS, "") | {
            "MD5": found[IndicatorKind.MD5].value.hex(),
            "SHA1": sha1.value.hex() if sha1 else "",
            "Image ID": str(number),
            "Baseline": str(baseline).lower() if isinstance(baseline, bool) else "",
        }
        yield ";".join(cells[name] for name in ICSE_COLUMNS).encode() + b"\r\n"


def _pictures(rows: Iterable[Exported], left_out: Counter[str]) -> Iterator[list[Exported]]:
    """The hashes of one picture together, those with an MD5 only."""
    for _, group in groupby(rows, key=lambda row: -row.id if row.media is None else row.media):
        picture = [row for row in group if row.kind in _HASHES]
        if any(row.kind is IndicatorKind.MD5 for row in picture):
            yield picture
        elif picture:
            left_out[_NO_MD5] += len(picture)
        else:
            left_out["links, domains and video frames left out"] += 1


_HASHES = frozenset(
    {IndicatorKind.MD5, IndicatorKind.SHA1, IndicatorKind.SHA256, IndicatorKind.PDQ}
)
_WRITERS: dict[ExportFormat, Callable[[Iterable[Exported], str, Counter[str]], Iterator[bytes]]] = {
    ExportFormat.TEXT: _text,
    ExportFormat.CSV: _cells,
    ExportFormat.NDJSON: _objects,
    ExportFormat.VICS: _vics,
    ExportFormat.ICSE: _icse,
}


def header_of(listed: BankList, organisation: str, at: datetime, by: str) -> list[str]:
    """Where a file comes from, in lines."""
    return [
        f"{listed.name}: a {listed.kind} list of {organisation}",
        f"source: {listed.source}; basis: {listed.basis}; category: {listed.category}",
        f"written {at.isoformat(timespec='seconds')} by {by}",
    ]


def _cell(row: Exported, name: str) -> Any:
    if name == "value":
        return row.shown
    cell = getattr(row, name)
    if isinstance(cell, datetime):
        return cell.isoformat()
    return cell.value if isinstance(cell, IndicatorKind) else cell


def _csv_line(cells: list[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()
