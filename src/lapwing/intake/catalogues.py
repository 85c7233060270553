"""Catalogues of stored hashes: Parquet, CSV or NDJSON, row by row in bounded memory.

A catalogue has an `id` and at least one of `pdq`, `md5`, `sha1`, `sha256` (hex, or bytes in
Parquet), and may have `quality`. It must never be read whole.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from lapwing.intake.columns import IGNORE
from lapwing.intake.csv_rows import CsvRows
from lapwing.intake.hash_lists.hashes import WIDTHS, hash_bytes_of, number_of
from lapwing.intake.limits import MEBIBYTE
from lapwing.intake.lines import bounded_lines, printable
from lapwing.model.catalogues import CatalogueRow
from lapwing.model.errors import InvalidInput, Unavailable
from lapwing.model.indicators import IndicatorKind
from lapwing.model.refusals import Refusal, refusal_of

HASHES = (IndicatorKind.PDQ, IndicatorKind.MD5, IndicatorKind.SHA1, IndicatorKind.SHA256)
FIELDS = ("id", "quality", *(kind.value for kind in HASHES))
FORMS = ("parquet", "csv", "ndjson")

_SUFFIXES = {".parquet": "parquet", ".csv": "csv", ".tsv": "csv"} | dict.fromkeys(
    (".ndjson", ".jsonl"), "ndjson"
)
_FETCHED = 16_384
"""Rows asked of Parquet at a time."""
_LONGEST_ID = 512

Entry = CatalogueRow | Refusal


def read_catalogue(
    path: Path, form: str | None = None, columns: Mapping[str, str] | None = None
) -> Iterator[Entry]:
    """The rows in order, with a refusal in place of what cannot be used.

    `columns` maps our field to the name it has in the file; other columns are not looked at, and
    `ignore` may name them. Raises InvalidInput when the whole cannot be read, Unavailable where
    Parquet needs the extra `parquet`, OSError.
    """
    chosen = form or _SUFFIXES.get(path.suffix.lower())
    if chosen not in FORMS:
        raise InvalidInput(f"say the format: {', '.join(FORMS)}", field="format")
    names = {field: field for field in FIELDS} | dict(columns or {})
    names.pop(IGNORE, None)
    unknown = sorted(names.keys() - set(FIELDS))
    if unknown:
        raise InvalidInput(
            f"there is no field {unknown[0]!r}; there are {', '.join(FIELDS)}", field="map"
        )
    file = printable(str(path))
    if chosen == "parquet":
        return _parquet(path, file, names)
    return (_csv if chosen == "csv" else _ndjson)(path, file, names)


def _parquet(path: Path, file: str, names: Mapping[str, str]) -> Iterator[Entry]:
    try:
        import duckdb
    except ImportError as error:
        raise Unavailable(
            "reading Parquet needs the extra `parquet`: pip install 'lapwing[parquet]'"
        ) from error
    with path.open("rb"):
        pass  # a missing file is told as for every other form
    settings: dict[str, Any] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "enable_external_file_cache": "false",  # or the file stays in memory once it was read
        "memory_limit": "1GB",
    }
    with duckdb.connect(config=settings) as connection:
        source = [str(path.absolute()).replace("*", "[*]").replace("?", "[?]")]
        try:
            described = connection.execute("describe select * from read_parquet(?)", source)
            there = {row[0] for row in described.fetchall()}
            fields = _present(names, there)
            asked = ", ".join('"' + names[field].replace('"', '""') + '"' for field in fields)
            result = connection.execute(f"select {asked} from read_parquet(?)", source)
            number = 0
            while rows := result.fetchmany(_FETCHED):
                for row in rows:
                    number += 1
                    yield from _row(fields, row, file, number)
        except duckdb.Error as error:
            raise InvalidInput(f"not a Parquet file: {str(error).splitlines()[0]}") from error


def _csv(path: Path, file: str, names: Mapping[str, str]) -> Iterator[Entry]:
    with path.open("rb") as stream:
        rows = CsvRows(stream, MEBIBYTE, frozenset(names.values()))
        fields: list[str] = []
        at: list[int] = []
        for row in rows:
            if isinstance(row, InvalidInput):
                if not fields:
                    raise row
                yield refusal_of(row, file=file)
            elif not fields:
                header = [cell.strip() for cell in row.cells]
                fields = _present(names, set(header))
                at = [header.index(names[field]) for field in fields]
                width = len(header)
            elif len(row.cells) != width:
                reason = f"{len(row.cells)} cells where the header has {width}"
                yield Refusal(reason=reason, file=file, line=row.line)
            else:
                yield from _row(fields, [row.cells[place] for place in at], file, row.line)
        if not fields:
            raise InvalidInput("the file is empty: a header is needed")


def _ndjson(path: Path, file: str, names: Mapping[str, str]) -> Iterator[Entry]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    with path.open("rb") as stream:
        buffered: BinaryIO = io.BufferedReader(stream, MEBIBYTE)
        for number, line in enumerate(bounded_lines(buffered, MEBIBYTE), 1):
            if line is None:
                yield Refusal(reason=f"longer than {MEBIBYTE:,} bytes", file=file, line=number)
                continue
            if line.isspace():
                continue
            try:
                record = decoder.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                yield Refusal(reason=f"not a JSON object: {error}"[:500], file=file, line=number)
                continue
            yield from _row(FIELDS, [record.get(names[field]) for field in FIELDS], file, number)


def _present(names: Mapping[str, str], there: set[str]) -> list[str]:
    """The fields that the file has. Raises InvalidInput where it lacks what is needed."""
    fields = [field for field in FIELDS if names[field] in there]
    for field, name in names.items():
        if name != field and name not in there:
            raise InvalidInput(f"there is no column {name!r}", field=field)
    if "id" not in fields:
        raise InvalidInput("there is no column id; if it has another name: --map id=NAME")
    if not {kind.value for kind in HASHES} & set(fields):
        known = ", ".join(kind.value for kind in HASHES)
        raise InvalidInput(f"there is no column of hashes ({known}); --map pdq=NAME names one")
    return fields


def _row(fields: Sequence[str], cells: Sequence[Any], file: str, number: int) -> Iterator[Entry]:
    values = dict(zip(fields, cells, strict=True))
    identity = values["id"]
    named = "" if identity is None or isinstance(identity, bool) else str(identity)
    try:
        if not 1 <= len(named) <= _LONGEST_ID or not named.isprintable():
            raise InvalidInput(f"must have 1 to {_LONGEST_ID} printable characters", field="id")
        hashes = tuple(
            (kind, value)
            for kind in HASHES
            if (value := _hash(kind, values.get(kind.value))) is not None
        )
        if not hashes:
            raise InvalidInput("the row holds no hash", field=HASHES[0].value)
        quality = number_of(values.get("quality"), "quality")
        if quality is not None and not 0 <= quality <= 100:
            raise InvalidInput("must lie between 0 and 100", field="quality")
    except InvalidInput as error:
        shown = printable(named, 100) or None
        yield refusal_of(error, file=file, line=number, source_id=shown)
    else:
        yield CatalogueRow(number, named, hashes, quality)


def _hash(kind: IndicatorKind, cell: Any) -> bytes | None:
    if isinstance(cell, bytes | bytearray):
        if len(cell) == WIDTHS[kind]:
            return bytes(cell)
        cell = bytes(cell).decode("ascii", "replace")
    return hash_bytes_of(kind, cell, kind.value)
