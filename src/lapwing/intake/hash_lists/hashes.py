"""Cells of hash lists read strictly: hashes, flags, whole numbers and dates.

A hash of the empty file stands in many lists by accident and would match every empty upload: it is
left out and counted, never handed on.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache

from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import IndicatorKind

WIDTHS = {
    IndicatorKind.MD5: 16,
    IndicatorKind.SHA1: 20,
    IndicatorKind.SHA256: 32,
    IndicatorKind.PDQ: 32,
}
"""Bytes of the hashes that are taken. PhotoDNA is counted and left out: it cannot be computed."""

EMPTY_FILE = frozenset(
    hashlib.new(name, b"", usedforsecurity=False).digest() for name in ("md5", "sha1", "sha256")
)

_YES = frozenset(("true", "1", "yes", "y"))
_NO = frozenset(("false", "0", "no", "n", ""))


def hash_bytes_of(kind: IndicatorKind, cell: object, field: str) -> bytes | None:
    """The hash, None where the cell is empty. Hex in any case. Raises InvalidInput for `field`."""
    if cell is None or cell == "":
        return None
    width = WIDTHS[kind]
    if isinstance(cell, str):
        text = cell if len(cell) == 2 * width else cell.strip()
        if len(text) == 2 * width:
            try:
                value = bytes.fromhex(text)
            except ValueError:
                value = b""
            if len(value) == width:
                return value
        if not text:
            return None
    raise InvalidInput(f"must be {2 * width} hex digits", field=field)


def flag_of(cell: object, field: str) -> bool | None:
    """A flag given as bool, number or text; None where it is not given. Raises InvalidInput."""
    if cell is None or isinstance(cell, bool):
        return cell
    if isinstance(cell, int) and cell in (0, 1):
        return bool(cell)
    if isinstance(cell, str):
        text = cell.strip().lower()
        if text in _YES:
            return True
        if text in _NO:
            return False if text else None
    raise InvalidInput("must be true or false", field=field)


def number_of(cell: object, field: str) -> int | None:
    """A whole number, also as text; None where it is not given. Raises InvalidInput."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, int) and not isinstance(cell, bool) and -(2**31) <= cell < 2**31:
        return cell
    if isinstance(cell, str):
        digits = cell.strip()
        if digits.isascii() and digits.removeprefix("-").isdigit() and len(digits) <= 9:
            return int(digits)
    raise InvalidInput("must be a whole number", field=field)


def date_of(cell: object, field: str) -> datetime | None:
    """An ISO 8601 time in UTC; without an offset it is taken as UTC. Raises InvalidInput."""
    if cell is None or cell == "":
        return None
    moment = _moment(cell) if isinstance(cell, str) and len(cell) <= 64 else None
    if moment is None:
        raise InvalidInput("must be an ISO 8601 time", field=field)
    return moment


@lru_cache(4096)
def _moment(text: str) -> datetime | None:
    """Rows of one list share few dates."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
