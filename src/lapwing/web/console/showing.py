"""What a case page shows of each item: covered, uncovered for this member, or nothing kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from uuid import UUID

from msgspec import Struct

from lapwing.app import House
from lapwing.cases.records import CaseDetail, CaseItem
from lapwing.evidence.vault import LOOKS_ALLOWED, VaultObject, VaultRole
from lapwing.model.cases import TimelineEntry
from lapwing.model.events import EventKind
from lapwing.model.organisations import Member

_FOLDED = frozenset(
    {
        EventKind.DECIDED.value,
        EventKind.CASE_EXTENDED.value,
        EventKind.CONTENT_KEPT.value,
        EventKind.CONTENT_DELETED.value,
    }
)
_SHOWN_ELSEWHERE = frozenset({"id", "organisation", "source", "source_id", "kind", "at"})


class Entry(Struct, frozen=True, kw_only=True):
    """One item of a case as the page shows it.

    `clear` is when this member's uncover expires, and is set only for the object that the member
    has just uncovered: opening the page again shows the cover.
    """

    item: CaseItem
    facts: tuple[tuple[str, str], ...]
    object: VaultObject | None = None
    picture: bool = False
    clear: datetime | None = None
    text: str = ""


class Line(Struct, frozen=True, kw_only=True):
    """One line of the timeline; `count` events of one kind and actor in one minute share it."""

    at: datetime
    text: str
    actor: str
    count: int
    leaves: str


def folded(timeline: Iterable[TimelineEntry]) -> list[Line]:
    """The timeline with runs of the same thing in one line. A note or verdict keeps its own."""
    lines = []
    for _, run in groupby(timeline, key=_sameness):
        entries = list(run)
        first, last = entries[0], entries[-1]
        positions = [entry.position for entry in (first, last) if entry.position is not None]
        between = " and " if len(entries) == 2 else " to "
        leaves = between.join(str(position) for position in dict.fromkeys(positions))
        lines.append(
            Line(
                at=first.at,
                text=first.text.partition(":")[0] if len(entries) > 1 else first.text,
                actor=first.actor,
                count=len(entries),
                leaves=f"{'leaves' if len(entries) > 1 else 'leaf'} {leaves}",
            )
        )
    return lines


def _sameness(entry: TimelineEntry) -> tuple[object, ...]:
    if entry.event in _FOLDED:
        return entry.event, entry.actor, entry.at.replace(second=0, microsecond=0)
    return (id(entry),)


def entries_of(
    house: House, member: Member, detail: CaseDetail, uncovered: UUID | None
) -> tuple[list[Entry], int, int]:
    """The entries of a case page, and this member's looks: so far, and allowed, in 24 hours."""
    organisation = member.organisation
    with house.database.organisation(organisation) as connection:
        kept = {
            found.item: found
            for found in house.vault.objects(connection, detail.summary.id)
            if found.role is VaultRole.CONTENT and found.deleted_at is None
        }
        entries = []
        for item in detail.items:
            found = kept.get(item.id)
            clear, text = None, ""
            picture = found is not None and found.mime.startswith("image/")
            if found is not None and found.id == uncovered:
                clear = house.vault.uncovered_until(connection, organisation, member, found.id)
                if clear is not None and not picture:
                    content, _ = house.vault.open(connection, organisation, member, found.id)
                    text = content.decode("utf-8", "replace")
            entries.append(
                Entry(
                    item=item,
                    facts=tuple(told(item.facts)),
                    object=found,
                    picture=picture,
                    clear=clear,
                    text=text,
                )
            )
        return entries, house.vault.looks(connection, organisation, member), LOOKS_ALLOWED


def told(facts: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    """(name, text) of what is stored of an item and stands nowhere else on the page."""
    for name, value in facts.items():
        if name not in _SHOWN_ELSEWHERE:
            yield from _named(name.replace("_", " "), value)


def _named(name: str, value: object) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for inner, held in value.items():
            yield from _named(inner, held)
    elif isinstance(value, list):
        for held in value:
            yield from _named(name, held)
    elif value not in (None, ""):
        yield name, str(value)
