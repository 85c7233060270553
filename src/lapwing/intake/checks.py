"""Checks that come before and after a record is read, and its errors in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from lapwing.intake.columns import COLUMNS, form_of
from lapwing.intake.lines import printable
from lapwing.model.errors import InvalidInput, LimitExceeded

_WHERE = re.compile(r" - at (?:`key` in )?`\$\.?(.*)`$")
_QUOTED = re.compile(r"`([^`]*)`")


class UnknownField(InvalidInput):
    """A record has a field that its kind does not know."""


def check_depth(line: bytes, depth: int) -> None:
    """Refuse JSON with more brackets within brackets than `depth`; LimitExceeded.

    Brackets inside strings count for nothing, but are only told apart when there are many.
    """
    if line.count(b"[") + line.count(b"{") <= depth:
        return
    open_now, quoted, escaped = 0, False, False
    for character in line:
        if quoted:
            if escaped:
                escaped = False
            elif character == 0x5C:
                escaped = True
            elif character == 0x22:
                quoted = False
        elif character == 0x22:
            quoted = True
        elif character in b"[{":
            open_now += 1
            if open_now > depth:
                raise LimitExceeded(f"nested deeper than {depth} brackets")
        elif character in b"]}":
            open_now -= 1


def refuse(kind: str, error: msgspec.ValidationError) -> NoReturn:
    """An InvalidInput in plain words; the value itself is never repeated."""
    text = str(error)
    where = _WHERE.search(text)
    path = re.sub(r"\[[^]]*\]", "", where.group(1)) if where else ""
    said = text[: where.start()] if where else text
    named = _QUOTED.search(said)
    if said.startswith("Object contains unknown field") and named:
        known = ", ".join(column.field for column in COLUMNS[kind])
        field = f"{path}.{named.group(1)}" if path else named.group(1)
        reason = "unknown field" if path else f"unknown field; there are {known}"
        raise UnknownField(reason, field=printable(field, 100)) from None
    if said.startswith("Object missing required field") and named:
        field = f"{path}.{named.group(1)}" if path else named.group(1)
        raise InvalidInput("missing", field=field) from None
    form = form_of(kind, path) if path else None
    raise InvalidInput(
        f"cannot be used: wants {form}" if form else said.replace("`", ""), field=path or None
    ) from None


def check_text(value: Any, depth: int, field: str = "") -> None:
    """Refuse what no database text can hold: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        if value.isascii():
            if "\x00" in value:
                raise InvalidInput("contains a NUL character", field=field or None)
            return
        if "\x00" in value:
            raise InvalidInput("contains a NUL character", field=field or None)
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InvalidInput("is not UTF-8 text", field=field or None) from error
    elif isinstance(value, Mapping):
        if depth == 0:
            raise LimitExceeded("nested too deep", field=field or None)
        for key, inner in value.items():
            check_text(inner, depth - 1, f"{field}.{key}" if field else str(key))
    elif isinstance(value, (list, tuple)):
        if depth == 0:
            raise LimitExceeded("nested too deep", field=field or None)
        for inner in value:
            check_text(inner, depth - 1, field)
    elif isinstance(value, msgspec.Struct):
        check_text(msgspec.structs.asdict(value), depth, field)
