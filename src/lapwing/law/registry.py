"""Look-ups over the rows of law. All files are read and checked at the first look-up.

Whatever is not read in the primary text switches nothing on: an absent row, a row of another kind
of organisation and a row of lesser certainty all give the same answer, a reason why not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec
from msgspec import Struct

from lapwing.law.rows import Jurisdiction, LawRow, Switch, fault
from lapwing.model.errors import InvalidInput, NotFound
from lapwing.model.organisations import OrganisationKind

STALE_MONTHS = 12

__all__ = [
    "LawRow",
    "Refused",
    "countries",
    "load",
    "may_keep_content",
    "may_scan_private",
    "row",
    "rules",
    "stale",
]


class Refused(Struct, frozen=True):
    """Why no row allows it, in words for the person who asked."""

    reason: str


def load(sources: Iterable[Traversable]) -> tuple[LawRow, ...]:
    """Rows of the given TOML files, ordered by id. Raises InvalidInput naming file and row."""
    found: dict[str, LawRow] = {}
    for source in sorted(sources, key=lambda source: source.name):
        for entry in _read(source):
            if entry.id in found:
                raise InvalidInput(f"{source.name}: row {entry.id}: the id is taken", field="id")
            found[entry.id] = entry
    return tuple(found[key] for key in sorted(found))


def _read(source: Traversable) -> Iterator[LawRow]:
    try:
        document = msgspec.toml.decode(source.read_bytes(), type=Jurisdiction)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{source.name}: {error}") from error
    for place, raw in enumerate(document.row, start=1):
        name = raw.get("id", f"number {place}")
        try:
            entry = msgspec.convert(raw, LawRow)
        except msgspec.ValidationError as error:
            raise InvalidInput(f"{source.name}: row {name}: {error}") from error
        wrong = fault(entry, document.country)
        if wrong:
            raise InvalidInput(f"{source.name}: row {name}: {wrong}")
        yield entry


@cache
def rules() -> tuple[LawRow, ...]:
    """Every row that ships with Lapwing, ordered by id."""
    folder = files("lapwing.law").joinpath("data")
    return load(file for file in folder.iterdir() if file.name.endswith(".toml"))


def countries() -> tuple[str, ...]:
    """Countries with at least one row."""
    return tuple(sorted({entry.country for entry in rules()}))


def row(id: str) -> LawRow:
    """The row of that id. Raises NotFound."""
    for entry in rules():
        if entry.id == id:
            return entry
    raise NotFound(f"there is no row of law called {id!r}")


def may_keep_content(kind: OrganisationKind, country: str) -> LawRow | Refused:
    """The row under which that kind of organisation may keep content, or why it may not."""
    return _allowed(kind, country, Switch.KEEP_CONTENT, "keep content", rules())


def may_scan_private(kind: OrganisationKind, country: str) -> LawRow | Refused:
    """The row under which that kind may scan private messages, or why it may not."""
    return _allowed(kind, country, Switch.SCAN_PRIVATE, "scan private messages", rules())


def _allowed(
    kind: OrganisationKind, country: str, switch: Switch, what: str, rows: Iterable[LawRow]
) -> LawRow | Refused:
    here = [entry for entry in rows if entry.country == country.upper()]
    for entry in here:
        if entry.in_force_for(kind, switch):
            return entry
    if not here:
        return Refused(f"no law of {country.upper()} has been read, so nothing may be switched on")
    doubtful = [e.id for e in here if switch in e.allows and kind in e.organisation_kinds]
    why = f"; not yet read in the primary text: {', '.join(doubtful)}" if doubtful else ""
    return Refused(
        f"no law read in the primary text allows a {kind} in {country.upper()} to {what}{why}"
    )


def stale(today: date, months: int = STALE_MONTHS) -> tuple[LawRow, ...]:
    """Rows last reviewed more than `months` calendar months ago."""
    oldest = today.year * 12 + today.month - months
    return tuple(entry for entry in rules() if _month(entry.reviewed) < oldest)


def _month(text: str) -> int:
    year, month = text.split("-")
    return int(year) * 12 + int(month)
