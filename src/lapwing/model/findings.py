"""Findings: what one detector says about one item. Never a verdict."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from lapwing.model.indicators import CountReason, ListAction
from lapwing.model.videos import VideoMatch


class Family(StrEnum):
    """Independent families of evidence (DESIGN, Do no harm 4)."""

    MEDIA = "media"
    URLS = "urls"
    ADVERTS = "adverts"
    RECRUITMENT = "recruitment"
    PAYMENTS = "payments"


class FindingKind(StrEnum):
    KNOWN_MEDIA = "known_media"
    NEAR_MEDIA = "near_media"
    HARMLESS_MEDIA = "harmless_media"
    """Listed on an allow list by exact cryptographic hash."""
    KNOWN_URL = "known_url"
    KNOWN_DOMAIN = "known_domain"
    LISTED_URL = "listed_url"
    """A link or site on a list that is not verified, or is for review: a lead for a person."""


class Reason(Struct, frozen=True, kw_only=True):
    """One reason of a finding.

    `id` names the kind of reason (`pdq`, `sha256`, `url` …), `value` the listed value that was
    recognised, `weight` its share of the score. `distance` is in bits of 256 and is for members
    only, never for hosted callers. `quality` is that of the item's own hash. `span` is
    (start, end) in the last of the item's texts, its body.
    """

    id: str
    value: str
    weight: float = 1.0
    span: tuple[int, int] | None = None
    indicator: int | None = None
    list: UUID | None = None
    list_name: str | None = None
    category: str | None = None
    distance: int | None = None
    quality: int | None = None
    verified: bool = False
    video: VideoMatch | None = None
    """How much of a listed video was found, and when, for a reason of id `video`."""
    asks: ListAction | None = None
    """What the list asks for on this match, as far as it counts."""
    short: CountReason | None = None
    """Why it does not count, or for less than the list says."""


class Finding(Struct, frozen=True, kw_only=True):
    """`score` is 0..1 and only orders a queue. `detector` and `version` say who found it."""

    item: UUID
    kind: FindingKind
    family: Family
    score: float
    reasons: tuple[Reason, ...]
    detector: str
    version: str
