"""A category profile: what the numbers in a hash list mean, who says so, and since when.

A number that a profile does not name means nothing: it is refused, never guessed.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Struct

from lapwing.model.errors import InvalidInput
from lapwing.model.hash_lists import ListedMedia
from lapwing.model.indicators import ListKind


class Meaning(StrEnum):
    """What a row may be used for."""

    ABUSE = "abuse"
    REVIEW = "review"
    """Not confirmed, or illegal in some country at most: for people to look at."""
    HARMLESS = "harmless"
    NOTHING = "nothing"
    """Named, but not enough to use the row for anything."""
    REFUSED = "refused"


USABLE: dict[ListKind, frozenset[Meaning]] = {
    ListKind.BLOCK: frozenset({Meaning.ABUSE}),
    ListKind.REVIEW: frozenset({Meaning.ABUSE, Meaning.REVIEW}),
    ListKind.ALLOW: frozenset({Meaning.HARMLESS}),
}
"""What each kind of list takes."""


class Certainty(StrEnum):
    """How the meaning of the numbers is known."""

    READ = "read"
    """In the primary text, or in the program that uses them."""
    SECONDARY = "secondary"
    """On somebody else's page: good enough to look, not to block."""


class Section(StrEnum):
    """The three sections of the Universal Classification Schema (INHOPE, version 3)."""

    CATEGORISATION = "categorisation"
    INVESTIGATIVE = "investigative"
    DEMOGRAPHIC = "demographic"


Words = Annotated[str, Meta(min_length=1, max_length=200)]


class UniversalLabel(Struct, frozen=True, forbid_unknown_fields=True):
    """A label of the Universal Classification Schema that a category amounts to."""

    section: Section
    label: Words


class Category(Struct, frozen=True, forbid_unknown_fields=True):
    """Told by `number` (VICS) or by `baseline` (ICSE), never by both."""

    meaning: Meaning
    label: Words
    number: int | None = None
    baseline: bool | None = None
    universal: UniversalLabel | None = None


class Profile(Struct, frozen=True, forbid_unknown_fields=True, cache_hash=True):
    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9.-]{1,40}$")]
    title: Words
    formats: Annotated[tuple[str, ...], Meta(min_length=1)]
    source: Words
    certainty: Certainty
    reviewed: date
    missing: Meaning
    """Of rows without a category."""
    category: Annotated[tuple[Category, ...], Meta(min_length=1)]

    def of(self, row: ListedMedia) -> tuple[Meaning, str]:
        """What a row means and the category it is kept under, which holds its raw number.

        Raises InvalidInput for a number that the profile does not name.
        """
        if row.category is None and row.baseline is None:
            if self.missing is Meaning.REFUSED:
                raise InvalidInput("the row has none, and the profile needs it", field=self.field)
            return self._held(row, self.missing), f"{self.name}:none"
        known = _by_raw(self).get((row.category, row.baseline))
        if known is None:
            raw = row.category if row.baseline is None else row.baseline
            raise InvalidInput(f"{raw} is not in the profile {self.name!r}", field=self.field)
        return self._held(row, known[0]), known[1]

    @property
    def field(self) -> str:
        """The name of what tells the category in a file."""
        return "Baseline" if self.category[0].number is None else "Category"

    def word(self, known: Category) -> str:
        """A category as it is kept with an indicator: profile, raw number, label."""
        return f"{self.name}:{self.raw(known)} {known.label}"

    @staticmethod
    def raw(known: Category) -> str:
        """The number or the flag, as text."""
        return str(known.number) if known.baseline is None else str(known.baseline).lower()

    def feeds(self, kind: ListKind) -> None:
        """Raises InvalidInput when nothing of this profile may go on a list of this kind."""
        meanings = {self.missing, *(known.meaning for known in self.category)}
        if not meanings & USABLE[kind]:
            wanted = " or ".join(sorted(USABLE[kind]))
            raise InvalidInput(
                f"nothing in {self.name!r} ({self.title}) is {wanted}, which is what a {kind} "
                "list takes",
                field="profile",
            )
        if kind is ListKind.BLOCK and self.certainty is not Certainty.READ:
            raise InvalidInput(
                f"{self.name!r} is known from a secondary source only, so it may feed a review "
                "list, not a block list",
                field="profile",
            )

    @staticmethod
    def _held(row: ListedMedia, meaning: Meaning) -> Meaning:
        """What its own source only suspects is at most for people to look at."""
        if row.suspected and meaning is Meaning.ABUSE:
            return Meaning.REVIEW
        return Meaning.NOTHING if row.suspected and meaning is Meaning.HARMLESS else meaning


@lru_cache(64)
def _by_raw(profile: Profile) -> dict[tuple[int | None, bool | None], tuple[Meaning, str]]:
    """Meaning and kept word of each category: looked up once a row, made once a profile."""
    return {
        (known.number, known.baseline): (known.meaning, profile.word(known))
        for known in profile.category
    }


_WORD = re.compile(r"([a-z][a-z0-9.-]{1,40}):(none|true|false|-?\d{1,9})(?: .*)?")


def raw_category(word: str) -> int | bool | None:
    """The raw number or flag in a kept category; None where it came from no file."""
    found = _WORD.fullmatch(word)
    if found is None or found[2] == "none":
        return None
    return found[2] == "true" if found[2] in ("true", "false") else int(found[2])


def fault(profile: Profile) -> str | None:
    """What is wrong with a profile, in words."""
    keys = [(known.number, known.baseline) for known in profile.category]
    if len(set(keys)) != len(keys):
        return "a category stands there twice"
    if any((known.number is None) == (known.baseline is None) for known in profile.category):
        return "each category has a number or a baseline flag, not both"
    if len({known.number is None for known in profile.category}) > 1:
        return "numbers and baseline flags are mixed"
    if not set(profile.formats) <= {"vics", "icse"}:
        return "formats are vics and icse"
    return None
