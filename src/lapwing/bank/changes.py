"""What is asked of the bank and what it answers: lists made and changed, entries in and out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import (
    KNOWN_DISTANCE,
    LIST_ACTIONS,
    NEAR_DISTANCE,
    BankList,
    ListAction,
    ListKind,
)
from lapwing.model.refusals import Refusal

MAX_WORDS = 500
"""Characters of a name, source, basis or category."""


class NewList(Struct, frozen=True, kw_only=True):
    """A list to be made. Distances may only tighten the shipped ones."""

    name: str
    kind: ListKind
    source: str
    basis: str
    category: str
    verified: bool = False
    known_distance: int = KNOWN_DISTANCE
    near_distance: int = NEAR_DISTANCE
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    action: ListAction | None = None
    """What a match asks for; by default hold for a block list, review for a review list."""


class ListChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a list shall say from now on; what is left out stays. Name, kind, source, basis and
    category stay for ever: they are why its entries may be used."""

    why: Annotated[str, Meta(min_length=1, max_length=MAX_WORDS)]
    action: ListAction | UnsetType = UNSET
    verified: bool | UnsetType = UNSET
    known_distance: int | UnsetType = UNSET
    near_distance: int | UnsetType = UNSET
    valid_from: datetime | UnsetType | None = UNSET
    valid_until: datetime | UnsetType | None = UNSET


class Added(Struct, frozen=True, kw_only=True):
    """`ids` are those written, in the order of the entries; `repeated` were listed already."""

    ids: tuple[int, ...]
    repeated: int
    refused: tuple[Refusal, ...]
    generation: int
    """The bank generation that holds the change; unchanged when nothing was written."""


class Withdrawn(Struct, frozen=True, kw_only=True):
    """`missing` are the ids and values asked for that are not on the list (any more)."""

    ids: tuple[int, ...]
    missing: tuple[str, ...]
    generation: int


def check_new_list(new: NewList) -> None:
    """Raises InvalidInput naming the first field that cannot be used."""
    for field in ("name", "source", "basis", "category"):
        check_words(getattr(new, field), field)
    if new.action is not None:
        check_action(new.kind, new.action)
    _check_terms(new)


def changed_list(before: BankList, change: ListChange, at: datetime) -> BankList:
    """The list after the change; the same one where nothing changes.

    Raises InvalidInput naming the first field that cannot be used.
    """
    check_words(change.why, "why")
    values = {
        name: value
        for name in change.__struct_fields__
        if name != "why" and (value := getattr(change, name)) is not UNSET
    }
    after = replace(before, **values)
    if after == before:
        return before
    check_action(after.kind, after.action)
    _check_terms(after)
    return replace(after, changed_at=at)


def _check_terms(new: NewList | BankList) -> None:
    if not 0 <= new.known_distance <= KNOWN_DISTANCE:
        message = f"may only be tightened: 0 to {KNOWN_DISTANCE}"
        raise InvalidInput(message, field="known_distance")
    if not 0 <= new.near_distance <= NEAR_DISTANCE:
        message = f"may only be tightened: 0 to {NEAR_DISTANCE}"
        raise InvalidInput(message, field="near_distance")
    if new.near_distance < new.known_distance:
        raise InvalidInput("may not be below known_distance", field="near_distance")
    check_validity(new.valid_from, new.valid_until)


def check_action(kind: ListKind, action: ListAction) -> None:
    """Raises InvalidInput for what a list of this kind may not ask for."""
    allowed = LIST_ACTIONS[kind]
    if action not in allowed:
        names = ", ".join(allowed)
        raise InvalidInput(f"of {kind} lists a match asks for: {names}", field="action")


def check_words(text: str, field: str) -> None:
    """Raises InvalidInput for text that is empty, too long or cannot be written down."""
    if not text.strip():
        raise InvalidInput("may not be empty", field=field)
    if len(text) > MAX_WORDS:
        raise InvalidInput(f"longer than {MAX_WORDS} characters", field=field)
    if not text.isprintable():
        raise InvalidInput("holds control characters", field=field)


def check_validity(start: datetime | None, end: datetime | None) -> None:
    """Raises InvalidInput for a time without a zone, or an end that does not follow its start."""
    for field, moment in (("valid_from", start), ("valid_until", end)):
        if moment is not None and moment.tzinfo is None:
            raise InvalidInput("needs a time zone", field=field)
    if start is not None and end is not None and end <= start:
        raise InvalidInput("must lie after valid_from", field="valid_until")
