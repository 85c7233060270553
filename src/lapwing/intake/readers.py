"""Files to submissions, one at a time. What cannot be used is refused by name, the rest goes on."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from lapwing.intake.checks import UnknownField, check_depth
from lapwing.intake.columns import IGNORE, check_header, fields_of, kind_named, renames
from lapwing.intake.csv_rows import CsvRows, Row, looks_like_header
from lapwing.intake.limits import DEFAULT_LIMITS, Limits
from lapwing.intake.lines import BOM, bounded_lines, foreign_encoding, printable
from lapwing.intake.media.formats import UNKNOWN, container_of, describe, format_of
from lapwing.intake.pictures import Entry, read_folder, read_picture, read_video, source_id_of
from lapwing.intake.records import ItemBuilder
from lapwing.model.errors import InvalidInput, LimitExceeded
from lapwing.model.refusals import Refusal, refusal_of
from lapwing.model.submissions import Submission

__all__ = ["Entry", "read_items"]

STDIN = "-"

_NDJSON = (".ndjson", ".jsonl", ".json")
_ROWS = (*_NDJSON, ".csv", ".tsv")
_PEEK = 64 * 1024
_KEPT = frozenset({"text", "title", "memo"})
"""Fields whose spaces at either end are part of what was written."""


def read_items(
    source: str | Path | BinaryIO,
    kind: str,
    builder: ItemBuilder,
    limits: Limits = DEFAULT_LIMITS,
    columns: Mapping[str, str] | None = None,
) -> Iterator[Entry]:
    """Submissions and refusals of a file, a folder of pictures, a stream, or `-` (standard input).

    The form (NDJSON, CSV, picture) is told from the name, and from the content where the name says
    nothing. `columns` maps our field to the name it has in the file; field `ignore` lists names to
    leave out. Memory does not grow with the input. Raises InvalidInput at once for an unknown kind
    or map; everything about the input itself is a Refusal.
    """
    kind = kind_named(kind)
    renamed = renames(kind, columns)
    return _read(source, kind, builder, limits, renamed)


def _read(
    source: str | Path | BinaryIO,
    kind: str,
    builder: ItemBuilder,
    limits: Limits,
    renamed: Mapping[str, str | None],
) -> Iterator[Entry]:
    if source == STDIN:
        source = sys.stdin.buffer
    if not isinstance(source, str | Path):
        named = "standard input" if source is sys.stdin.buffer else "stream"
        yield from _open(source, Path(named), kind, builder, limits, renamed)
        return
    path = Path(source)
    try:
        if not path.is_dir():
            with path.open("rb") as stream:
                yield from _open(stream, path, kind, builder, limits, renamed)
        elif kind == "media":
            yield from read_folder(path, builder, limits)
        else:
            yield Refusal(
                reason=f"a folder holds pictures, not rows of {kind}", file=printable(str(path))
            )
    except OSError as error:
        yield Refusal(reason=f"cannot be read: {error.strerror}", file=printable(str(path)))


def _open(
    raw: BinaryIO,
    path: Path,
    kind: str,
    builder: ItemBuilder,
    limits: Limits,
    renamed: Mapping[str, str | None],
) -> Iterator[Entry]:
    """Tell the form and read it."""
    own = raw if isinstance(raw, io.BufferedReader) else None
    stream = own or io.BufferedReader(cast("io.RawIOBase", raw))
    try:
        start = stream.peek(_PEEK).removeprefix(BOM)
        suffix = path.suffix.lower()
        picture = format_of(start)
        if kind == "media" and container_of(start):
            yield from _video(raw, path, builder, limits)
            return
        names = fields_of(kind) | renamed.keys()
        if kind == "media" and (picture or not (suffix in _ROWS or _looks_like_rows(start, names))):
            yield read_picture(stream, path, builder, limits)
            return
        _check_rows(start, kind)
        read = _ndjson if suffix in _NDJSON or _looks_like_json(start) else _csv
        yield from read(stream, printable(str(path)), kind, builder, limits, renamed)
    except InvalidInput as error:
        yield refusal_of(error, file=printable(str(path)))
    finally:
        if own is None:
            stream.detach()


def _video(raw: BinaryIO, path: Path, builder: ItemBuilder, limits: Limits) -> Iterator[Entry]:
    """Only a file with a name can be handed to another process."""
    if getattr(raw, "name", None) != str(path):
        raise InvalidInput("a video is read from a file, not from a stream; `lapwing watch` does")
    # A link that is named is meant, as for pictures.
    named = path.resolve() if path.is_symlink() else path
    yield from read_video(named, source_id_of(path.name), builder, limits)


def _looks_like_json(start: bytes) -> bool:
    return start.lstrip()[:1] in (b"{", b"[")


def _looks_like_rows(start: bytes, names: frozenset[str]) -> bool:
    return _looks_like_json(start) or looks_like_header(start.partition(b"\n")[0], names)


def _check_rows(start: bytes, kind: str) -> None:
    if (encoding := foreign_encoding(start)) is not None:
        raise InvalidInput(f"the file is {encoding}; save it as UTF-8")
    if start.lstrip()[:1] == b"[":
        raise InvalidInput("a JSON array; write one object a line instead (NDJSON)")
    found = format_of(start)
    told = f"a {found.name} picture" if found else describe(start)
    if start and told != UNKNOWN:
        raise InvalidInput(f"{told}, where rows of {kind} are expected")


def _ndjson(
    stream: BinaryIO,
    file: str,
    kind: str,
    builder: ItemBuilder,
    limits: Limits,
    renamed: Mapping[str, str | None],
) -> Iterator[Entry]:
    for number, line in enumerate(bounded_lines(stream, limits.line_bytes), 1):
        if number > limits.rows:
            yield _too_many(limits, file, number)
            return
        if line is None:
            reason = f"longer than {limits.line_bytes:,} bytes"
            yield Refusal(reason=reason, file=file, line=number, code=LimitExceeded.code)
            continue
        try:
            if renamed:
                item = builder.build(kind, _renamed(line, renamed, limits))
            else:
                item = builder.build_json(kind, line)
        except UnknownField as error:
            yield Refusal(
                reason=f"{error.message}; name it with --map FIELD={error.field} or leave it out "
                f"with --map {IGNORE}={error.field}",
                field=error.field,
                file=file,
                line=number,
                source_id=_id_in(line),
            )
        except InvalidInput as error:
            if not line.isspace():
                found = None if isinstance(error, LimitExceeded) else _id_in(line)
                yield refusal_of(error, file=file, line=number, source_id=found)
        else:
            yield Submission(item=item)


def _renamed(line: bytes, renamed: Mapping[str, str | None], limits: Limits) -> dict[str, Any]:
    check_depth(line, limits.json_depth)
    try:
        record = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"not JSON: {error}") from error
    if not isinstance(record, dict):
        raise InvalidInput("a JSON object is expected on each line")
    named = ((renamed.get(name, name), value) for name, value in record.items())
    return {name: value for name, value in named if name is not None}


class _Identity(msgspec.Struct):
    """The id alone, so that a refused record can be named by it."""

    id: str | int | None = None
    source_id: str | int | None = None


def _id_in(line: bytes) -> str | None:
    try:
        found = msgspec.json.decode(line, type=_Identity)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    value = found.id if found.source_id is None else found.source_id
    return None if value is None else printable(str(value))


def _csv(
    stream: BinaryIO,
    file: str,
    kind: str,
    builder: ItemBuilder,
    limits: Limits,
    renamed: Mapping[str, str | None],
) -> Iterator[Entry]:
    rows = CsvRows(stream, limits.line_bytes, fields_of(kind) | renamed.keys())
    fields: list[str | None] = []
    for number, row in enumerate(rows):
        if number > limits.rows:
            yield _too_many(limits, file, row.line)
            return
        try:
            if isinstance(row, InvalidInput):
                raise row
            if not fields:
                header = [printable(cell.strip()) for cell in row.cells]
                fields = check_header(kind, header, renamed)
                continue
            yield Submission(item=builder.build(kind, _record(fields, row, limits)))
        except InvalidInput as error:
            yield refusal_of(error, file=file, line=row.line, source_id=_id_of(fields, row))
            if not fields:
                return


def _id_of(fields: list[str | None], row: Row | InvalidInput) -> str | None:
    if isinstance(row, InvalidInput):
        return None
    named = dict(zip(fields, row.cells, strict=False))
    found = (named.get("source_id") or named.get("id") or "").strip()
    return printable(found) or None


def _record(fields: list[str | None], row: Row, limits: Limits) -> dict[str, Any]:
    if len(row.cells) != len(fields):
        raise InvalidInput(f"{len(row.cells)} cells where the header has {len(fields)}")
    record: dict[str, Any] = {}
    for field, cell in zip(fields, row.cells, strict=True):
        value = cell if field in _KEPT else cell.strip()
        if field is None or not value:
            continue
        if field in ("pictures", "frames") or (field == "links" and value.startswith("[")):
            record[field] = _list(field, value, limits)
        else:
            record[field] = value.split() if field == "links" else value
    return record


def _list(field: str, cell: str, limits: Limits) -> list[Any]:
    line = cell.encode("utf-8", "surrogateescape")
    try:
        check_depth(line, limits.json_depth)
        return msgspec.json.decode(line, type=list[Any])
    except LimitExceeded as error:
        raise LimitExceeded(error.message, field=field) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput("is not a JSON array", field=field) from error


def _too_many(limits: Limits, file: str, line: int | None) -> Refusal:
    reason = f"more than {limits.rows:,} rows; the rest was not read"
    return Refusal(reason=reason, file=file, line=line, code=LimitExceeded.code)
