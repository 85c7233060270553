"""Who may be looked at: the checks before any detector sees an item. Pure.

Nothing passes silently: an item that may not or cannot be looked at becomes a refusal with its
reason. Private messages are refused unless the organisation has recorded its legal basis.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from lapwing.model.errors import InvalidInput, LapwingError, NotAllowed
from lapwing.model.items import Item, Message, Surface
from lapwing.model.organisations import Organisation
from lapwing.model.refusals import Refusal, refusal_of
from lapwing.model.submissions import Submission
from lapwing.screening.facts import facts_of

_LENGTHS = {"source": 128, "source_id": 512, "account": 128}
"""Characters. The first two match the item schema; all three stand in database indexes."""

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL as JSON writes it, which jsonb cannot hold; not the same characters after a backslash."""


class Admitted(Struct, frozen=True):
    """A submission that may be looked at, with the facts to store, as JSON."""

    submission: Submission
    facts: msgspec.Raw

    @property
    def item(self) -> Item:
        return self.submission.item

    @property
    def key(self) -> tuple[str, str]:
        """What makes the item unique within its organisation."""
        return self.submission.item.source, self.submission.item.source_id


def admit(
    organisation: Organisation, submissions: Sequence[Submission], *, private: bool
) -> tuple[list[Admitted], list[Refusal]]:
    """Part the submissions into those that may be looked at, in order, and refusals.

    `private` says whether the organisation's basis for private messages stands in the law.
    """
    admitted: list[Admitted] = []
    refused: list[Refusal] = []
    for submission in submissions:
        item = submission.item
        try:
            _check_owner(item, organisation)
            if isinstance(item, Message) and item.surface is not Surface.PUBLIC and not private:
                raise NotAllowed(
                    "private messages are not looked at: this organisation has recorded no "
                    "legal basis for it (scan_private is off)"
                )
            _check_form(item)
            admitted.append(Admitted(submission, msgspec.Raw(_facts(item))))
        except LapwingError as error:
            refused.append(refusal_of(error, source_id=item.source_id))
    return admitted, refused


def _check_owner(item: Item, organisation: Organisation) -> None:
    if item.organisation != organisation.id:
        raise NotAllowed("the item belongs to another organisation")


def _check_form(item: Item) -> None:
    """What the database could not take would cost the whole batch, so it is refused here."""
    if item.at.tzinfo is None:
        raise InvalidInput("the time must carry its zone", field="at")
    for field, limit in _LENGTHS.items():
        value = getattr(item, field)
        if value is None:
            continue
        if not value or len(value) > limit:
            raise InvalidInput(f"{field} must have 1 to {limit} characters", field=field)
        if "\x00" in value:
            raise InvalidInput(f"{field} contains a NUL character", field=field)
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidInput(f"{field} is not valid Unicode", field=field) from None


def _facts(item: Item) -> bytes:
    try:
        facts = facts_of(item)
    except UnicodeEncodeError:
        raise InvalidInput("a field of the item is not valid Unicode") from None
    if any("\x00" in text for text in item.texts) or _NUL.search(facts):
        raise InvalidInput("a field of the item contains a NUL character")
    return facts
