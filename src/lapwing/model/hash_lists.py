"""A row of a law-enforcement hash list: one picture or video, its hashes and its raw category.

What the category means is not known here: it differs by country and by software, so a row says
nothing about what it lists until somebody names a category profile.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from lapwing.model.indicators import IndicatorKind


class ListedMedia(Struct, frozen=True, gc=False):
    """`hashes` are the bytes of each kind that the row gives; there is at least one."""

    number: int
    """Place of the row in its file, from 1; in a CSV file its line."""
    hashes: tuple[tuple[IndicatorKind, bytes], ...]
    category: int | None = None
    """As it stands in the file."""
    baseline: bool | None = None
    """ICSE: whether it falls under the international baseline."""
    suspected: bool = False
    """Not confirmed by whoever listed it."""
    dated: datetime | None = None
    """When its source last changed it."""
    media_id: str | None = None
