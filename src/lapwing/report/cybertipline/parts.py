"""What reports and files share: people, addresses, captures of addresses and devices. Pure.

Structs stand for XML elements, and fields for their children in the order of the schema; the JSON
of a struct uses the same names. Everything may be absent while a report is drafted: what has to be
there stands in `REQUIRED`, and `checks` lists what is missing or wrong.
Source: CyberTipline Reporting API, technical documentation of 2025-06-11, and its XML schema.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Literal

from msgspec import Struct, field

Text = str
EventName = Literal["Login", "Registration", "Purchase", "Upload", "Other", "Unknown"]


class Part(
    Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """One element. Class variables name Python fields.

    `ATTRIBUTES` are written as XML attributes and `TEXT` as the element's own text. `FLAGS` are
    elements that are there or not, never `false`. `LENGTHS` are the most characters of a text.
    """

    TEXT: ClassVar[str | None] = None
    ATTRIBUTES: ClassVar[frozenset[str]] = frozenset()
    FLAGS: ClassVar[frozenset[str]] = frozenset()
    REQUIRED: ClassVar[tuple[str, ...]] = ()
    LENGTHS: ClassVar[dict[str, int]] = {}


class Email(Part, frozen=True, kw_only=True):
    TEXT = "address"
    ATTRIBUTES = frozenset({"type", "verified", "verification_date"})
    REQUIRED = ("address",)

    address: str | None = None
    type: Literal["Home", "Work", "Business", "Recovery"] | None = None
    verified: bool | None = None
    verification_date: datetime | None = None


class Phone(Part, frozen=True, kw_only=True):
    """`number` without the country's calling code, which has an attribute of its own."""

    TEXT = "number"
    ATTRIBUTES = frozenset(
        {"type", "verified", "verification_date", "country_calling_code", "extension"}
    )
    REQUIRED = ("number",)

    number: str | None = None
    type: Literal["Mobile", "Home", "Business", "Work", "Fax", "Internet", "Recovery"] | None = None
    verified: bool | None = None
    verification_date: datetime | None = None
    country_calling_code: str | None = None
    extension: str | None = None


class Address(Part, frozen=True, kw_only=True):
    """`state` is a two-letter code of a US state or territory; others go into `non_usa_state`."""

    ATTRIBUTES = frozenset({"type"})

    type: Literal["Home", "Business", "Billing", "Shipping", "Technical"] | None = None
    address: str | None = None
    city: str | None = None
    zip_code: str | None = None
    state: str | None = None
    non_usa_state: str | None = None
    country: str | None = None


class ContactPerson(Part, frozen=True, kw_only=True):
    first_name: str | None = None
    last_name: str | None = None
    phone: tuple[Phone, ...] = ()
    email: tuple[Email, ...] = ()
    address: tuple[Address, ...] = ()


class Person(Part, frozen=True, kw_only=True):
    """`age` in years, 0 to 150."""

    first_name: str | None = None
    last_name: str | None = None
    phone: tuple[Phone, ...] = ()
    email: tuple[Email, ...] = ()
    address: tuple[Address, ...] = ()
    age: int | None = None
    date_of_birth: date | None = None


class IpCapture(Part, frozen=True, kw_only=True):
    """An address from which the account was used; `port` is 1 to 65535."""

    REQUIRED = ("ip_address",)

    ip_address: str | None = None
    event_name: EventName | None = None
    date_time: datetime | None = None
    possible_proxy: bool | None = None
    port: int | None = None


class Device(Part, frozen=True, kw_only=True):
    REQUIRED = ("id_type", "id_value")
    LENGTHS: ClassVar[dict[str, int]] = {"id_type": 255, "id_value": 2083}

    id_type: str | None = None
    id_value: str | None = None
    event_name: EventName | None = None
    date_time: datetime | None = None


class Location(Part, frozen=True, kw_only=True):
    """`region` is a US state's code, and needed beside a city in the US."""

    ATTRIBUTES = frozenset({"verified", "timestamp"})

    verified: bool | None = None
    timestamp: datetime | None = None
    city: str | None = None
    region: str | None = None
    country_code: str | None = None


class TemporarilyDisabled(Part, frozen=True, kw_only=True):
    TEXT = "disabled"
    ATTRIBUTES = frozenset(
        {"disabled_date", "user_notified", "user_notified_date", "reenabled_date"}
    )
    REQUIRED = ("disabled",)

    disabled: bool | None = None
    disabled_date: datetime | None = None
    user_notified: bool | None = None
    user_notified_date: datetime | None = None
    reenabled_date: datetime | None = None


class PermanentlyDisabled(Part, frozen=True, kw_only=True):
    TEXT = "disabled"
    ATTRIBUTES = frozenset({"disabled_date", "user_notified", "user_notified_date"})
    REQUIRED = ("disabled",)

    disabled: bool | None = None
    disabled_date: datetime | None = None
    user_notified: bool | None = None
    user_notified_date: datetime | None = None


class AssociatedPlatform(Part, frozen=True, kw_only=True):
    TEXT = "name"
    ATTRIBUTES = frozenset({"third_party_user"})
    REQUIRED = ("name",)

    name: str | None = None
    third_party_user: bool | None = None


class AssociatedAccount(Part, frozen=True, kw_only=True):
    """Another account that goes with this one."""

    ATTRIBUTES = frozenset({"type"})
    REQUIRED = ("type",)
    LENGTHS: ClassVar[dict[str, int]] = {
        "esp_identifier": 255,
        "esp_service": 100,
        "screen_name": 256,
        "group_identifier": 255,
    }

    type: Literal["Billing", "Linked", "Business", "Creator", "Parent/Guardian", "Other"] | None = (
        None
    )
    platform: AssociatedPlatform | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    approximate_age: int | None = None
    date_of_birth: date | None = None
    phone: tuple[Phone, ...] = ()
    email: tuple[Email, ...] = ()
    all_emails_reported: bool | None = None
    address: tuple[Address, ...] = ()
    esp_service: str | None = None
    esp_identifier: str | None = None
    profile_url: tuple[str, ...] = ()
    screen_name: str | None = None
    display_name: tuple[str, ...] = ()
    profile_bio: str | None = None
    group_identifier: str | None = None
    compromised_account: bool | None = None
    account_temporarily_disabled: TemporarilyDisabled | None = None
    account_permanently_disabled: PermanentlyDisabled | None = None
    ip_capture_event: tuple[IpCapture, ...] = ()
    device_id: tuple[Device, ...] = ()
    prior_ct_report: tuple[int, ...] = field(default=(), name="priorCTReport")
    additional_info: str | None = None
