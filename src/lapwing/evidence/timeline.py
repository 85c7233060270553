"""A ledger event as one line of a case's history. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from lapwing.evidence.leaves import read_event
from lapwing.evidence.repository import Leaf
from lapwing.evidence.verification import check_leaf
from lapwing.model.cases import TimelineEntry
from lapwing.model.errors import IntegrityBroken
from lapwing.model.events import EventKind

ERASED = "erased on time"

_SENTENCES: dict[str, str] = {
    EventKind.DECIDED: "An item was decided on",
    EventKind.CASE_OPENED: "The case was opened",
    EventKind.CASE_EXTENDED: "More was added to the case",
    EventKind.CASE_CLAIMED: "The case was claimed",
    EventKind.CASE_RELEASED: "The case was given back to the queue",
    EventKind.CASE_NOTED: "A note was made",
    EventKind.CASE_DANGER: "A child is in danger now",
    EventKind.CASE_DANGER_OVER: "The mark of danger was taken back",
    EventKind.CASE_APPEALED: "Somebody appealed",
    EventKind.CASE_CLOSED: "The case was closed",
    EventKind.VERDICT: "A verdict was given",
    EventKind.CONTENT_KEPT: "Content was sealed in the vault",
    EventKind.CONTENT_UNCOVERED: "Content was uncovered",
    EventKind.CONTENT_SERVED: "Clear content was shown",
    EventKind.CONTENT_DELETED: "Content was deleted from the vault",
    EventKind.CONTENT_HELD: "Content is held beyond its time",
    EventKind.CONTENT_UNHELD: "The hold on content was lifted",
    EventKind.CONTENT_PRESERVED: "Content is preserved as the law asks",
    EventKind.CONTENT_RELEASED: "Sealed content was read for a report",
    EventKind.REPORT_DRAFTED: "A report was drafted",
    EventKind.REPORT_CONFIRMED: "A report was confirmed for filing",
    EventKind.REPORT_SUBMITTED: "The authority opened the report",
    EventKind.REPORT_FILED: "The report was filed",
    EventKind.REPORT_FAILED: "The report could not be filed",
    EventKind.REPORT_WITHDRAWN: "The report was withdrawn",
    EventKind.REPORT_ERASED: "The report's text was deleted on time",
}
_TELLING = ("title", "outcome", "reason", "note", "text", "why", "mime")
"""Keys of an event's data that are worth a place in the sentence, in this order."""


def timeline_entry(leaf: Leaf) -> TimelineEntry:
    """The line for an event; one that was erased or does not verify says so in its text."""
    try:
        whole = check_leaf(leaf)
    except IntegrityBroken as error:
        return _bare(leaf, f"DOES NOT VERIFY: {error.message}")
    if not whole or leaf.body is None:
        return _bare(leaf, ERASED)
    event = read_event(leaf.body)
    return TimelineEntry(
        at=event.at,
        event=event.kind,
        actor=event.actor.name,
        text=_sentence(event.kind, event.data),
        data=dict(event.data),
        position=leaf.position,
    )


def _bare(leaf: Leaf, text: str) -> TimelineEntry:
    return TimelineEntry(at=leaf.at, event=leaf.kind, actor="", text=text, position=leaf.position)


def _sentence(kind: str, data: Mapping[str, object]) -> str:
    said = [value for key in _TELLING if isinstance(value := data.get(key), str) and value]
    return ": ".join([_SENTENCES.get(kind, kind), *said])
