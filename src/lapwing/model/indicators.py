"""Indicators and lists: what is known to be bad (or known good), who says so, and until when."""

from __future__ import annotations

from datetime import datetime
from enum import IntFlag, StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

KNOWN_DISTANCE = 10
"""PDQ distance up to which a verified match is *known* (DESIGN: known and near)."""
NEAR_DISTANCE = 31
"""PDQ's recommended bound; 11..31 is *near* and goes to review."""
MIN_QUALITY = 50
"""PDQ quality from which a hash may count as known."""


class IndicatorKind(StrEnum):
    PDQ = "pdq"
    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"
    VIDEO_FRAME = "video_frame"
    """One frame of a listed video; see `lapwing.model.videos` for what its value holds."""
    URL = "url"
    DOMAIN = "domain"


class ListKind(StrEnum):
    BLOCK = "block"
    REVIEW = "review"
    ALLOW = "allow"
    """Known harmless; exact cryptographic hashes only (DESIGN, Do no harm 11)."""


class Mark(IntFlag):
    """What changes how an indicator counts, without changing the indicator."""

    FLOODED = 1
    """Matches far above its history: what would be removed is held, until a person decides."""
    DISPUTED = 2
    """Doubted by somebody trusted: it asks for a review at most, until a person decides."""
    CONFIRMED = 4
    """Of an allow entry: two members agreed that it beats a verified list."""


class CountReason(StrEnum):
    """Why a match does not count, or counts for less than *known* in full."""

    LIST_NOT_VALID_YET = "list_not_valid_yet"
    LIST_EXPIRED = "list_expired"
    INDICATOR_NOT_VALID_YET = "indicator_not_valid_yet"
    INDICATOR_EXPIRED = "indicator_expired"
    BEYOND_LIST_DISTANCE = "beyond_list_distance"
    ALLOW_ENTRY = "allow_entry"
    """An allow entry of the same exact hash beats it."""
    ALLOW_ENTRY_UNCONFIRMED = "allow_entry_unconfirmed"
    """Of an allow entry: a verified list says otherwise, and no second member has confirmed it."""
    REVIEW_LIST = "review_list"
    LIST_NOT_VERIFIED = "list_not_verified"
    DISPUTED = "disputed"
    QUALITY_UNKNOWN = "quality_unknown"
    QUALITY_BELOW_50 = "quality_below_50"
    LISTED_QUALITY_BELOW_50 = "listed_quality_below_50"
    BEYOND_KNOWN_DISTANCE = "beyond_known_distance"
    QUARANTINED = "quarantined"
    LIST_ASKS_NOTHING = "list_asks_nothing"


class ListAction(StrEnum):
    """What a match on a list asks for, mildest first. Decisions stay with the policy's rules."""

    NONE = "none"
    """The match is told and asks for nothing: to try a list out."""
    REVIEW = "review"
    HOLD = "hold"
    REMOVE = "remove"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {action: rank for rank, action in enumerate(ListAction)}

LIST_ACTIONS: dict[ListKind, tuple[ListAction, ...]] = {
    ListKind.BLOCK: tuple(ListAction),
    ListKind.REVIEW: (ListAction.NONE, ListAction.REVIEW),
    ListKind.ALLOW: (ListAction.NONE,),
}
"""What a list of each kind may ask for: only a block list can hold or remove."""
DEFAULT_ACTION: dict[ListKind, ListAction] = {
    ListKind.BLOCK: ListAction.HOLD,
    ListKind.REVIEW: ListAction.REVIEW,
    ListKind.ALLOW: ListAction.NONE,
}


class BankList(Struct, frozen=True, kw_only=True):
    """A list of indicators. Distances may only tighten KNOWN_DISTANCE and NEAR_DISTANCE."""

    id: UUID
    organisation: UUID
    name: str
    kind: ListKind
    source: str
    basis: str
    """Why the list may be used: a law, a contract, a verdict."""
    category: str
    verified: bool
    known_distance: Annotated[int, Meta(ge=0, le=KNOWN_DISTANCE)] = KNOWN_DISTANCE
    near_distance: Annotated[int, Meta(ge=0, le=NEAR_DISTANCE)] = NEAR_DISTANCE
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    created_at: datetime
    action: ListAction = ListAction.HOLD
    """For a match that is known; one that is only near asks for a review at most."""
    changed_at: datetime | None = None


class NewIndicator(Struct, frozen=True, kw_only=True):
    """An indicator as handed in. `value` is hex, a URL or a domain; the bank makes it canonical."""

    kind: IndicatorKind
    value: str
    quality: Annotated[int, Meta(ge=0, le=100)] | None = None
    category: str | None = None
    source: str | None = None
    basis: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None


class Indicator(Struct, frozen=True, kw_only=True):
    id: int
    organisation: UUID
    list: UUID
    kind: IndicatorKind
    value: str
    """Canonical: lower-case hex, canonical URL, or ASCII domain."""
    quality: int | None
    category: str
    source: str
    basis: str
    added_at: datetime
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    withdrawn_at: datetime | None = None
    generation: int
