"""`<report>`: what is told of one incident. Pure; see `parts` for how structs stand for XML."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal

from msgspec import field

from lapwing.report.cybertipline.accounts import IntendedRecipient, ReportedUser, Victim
from lapwing.report.cybertipline.parts import (
    Address,
    ContactPerson,
    Email,
    IpCapture,
    Part,
    Person,
    Phone,
)


class IncidentType(StrEnum):
    """The authority's own words for what happened; they are part of its wire format."""

    POSSESSION = "Child Pornography (possession, manufacture, and distribution)"
    TRAFFICKING = "Child Sex Trafficking"
    TOURISM = "Child Sex Tourism"
    MOLESTATION = "Child Sexual Molestation"
    DOMAIN_NAME = "Misleading Domain Name"
    WORDS = "Misleading Words or Digital Images on the Internet"
    ENTICEMENT = "Online Enticement of Children for Sexual Acts"
    UNSOLICITED = "Unsolicited Obscene Material Sent to a Child"


class BatchedReport(Part, frozen=True, kw_only=True):
    """Many who passed on one picture without ill intent, in one report."""

    ATTRIBUTES = frozenset({"reason"})
    REQUIRED = ("reason",)

    reason: Literal["VIRAL_POTENTIAL_MEME"] | None = None


class ReportAnnotations(Part, frozen=True, kw_only=True):
    FLAGS = frozenset(
        {
            "sextortion",
            "csam_solicitation",
            "minor_to_minor_interaction",
            "spam",
            "sadistic_online_exploitation",
        }
    )

    sextortion: bool | None = None
    csam_solicitation: bool | None = None
    minor_to_minor_interaction: bool | None = None
    spam: bool | None = None
    sadistic_online_exploitation: bool | None = None


class IncidentSummary(Part, frozen=True, kw_only=True):
    """`escalate_to_high_priority` holds the reason; its being there is what escalates."""

    REQUIRED = ("incident_type", "incident_date_time")
    LENGTHS: ClassVar[dict[str, int]] = {
        "platform": 256,
        "escalate_to_high_priority": 3000,
        "incident_date_time_description": 3000,
    }

    incident_type: IncidentType | None = None
    platform: str | None = None
    escalate_to_high_priority: str | None = None
    report_annotations: ReportAnnotations | None = None
    incident_date_time: datetime | None = None
    incident_date_time_description: str | None = None


class WebPageIncident(Part, frozen=True, kw_only=True):
    ATTRIBUTES = frozenset({"third_party_hosted_content"})

    third_party_hosted_content: bool | None = None
    url: tuple[str, ...] = ()
    additional_info: str | None = None


class EmailIncident(Part, frozen=True, kw_only=True):
    """Each address must stand with one of the people in the report, too."""

    email_address: tuple[Email, ...] = ()
    content: str | None = None
    additional_info: str | None = None


class NewsgroupIncident(Part, frozen=True, kw_only=True):
    name: str | None = None
    email_address: tuple[Email, ...] = ()
    content: str | None = None
    additional_info: str | None = None


class ChatImIncident(Part, frozen=True, kw_only=True):
    chat_client: str | None = None
    chat_room_name: str | None = None
    content: str | None = None
    additional_info: str | None = None


class OnlineGamingIncident(Part, frozen=True, kw_only=True):
    game_name: str | None = None
    console: str | None = None
    content: str | None = None
    additional_info: str | None = None


class CellPhoneIncident(Part, frozen=True, kw_only=True):
    """Degrees; north and east are positive."""

    phone_number: Phone | None = None
    latitude: float | None = None
    longitude: float | None = None
    additional_info: str | None = None


class NonInternetIncident(Part, frozen=True, kw_only=True):
    location_name: str | None = None
    incident_address: tuple[Address, ...] = ()
    additional_info: str | None = None


class PeerToPeerIncident(Part, frozen=True, kw_only=True):
    client: str | None = None
    ip_capture_event: tuple[IpCapture, ...] = ()
    file_names: str | None = None
    additional_info: str | None = None


class InternetDetails(Part, frozen=True, kw_only=True):
    """Where it happened: exactly one of these."""

    web_page_incident: WebPageIncident | None = None
    email_incident: EmailIncident | None = None
    newsgroup_incident: NewsgroupIncident | None = None
    chat_im_incident: ChatImIncident | None = None
    online_gaming_incident: OnlineGamingIncident | None = None
    cell_phone_incident: CellPhoneIncident | None = None
    non_internet_incident: NonInternetIncident | None = None
    peer2peer_incident: PeerToPeerIncident | None = field(default=None, name="peer2peerIncident")


class InternationalProcess(Part, frozen=True, kw_only=True):
    """`flea_country` is an ISO 3166-1 alpha-2 code."""

    TEXT = "served"
    ATTRIBUTES = frozenset({"flea_country"})
    REQUIRED = ("served",)

    served: bool | None = None
    flea_country: str | None = None


class LawEnforcement(Part, frozen=True, kw_only=True):
    REQUIRED = ("agency_name",)

    agency_name: str | None = None
    case_number: str | None = None
    officer_contact: ContactPerson | None = None
    reported_to_le: bool | None = None
    served_legal_process_domestic: bool | None = None
    served_legal_process_international: InternationalProcess | None = None


class Reporter(Part, frozen=True, kw_only=True):
    """Who reports. The authority's server wants an e-mail address of the reporting person."""

    REQUIRED = ("reporting_person",)

    reporting_person: Person | None = None
    contact_person: ContactPerson | None = None
    company_template: str | None = None
    terms_of_service: str | None = None
    legal_url: str | None = field(default=None, name="legalURL")


class Report(Part, frozen=True, kw_only=True):
    REQUIRED = ("incident_summary", "reporter")

    batched_report: BatchedReport | None = None
    incident_summary: IncidentSummary | None = None
    internet_details: tuple[InternetDetails, ...] = ()
    law_enforcement: LawEnforcement | None = None
    reporter: Reporter | None = None
    person_or_user_reported: tuple[ReportedUser, ...] = ()
    intended_recipient: tuple[IntendedRecipient, ...] = ()
    victim: tuple[Victim, ...] = ()
    additional_info: str | None = None
