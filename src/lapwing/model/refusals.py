"""Refusals: input that could not be used, listed with its place and reason, never dropped."""

from __future__ import annotations

from msgspec import Struct

from lapwing.model.errors import InvalidInput, LapwingError


class Refusal(Struct, frozen=True, kw_only=True):
    """One refused row, file or item. `line` counts from 1; `field` is a dotted path."""

    reason: str
    field: str | None = None
    file: str | None = None
    line: int | None = None
    source_id: str | None = None
    code: str = InvalidInput.code


def refusal_of(
    error: LapwingError,
    *,
    file: str | None = None,
    line: int | None = None,
    source_id: str | None = None,
) -> Refusal:
    """The refusal that an error amounts to, with the place where it happened."""
    return Refusal(
        reason=error.message,
        field=getattr(error, "field", None),
        file=file,
        line=line if line is not None else getattr(error, "line", None),
        source_id=source_id,
        code=error.code,
    )
