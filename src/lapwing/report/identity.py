"""The identity envelope: what a report needs to know of an account, sealed beside an item.

A platform sends it as JSON in the part `identity` of `POST /v1/screen`. It is kept, sealed, only
when a case opens, and read only when a member drafts a report; each reading is in the ledger.

    {"account": {"espIdentifier": "u-1", "screenName": "example", "adult": true,
                 "person": {"email": [{"address": "user@example.com", "verified": true}]},
                 "ipCaptureEvent": [{"ipAddress": "192.0.2.7", "eventName": "Upload"}]},
     "file": {"originalFileName": "IMG_1.jpg", "publiclyAvailable": false}}
"""

from __future__ import annotations

from datetime import date
from typing import TypeVar

import msgspec

from lapwing.model.errors import InvalidInput
from lapwing.report.cybertipline.accounts import IntendedRecipient, ReportedUser, Victim
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
from lapwing.report.records import ActorAge

ADULT_AGE = 18

Role = TypeVar("Role", ReportedUser, IntendedRecipient, Victim)


class Account(Part, frozen=True, kw_only=True):
    """An account at the provider, in neutral words: who it is says nothing about what they did.

    `adult` is what the provider knows of the person's age; without it and without an age or date of
    birth the age is unknown, and nobody is drafted as a suspect.
    """

    adult: bool | None = None
    person: Person | None = None
    esp_identifier: str | None = None
    esp_service: str | None = None
    compromised_account: bool | None = None
    screen_name: str | None = None
    display_name: tuple[str, ...] = ()
    profile_url: tuple[str, ...] = ()
    profile_bio: str | None = None
    ip_capture_event: tuple[IpCapture, ...] = ()
    device_id: tuple[Device, ...] = ()
    prior_ct_reports: tuple[int, ...] = msgspec.field(default=(), name="priorCTReports")
    group_identifier: str | None = None
    account_temporarily_disabled: TemporarilyDisabled | None = None
    account_permanently_disabled: PermanentlyDisabled | None = None
    estimated_location: Location | None = None
    all_emails_reported: bool | None = None
    associated_account: tuple[AssociatedAccount, ...] = ()

    def age(self, today: date) -> ActorAge:
        """An age or date of birth under 18 outweighs `adult`: the child is protected first."""
        person = self.person or Person()
        given = (person.age, _years(person.date_of_birth, today))
        known = [years for years in given if years is not None]
        if any(years < ADULT_AGE for years in known) or self.adult is False:
            return ActorAge.MINOR
        return ActorAge.ADULT if known or self.adult else ActorAge.UNKNOWN

    def playing(self, role: type[Role]) -> Role:
        """The account as one of the people of a report."""
        shared = set(role.__struct_fields__) & set(self.__struct_fields__)
        return role(**{name: getattr(self, name) for name in shared})


class FileFacts(Part, frozen=True, kw_only=True):
    """What the provider knows of the file beside an item."""

    original_file_name: str | None = None
    publicly_available: bool | None = None


class Identity(Part, frozen=True, kw_only=True):
    """The envelope of one item."""

    account: Account | None = None
    recipient: Account | None = None
    file: FileFacts | None = None


_decoder = msgspec.json.Decoder(Identity)


def read_identity(envelope: bytes) -> Identity:
    """Raises InvalidInput naming the field that does not fit."""
    try:
        return _decoder.decode(envelope)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        field = "identity" + place.rstrip("`").replace("[", ".").replace("]", "")
        raise InvalidInput(f"the identity envelope: {reason}", field=field) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput("the identity envelope is not JSON", field="identity") from error


def _years(born: date | None, today: date) -> int | None:
    if born is None:
        return None
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
