"""What is missing or wrong in a report, all of it at once, each by its dotted name. Pure.

The schema says less than the authority's server checks: past times with an offset, lengths,
addresses that are addresses, flags that are there or not. What the schema checks alone (codes of
countries and states) is left to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

from msgspec.structs import fields

from lapwing.report.cybertipline.accounts import IntendedRecipient, ReportedUser, Victim
from lapwing.report.cybertipline.document import (
    EmailIncident,
    IncidentSummary,
    InternetDetails,
    Report,
    Reporter,
    WebPageIncident,
)
from lapwing.report.cybertipline.files import SUPPLEMENTAL, FileDetails
from lapwing.report.cybertipline.formats import (
    calling_code_fault,
    extension_fault,
    ip_address_fault,
    mail_fault,
    phone_fault,
    text_fault,
    url_fault,
)
from lapwing.report.cybertipline.parts import (
    Email,
    IpCapture,
    Location,
    Part,
    Person,
    Phone,
)
from lapwing.report.records import Fault

Found = Iterator[Fault]

OLDEST = 150
"""Years."""
_URLS = frozenset({"url", "profile_url", "location_of_file", "legal_url"})


def report_faults(report: Report, now: datetime) -> tuple[Fault, ...]:
    """Everything missing or wrong in a report, in the order of the document."""
    faults = list(_walk(report, "", now))
    faults += _mail_of_nobody(report)
    faults += _batch(report)
    return tuple(faults)


def file_faults(details: FileDetails, now: datetime, path: str = "") -> tuple[Fault, ...]:
    """Everything missing or wrong in the details of one file."""
    return tuple(_walk(details, path, now))


def _walk(part: Part, path: str, now: datetime) -> Found:
    kind = type(part)
    for one in fields(kind):
        value = getattr(part, one.name)
        at = f"{path}.{one.encode_name}" if path else one.encode_name
        if value is None or value == ():
            if one.name in kind.REQUIRED:
                yield Fault(field=at, reason="missing")
            continue
        if one.name in kind.FLAGS and value is False:
            yield Fault(field=at, reason="a flag is there or left out, never false")
        several = isinstance(value, tuple)
        for number, held in enumerate(value if several else (value,)):
            place = f"{at}.{number}" if several else at
            if isinstance(held, Part):
                yield from _walk(held, place, now)
            else:
                yield from _value(kind, one.name, held, place, now)
    for rule in _RULES.get(kind, ()):
        yield from rule(part, path, now)


def _value(kind: type[Part], name: str, value: object, at: str, now: datetime) -> Found:
    if isinstance(value, str):
        reason = text_fault(value, kind.LENGTHS.get(name))
        if reason is None and name in _URLS:
            reason = url_fault(value)
        if reason is not None:
            yield Fault(field=at, reason=reason)
    elif isinstance(value, datetime):
        if value.tzinfo is None:
            yield Fault(field=at, reason="a time needs its offset from UTC, or Z")
        elif value > now:
            yield Fault(field=at, reason="must be in the past")
    elif isinstance(value, date):
        if value > now.astimezone(UTC).date():
            yield Fault(field=at, reason="must be in the past")
    elif isinstance(value, int) and not isinstance(value, bool):
        low, high = _RANGES.get(name, (1, 2**63 - 1))
        if not low <= value <= high:
            yield Fault(field=at, reason=f"must be from {low} to {high}")
    elif isinstance(value, float):
        limit = 90 if name == "latitude" else 180
        if not -limit <= value <= limit:
            yield Fault(field=at, reason=f"must be from -{limit} to {limit} degrees")


_RANGES = {"age": (0, OLDEST), "approximate_age": (0, OLDEST), "port": (1, 65535)}


def _email(part: Email, path: str, now: datetime) -> Found:
    if part.address and (reason := mail_fault(part.address)):
        yield Fault(field=path, reason=reason)
    yield from _verified(part, path)


def _phone(part: Phone, path: str, now: datetime) -> Found:
    for name, value, fault in (
        ("number", part.number, phone_fault),
        ("countryCallingCode", part.country_calling_code, calling_code_fault),
        ("extension", part.extension, extension_fault),
    ):
        if value and (reason := fault(value)):
            yield Fault(field=f"{path}.{name}", reason=reason)
    yield from _verified(part, path)


def _verified(part: Email | Phone, path: str) -> Found:
    if part.verification_date is not None and part.verified is not True:
        yield Fault(field=f"{path}.verified", reason="must be true beside a verificationDate")


def _ip(part: IpCapture, path: str, now: datetime) -> Found:
    if part.ip_address and (reason := ip_address_fault(part.ip_address)):
        yield Fault(field=f"{path}.ipAddress", reason=reason)


def _location(part: Location, path: str, now: datetime) -> Found:
    if part.country_code == "US" and part.city and not part.region:
        yield Fault(field=f"{path}.region", reason="missing: a city in the US needs its state")


def _reporter(part: Reporter, path: str, now: datetime) -> Found:
    person = part.reporting_person or Person()
    if not person.email:
        yield Fault(field=f"{path}.reportingPerson.email", reason="missing")


def _internet(part: InternetDetails, path: str, now: datetime) -> Found:
    chosen = [one for one in fields(part) if getattr(part, one.name) is not None]
    if len(chosen) != 1:
        yield Fault(field=path, reason=f"needs exactly one kind of incident, not {len(chosen)}")


def _web_page(part: WebPageIncident, path: str, now: datetime) -> Found:
    if not part.url and not part.additional_info:
        yield Fault(field=f"{path}.url", reason="missing")


def _file(part: FileDetails, path: str, now: datetime) -> Found:
    dot = f"{path}." if path else ""
    annotated = part.file_annotations
    if part.file_relevance == SUPPLEMENTAL:
        if part.industry_classification is not None:
            yield Fault(
                field=f"{dot}industryClassification", reason="not beside Supplemental Reported"
            )
        if part.potential_meme is not None or (annotated and annotated.potential_meme):
            yield Fault(field=f"{dot}potentialMeme", reason="not beside Supplemental Reported")
    if part.exif_viewed_by_esp and not part.file_viewed_by_esp:
        yield Fault(
            field=f"{dot}exifViewedByEsp", reason="only where the whole file was viewed as well"
        )
    if part.potential_meme is not None and annotated is not None:
        yield Fault(
            field=f"{dot}potentialMeme", reason="goes into fileAnnotations where there are others"
        )


Rule = Callable[[Any, str, datetime], Found]
_RULES: dict[type[Part], tuple[Rule, ...]] = {
    Email: (_email,),
    Phone: (_phone,),
    IpCapture: (_ip,),
    Location: (_location,),
    Reporter: (_reporter,),
    InternetDetails: (_internet,),
    WebPageIncident: (_web_page,),
    FileDetails: (_file,),
}


def _mail_of_nobody(report: Report) -> Found:
    """An address of an e-mail incident must stand with someone in the report."""
    people: list[ReportedUser | IntendedRecipient | Victim] = [
        *report.person_or_user_reported,
        *report.intended_recipient,
        *report.victim,
    ]
    known = {mail.address for one in people if one.person is not None for mail in one.person.email}
    for number, details in enumerate(report.internet_details):
        incident = details.email_incident or EmailIncident()
        for place, mail in enumerate(incident.email_address):
            if mail.address and mail.address not in known:
                yield Fault(
                    field=f"internetDetails.{number}.emailIncident.emailAddress.{place}",
                    reason="must stand with the person reported, a recipient or a victim as well",
                )


_NOT_IN_A_BATCH = (
    "internet_details",
    "law_enforcement",
    "intended_recipient",
    "victim",
    "additional_info",
)


def _batch(report: Report) -> Found:
    """A batched report tells of many accounts, each by its identifier alone."""
    people = report.person_or_user_reported
    if report.batched_report is None:
        if len(people) > 1:
            yield Fault(
                field="personOrUserReported", reason="one at most; many only in a batched report"
            )
        return
    names = {one.name: one.encode_name for one in fields(Report)}
    for name in _NOT_IN_A_BATCH:
        if getattr(report, name):
            yield Fault(field=names[name], reason="not in a batched report")
    summary = report.incident_summary or IncidentSummary()
    if summary.escalate_to_high_priority is not None:
        yield Fault(
            field="incidentSummary.escalateToHighPriority", reason="not in a batched report"
        )
    for number, person in enumerate(people):
        extra = [
            one.encode_name
            for one in fields(person)
            if one.name != "esp_identifier" and getattr(person, one.name) not in (None, ())
        ]
        for name in extra:
            yield Fault(
                field=f"personOrUserReported.{number}.{name}",
                reason="a batched report names accounts by espIdentifier only",
            )
