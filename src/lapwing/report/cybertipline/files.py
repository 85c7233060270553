"""`<fileDetails>`: what is told of one uploaded file. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final, Literal

from lapwing.report.cybertipline.parts import Device, IpCapture, Part

REPORTED: Final = "Reported"
SUPPLEMENTAL: Final = "Supplemental Reported"


class FileAnnotations(Part, frozen=True, kw_only=True):
    FLAGS = frozenset(
        {
            "anime_drawing_virtual_hentai",
            "potential_meme",
            "viral",
            "possible_self_production",
            "physical_harm",
            "violence_gore",
            "bestiality",
            "live_streaming",
            "infant",
            "generative_ai",
        }
    )

    anime_drawing_virtual_hentai: bool | None = None
    potential_meme: bool | None = None
    viral: bool | None = None
    possible_self_production: bool | None = None
    physical_harm: bool | None = None
    violence_gore: bool | None = None
    bestiality: bool | None = None
    live_streaming: bool | None = None
    infant: bool | None = None
    generative_ai: bool | None = None


class Hash(Part, frozen=True, kw_only=True):
    """At most 64 characters of a named kind of hash."""

    TEXT = "value"
    ATTRIBUTES = frozenset({"hash_type"})
    REQUIRED = ("value", "hash_type")
    LENGTHS: ClassVar[dict[str, int]] = {"value": 64}

    value: str | None = None
    hash_type: str | None = None


class NameValue(Part, frozen=True, kw_only=True):
    REQUIRED = ("name", "value")
    LENGTHS: ClassVar[dict[str, int]] = {"name": 64}

    name: str | None = None
    value: str | None = None


class Details(Part, frozen=True, kw_only=True):
    ATTRIBUTES = frozenset({"type"})
    REQUIRED = ("name_value_pair",)

    type: Literal["EXIF", "HASH"] | None = None
    name_value_pair: tuple[NameValue, ...] = ()


class FileDetails(Part, frozen=True, kw_only=True):
    """`file_viewed_by_esp` means that the provider saw the whole content before reporting; it is
    set from a logged uncover, never from a match. `potential_meme` and `file_annotations` exclude
    each other.
    """

    REQUIRED = ("report_id", "file_id")
    LENGTHS: ClassVar[dict[str, int]] = {"original_file_name": 2056, "location_of_file": 2083}

    report_id: int | None = None
    file_id: str | None = None
    file_name: str | None = None
    original_file_name: str | None = None
    uploaded_to_esp_timestamp: datetime | None = None
    location_of_file: str | None = None
    file_viewed_by_esp: bool | None = None
    exif_viewed_by_esp: bool | None = None
    publicly_available: bool | None = None
    file_relevance: Literal["Reported", "Supplemental Reported"] | None = None
    potential_meme: bool | None = None
    file_annotations: FileAnnotations | None = None
    industry_classification: Literal["A1", "A2", "B1", "B2"] | None = None
    original_file_hash: tuple[Hash, ...] = ()
    ip_capture_event: IpCapture | None = None
    device_id: tuple[Device, ...] = ()
    details: tuple[Details, ...] = ()
    additional_info: tuple[str, ...] = ()
