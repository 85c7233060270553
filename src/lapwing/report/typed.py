"""What a member types at report time. It goes before what was drafted, field by field."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from lapwing.model.errors import InvalidInput
from lapwing.report.cybertipline.accounts import IntendedRecipient, Victim
from lapwing.report.cybertipline.document import (
    IncidentType,
    InternetDetails,
    LawEnforcement,
    ReportAnnotations,
    Reporter,
)
from lapwing.report.cybertipline.files import FileAnnotations
from lapwing.report.cybertipline.parts import Part
from lapwing.report.identity import Account
from lapwing.report.records import ActorAge, ReportKind


class TypedFile(Part, frozen=True, kw_only=True):
    """What a member says of one file, by the id of its item. `include` false leaves it out."""

    include: bool = True
    supplemental: bool = False
    exif_viewed: bool | None = None
    publicly_available: bool | None = None
    original_file_name: str | None = None
    file_annotations: FileAnnotations | None = None
    industry_classification: Literal["A1", "A2", "B1", "B2"] | None = None
    additional_info: str | None = None


class Typed(Part, frozen=True, kw_only=True):
    """Everything is optional. `actor` is the member's word on the age of whoever acted;
    `actor_is_victim` says that the account is that of the child who is harmed.
    """

    kind: ReportKind | None = None
    actor: ActorAge | None = None
    actor_is_victim: bool = False
    incident_type: IncidentType | None = None
    incident_date_time: datetime | None = None
    incident_description: str | None = None
    platform: str | None = None
    escalate: str | None = None
    """Why it cannot wait; its being there escalates the report at the authority."""
    annotations: ReportAnnotations | None = None
    urls: tuple[str, ...] = ()
    internet_details: tuple[InternetDetails, ...] = ()
    account: Account | None = None
    recipients: tuple[IntendedRecipient, ...] = ()
    victims: tuple[Victim, ...] = ()
    reporter: Reporter | None = None
    law_enforcement: LawEnforcement | None = None
    additional_info: str | None = None
    files: dict[str, TypedFile] = msgspec.field(default_factory=dict)


def read_typed(text: bytes) -> Typed:
    """From JSON. Raises InvalidInput naming the field that does not fit."""
    try:
        return msgspec.json.decode(text, type=Typed)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        field = place.rstrip("`").replace("[", ".").replace("]", "").lstrip(".") or None
        raise InvalidInput(reason, field=field) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"not JSON: {error}") from error
