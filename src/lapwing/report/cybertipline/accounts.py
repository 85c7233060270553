"""The three parts that people play in a report: reported, intended recipient, victim. Pure."""

from __future__ import annotations

from typing import ClassVar

from msgspec import field

from lapwing.report.cybertipline.parts import (
    AssociatedAccount,
    Device,
    IpCapture,
    Location,
    Part,
    PermanentlyDisabled,
    Person,
    TemporarilyDisabled,
)

_LENGTHS = {
    "esp_identifier": 255,
    "esp_service": 100,
    "screen_name": 256,
    "group_identifier": 255,
    "school_name": 255,
}


class ReportedUser(Part, frozen=True, kw_only=True):
    """`personOrUserReported`: whoever is reported. Never drafted on the welfare way."""

    LENGTHS: ClassVar[dict[str, int]] = _LENGTHS

    person: Person | None = field(default=None, name="personOrUserReportedPerson")
    vehicle_description: str | None = None
    esp_identifier: str | None = None
    esp_service: str | None = None
    compromised_account: bool | None = None
    screen_name: str | None = None
    display_name: tuple[str, ...] = ()
    profile_url: tuple[str, ...] = ()
    profile_bio: str | None = None
    ip_capture_event: tuple[IpCapture, ...] = ()
    device_id: tuple[Device, ...] = ()
    third_party_user_reported: bool | None = None
    prior_ct_reports: tuple[int, ...] = field(default=(), name="priorCTReports")
    group_identifier: str | None = None
    account_temporarily_disabled: TemporarilyDisabled | None = None
    account_permanently_disabled: PermanentlyDisabled | None = None
    estimated_location: Location | None = None
    all_emails_reported: bool | None = None
    associated_account: tuple[AssociatedAccount, ...] = ()
    additional_info: str | None = None


class IntendedRecipient(Part, frozen=True, kw_only=True):
    """`intendedRecipient`: to whom something was sent."""

    LENGTHS: ClassVar[dict[str, int]] = _LENGTHS

    person: Person | None = field(default=None, name="intendedRecipientPerson")
    esp_identifier: str | None = None
    esp_service: str | None = None
    compromised_account: bool | None = None
    screen_name: str | None = None
    display_name: tuple[str, ...] = ()
    profile_url: tuple[str, ...] = ()
    profile_bio: str | None = None
    ip_capture_event: tuple[IpCapture, ...] = ()
    device_id: tuple[Device, ...] = ()
    prior_ct_reports: tuple[int, ...] = field(default=(), name="priorCTReports")
    group_identifier: str | None = None
    account_temporarily_disabled: TemporarilyDisabled | None = None
    account_permanently_disabled: PermanentlyDisabled | None = None
    estimated_location: Location | None = None
    all_emails_reported: bool | None = None
    additional_info: tuple[str, ...] = ()


class Victim(Part, frozen=True, kw_only=True):
    """`victim`: a child who is harmed or at risk."""

    REQUIRED = ("person",)
    LENGTHS: ClassVar[dict[str, int]] = _LENGTHS

    person: Person | None = field(default=None, name="victimPerson")
    esp_identifier: str | None = None
    esp_service: str | None = None
    compromised_account: bool | None = None
    screen_name: str | None = None
    display_name: tuple[str, ...] = ()
    profile_url: tuple[str, ...] = ()
    profile_bio: str | None = None
    ip_capture_event: tuple[IpCapture, ...] = ()
    device_id: tuple[Device, ...] = ()
    school_name: str | None = None
    prior_ct_reports: tuple[int, ...] = field(default=(), name="priorCTReports")
    account_temporarily_disabled: TemporarilyDisabled | None = None
    account_permanently_disabled: PermanentlyDisabled | None = None
    estimated_location: Location | None = None
    all_emails_reported: bool | None = None
    associated_account: tuple[AssociatedAccount, ...] = ()
    additional_info: str | None = None
