"""The shape of a row of law, and the checks that a row must pass before anything relies on it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

from lapwing.model.organisations import OrganisationKind


class Certainty(StrEnum):
    """How a row is known. Only READ switches anything on."""

    READ = "H"
    """Read in the primary text."""
    SECONDARY = "H2"
    """Read in a secondary page."""
    WELL_KNOWN = "M"
    """Well known, not read again."""
    MEMORY = "L"
    """From memory, or not read at all: verify before use."""


class Topic(StrEnum):
    REPORTING_DUTY = "reporting_duty"
    RETENTION = "retention"
    PRIVATE_MESSAGES = "private_messages"


class Switch(StrEnum):
    """What an organisation may switch on only where a row allows it."""

    KEEP_CONTENT = "keep_content"
    SCAN_PRIVATE = "scan_private"


Text = Annotated[str, Meta(min_length=1)]
Month = Annotated[str, Meta(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]


class LawRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule of one jurisdiction, as written in `law/data/<country>.toml`."""

    id: Annotated[str, Meta(pattern=r"^[a-z]{2}(\.[a-z0-9_]+)+$")]
    """`<country>.<name>`; what an organisation's settings and its ledger refer to."""
    topic: Topic
    statement: Text
    """The rule in plain words, no more than the source says."""
    basis: Text
    """The paragraph: what an organisation names as its reason."""
    source: Text
    """The text it was taken from, with its amendment or publication."""
    source_date: date | None = None
    """When that text took effect or was published, where known."""
    reviewed: Month
    """Month in which the row was last held against its source."""
    certainty: Certainty
    organisation_kinds: tuple[OrganisationKind, ...] = ()
    """Kinds of organisation that the row speaks of."""
    allows: tuple[Switch, ...] = ()
    """What the row switches on, once its certainty is H."""
    limits: str | None = None
    """What the row does not say, and how Lapwing stays inside it."""
    max_days: Annotated[int, Meta(gt=0)] | None = None
    """Longest that content may be kept under the row."""
    keep_days: Annotated[int, Meta(gt=0)] | None = None
    """How long the law asks reported material to be kept."""
    report_to: str | None = None
    deadline: str | None = None

    @property
    def country(self) -> str:
        return self.id[:2].upper()

    def in_force_for(self, kind: OrganisationKind, switch: Switch) -> bool:
        """Whether the row switches `switch` on for that kind of organisation."""
        return (
            self.certainty is Certainty.READ
            and switch in self.allows
            and kind in self.organisation_kinds
        )


class Jurisdiction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of `law/data/`."""

    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")]
    """ISO 3166-1 alpha-2."""
    name: Text
    row: tuple[dict[str, Any], ...]
    """Rows as written; they are taken one by one, so that an error can name the row by its id."""


def fault(row: LawRow, country: str) -> str | None:
    """What is wrong with a row beyond its shape, or None."""
    if row.country != country:
        return f"its id does not begin with {country.lower()!r}"
    if row.allows and not row.organisation_kinds:
        return "it allows something but names no organisation_kinds"
    if Switch.KEEP_CONTENT in row.allows and row.max_days is None:
        return "it allows keep_content but gives no max_days"
    if row.topic is Topic.REPORTING_DUTY and not (row.report_to and row.deadline):
        return "a reporting_duty needs report_to and deadline"
    return None
