"""What we write for the CyberTipline is what its schema asks, and damage is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from cybertipline_samples import NOW, PLAIN, REPORTER, official_schema, replaced, reports, valid
from lapwing.demo.cybertipline_schema import stand_in_schema
from lapwing.model.errors import InvalidInput
from lapwing.report.cybertipline.accounts import IntendedRecipient, ReportedUser, Victim
from lapwing.report.cybertipline.checks import file_faults, report_faults
from lapwing.report.cybertipline.document import (
    BatchedReport,
    ChatImIncident,
    EmailIncident,
    IncidentSummary,
    IncidentType,
    InternetDetails,
    LawEnforcement,
    Report,
    ReportAnnotations,
    Reporter,
    WebPageIncident,
)
from lapwing.report.cybertipline.files import (
    REPORTED,
    SUPPLEMENTAL,
    FileAnnotations,
    FileDetails,
    Hash,
)
from lapwing.report.cybertipline.parts import (
    Address,
    AssociatedAccount,
    Device,
    Email,
    IpCapture,
    Location,
    Person,
    Phone,
)
from lapwing.report.cybertipline.schema import Schema
from lapwing.report.cybertipline.xml import parse, render

RANDOM = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@RANDOM
@given(report=reports())
def test_random_reports_pass_our_checks_and_the_authoritys_schema(report: Report) -> None:
    assert report_faults(report, NOW) == ()
    assert official_schema().faults(render(report, "report")) == ()


@RANDOM
@given(details=valid(FileDetails))
def test_random_file_details_pass_our_checks_and_the_authoritys_schema(
    details: FileDetails,
) -> None:
    assert file_faults(details, NOW) == ()
    assert official_schema().faults(render(details, "fileDetails")) == ()


@settings(RANDOM, max_examples=50)
@given(report=reports(), details=valid(FileDetails))
def test_the_stand_in_schema_agrees(report: Report, details: FileDetails) -> None:
    """The rehearsal server takes what the authority takes."""
    schema = Schema(stand_in_schema())
    assert schema.faults(render(report, "report")) == ()
    assert schema.faults(render(details, "fileDetails")) == ()


def mail(address: str = "robin@example.org", **more: object) -> Person:
    return Person(email=(Email(address=address, **more),))  # type: ignore[arg-type]


def reported(**more: object) -> Report:
    return replaced(PLAIN, person_or_user_reported=(ReportedUser(**more),))  # type: ignore[arg-type]


def summary(**more: object) -> Report:
    assert PLAIN.incident_summary is not None
    return replaced(PLAIN, incident_summary=replaced(PLAIN.incident_summary, **more))


LATER = NOW + timedelta(minutes=1)
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001


@dataclass(frozen=True)
class Damage:
    """A damaged document and the field that must be named."""

    field: str
    document: Report | FileDetails


FILE = FileDetails(report_id=1, file_id="a", file_relevance=REPORTED)

DAMAGE = {
    "no summary": Damage("incidentSummary", replaced(PLAIN, incident_summary=None)),
    "no type": Damage("incidentSummary.incidentType", summary(incident_type=None)),
    "no time": Damage("incidentSummary.incidentDateTime", summary(incident_date_time=None)),
    "future": Damage("incidentSummary.incidentDateTime", summary(incident_date_time=LATER)),
    "naive": Damage("incidentSummary.incidentDateTime", summary(incident_date_time=NAIVE)),
    "long platform": Damage("incidentSummary.platform", summary(platform="a" * 257)),
    "blank reason": Damage(
        "incidentSummary.escalateToHighPriority", summary(escalate_to_high_priority="  ")
    ),
    "long reason": Damage(
        "incidentSummary.escalateToHighPriority", summary(escalate_to_high_priority="a" * 3001)
    ),
    "false flag": Damage(
        "incidentSummary.reportAnnotations.sextortion",
        summary(report_annotations=ReportAnnotations(sextortion=False)),
    ),
    "no reporter": Damage("reporter", replaced(PLAIN, reporter=None)),
    "no mail": Damage(
        "reporter.reportingPerson.email",
        replaced(PLAIN, reporter=Reporter(reporting_person=Person(first_name="Robin"))),
    ),
    "bad mail": Damage(
        "reporter.reportingPerson.email.0",
        replaced(PLAIN, reporter=Reporter(reporting_person=mail("not an address"))),
    ),
    "unverified date": Damage(
        "personOrUserReported.0.personOrUserReportedPerson.email.0.verified",
        reported(person=mail(verification_date=NOW - timedelta(days=1))),
    ),
    "age": Damage(
        "personOrUserReported.0.personOrUserReportedPerson.age", reported(person=Person(age=151))
    ),
    "birth in the future": Damage(
        "personOrUserReported.0.personOrUserReportedPerson.dateOfBirth",
        reported(person=Person(date_of_birth=LATER.date() + timedelta(days=1))),
    ),
    "calling code in the number": Damage(
        "personOrUserReported.0.personOrUserReportedPerson.phone.0.number",
        reported(person=Person(phone=(Phone(number="+1 202-555-0100"),))),
    ),
    "calling code": Damage(
        "personOrUserReported.0.personOrUserReportedPerson.phone.0.countryCallingCode",
        reported(person=Person(phone=(Phone(number="202-555-0100", country_calling_code="1"),))),
    ),
    "extension": Damage(
        "personOrUserReported.0.personOrUserReportedPerson.phone.0.extension",
        reported(person=Person(phone=(Phone(number="202-555-0100", extension="x1"),))),
    ),
    "address that is none": Damage(
        "personOrUserReported.0.ipCaptureEvent.0.ipAddress",
        reported(ip_capture_event=(IpCapture(ip_address="999.1.1.1"),)),
    ),
    "no address": Damage(
        "personOrUserReported.0.ipCaptureEvent.0.ipAddress",
        reported(ip_capture_event=(IpCapture(port=80),)),
    ),
    "port": Damage(
        "personOrUserReported.0.ipCaptureEvent.0.port",
        reported(ip_capture_event=(IpCapture(ip_address="192.0.2.1", port=70000),)),
    ),
    "device": Damage(
        "personOrUserReported.0.deviceId.0.idValue",
        reported(device_id=(Device(id_type="IMEI"),)),
    ),
    "long identifier": Damage(
        "personOrUserReported.0.espIdentifier", reported(esp_identifier="a" * 256)
    ),
    "profile that is no link": Damage(
        "personOrUserReported.0.profileUrl.0", reported(profile_url=("not a link",))
    ),
    "city without its state": Damage(
        "personOrUserReported.0.estimatedLocation.region",
        reported(estimated_location=Location(city="Anytown", country_code="US")),
    ),
    "associated account of no kind": Damage(
        "personOrUserReported.0.associatedAccount.0.type",
        reported(associated_account=(AssociatedAccount(esp_identifier="a"),)),
    ),
    "a character that XML has not": Damage(
        "personOrUserReported.0.screenName", reported(screen_name="a\x00b")
    ),
    "two people": Damage(
        "personOrUserReported",
        replaced(PLAIN, person_or_user_reported=(ReportedUser(), ReportedUser())),
    ),
    "victim without a person": Damage(
        "victim.0.victimPerson", replaced(PLAIN, victim=(Victim(esp_identifier="a"),))
    ),
    "two incidents in one": Damage(
        "internetDetails.0",
        replaced(
            PLAIN,
            internet_details=(
                InternetDetails(
                    web_page_incident=WebPageIncident(url=("https://example.org/",)),
                    chat_im_incident=ChatImIncident(chat_client="a"),
                ),
            ),
        ),
    ),
    "no incident": Damage(
        "internetDetails.0", replaced(PLAIN, internet_details=(InternetDetails(),))
    ),
    "long link": Damage(
        "internetDetails.0.webPageIncident.url.0",
        replaced(
            PLAIN,
            internet_details=(
                InternetDetails(
                    web_page_incident=WebPageIncident(url=("https://example.org/" + "a" * 2083,))
                ),
            ),
        ),
    ),
    "mail of nobody": Damage(
        "internetDetails.0.emailIncident.emailAddress.0",
        replaced(
            PLAIN,
            internet_details=(
                InternetDetails(
                    email_incident=EmailIncident(email_address=(Email(address="a@example.org"),))
                ),
            ),
        ),
    ),
    "agency without a name": Damage(
        "lawEnforcement.agencyName", replaced(PLAIN, law_enforcement=LawEnforcement())
    ),
    "batch with a victim": Damage(
        "victim",
        replaced(
            PLAIN,
            batched_report=BatchedReport(reason="VIRAL_POTENTIAL_MEME"),
            victim=(Victim(person=Person()),),
        ),
    ),
    "batch that tells of people": Damage(
        "personOrUserReported.0.screenName",
        replaced(
            reported(esp_identifier="a", screen_name="b"),
            batched_report=BatchedReport(reason="VIRAL_POTENTIAL_MEME"),
        ),
    ),
    "file without an id": Damage("fileId", replaced(FILE, file_id=None)),
    "classification of a supplement": Damage(
        "industryClassification",
        replaced(FILE, file_relevance=SUPPLEMENTAL, industry_classification="A1"),
    ),
    "meme of a supplement": Damage(
        "potentialMeme", replaced(FILE, file_relevance=SUPPLEMENTAL, potential_meme=True)
    ),
    "exif seen, file not": Damage("exifViewedByEsp", replaced(FILE, exif_viewed_by_esp=True)),
    "false annotation": Damage(
        "fileAnnotations.viral", replaced(FILE, file_annotations=FileAnnotations(viral=False))
    ),
    "meme twice": Damage(
        "potentialMeme",
        replaced(FILE, potential_meme=True, file_annotations=FileAnnotations(viral=True)),
    ),
    "long hash": Damage(
        "originalFileHash.0.value",
        replaced(FILE, original_file_hash=(Hash(value="a" * 65, hash_type="X"),)),
    ),
    "hash of no kind": Damage(
        "originalFileHash.0.hashType", replaced(FILE, original_file_hash=(Hash(value="a"),))
    ),
    "upload in the future": Damage(
        "uploadedToEspTimestamp", replaced(FILE, uploaded_to_esp_timestamp=LATER)
    ),
    "long name": Damage("originalFileName", replaced(FILE, original_file_name="a" * 2057)),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_refused_by_name(name: str) -> None:
    damage = DAMAGE[name]
    document = damage.document
    check: Callable[..., tuple[object, ...]] = (
        report_faults if isinstance(document, Report) else file_faults
    )
    named = [fault.field for fault in check(document, NOW)]  # type: ignore[attr-defined]
    assert named == [damage.field]


def test_everything_wrong_is_listed_at_once() -> None:
    both = replaced(summary(platform="a" * 257, incident_date_time=LATER), reporter=None)
    assert [fault.field for fault in report_faults(both, NOW)] == [
        "incidentSummary.platform",
        "incidentSummary.incidentDateTime",
        "reporter",
    ]


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (Address(state="ZZ"), "state"),
        (Address(country="ZZZ"), "country"),
    ],
)
def test_codes_are_left_to_the_schema_and_named_all_the_same(part: Address, field: str) -> None:
    report = reported(person=Person(address=(part,)))
    assert report_faults(report, NOW) == ()
    (fault,) = official_schema().faults(render(report, "report"))
    assert fault.field == f"personOrUserReported.personOrUserReportedPerson.address.{field}"


def test_the_schema_refuses_a_flag_that_is_false() -> None:
    document = render(
        summary(report_annotations=ReportAnnotations(sextortion=True)), "report"
    ).replace(b"<sextortion/>", b"<sextortion>false</sextortion>")
    assert b"false" in document
    assert official_schema().faults(document)


def test_parts_stand_in_the_order_of_the_schema() -> None:
    whole = Report(
        victim=(Victim(person=Person()),),
        intended_recipient=(IntendedRecipient(),),
        person_or_user_reported=(ReportedUser(),),
        reporter=REPORTER,
        law_enforcement=LawEnforcement(agency_name="a"),
        internet_details=(InternetDetails(chat_im_incident=ChatImIncident()),),
        incident_summary=IncidentSummary(
            incident_type=IncidentType.TRAFFICKING, incident_date_time=NOW
        ),
        additional_info="a",
    )
    tags = [one.tag for one in parse(render(whole, "report"))]
    assert tags == [
        "incidentSummary",
        "internetDetails",
        "lawEnforcement",
        "reporter",
        "personOrUserReported",
        "intendedRecipient",
        "victim",
        "additionalInfo",
    ]


def test_times_are_written_in_utc() -> None:
    east = datetime.fromisoformat("2026-01-01T01:30:00+02:00")
    written = parse(render(summary(incident_date_time=east), "report"))
    assert written.findtext("incidentSummary/incidentDateTime") == "2025-12-31T23:30:00.000Z"
    assert east.astimezone(UTC).isoformat() == "2025-12-31T23:30:00+00:00"


@pytest.mark.parametrize(
    "document",
    [
        b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
        b"<a>",
        b"",
        b"<!DOCTYPE a [<!ENTITY x 'xxxxxxxxxx'><!ENTITY y '&x;&x;&x;&x;'>]><a>&y;</a>",
    ],
)
def test_hostile_xml_is_not_read(document: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse(document)


def test_a_schema_that_asks_for_another_file_is_not_loaded() -> None:
    text = stand_in_schema().replace(
        b'elementFormDefault="qualified">',
        b'elementFormDefault="qualified"><xs:include schemaLocation="http://127.0.0.1:1/a.xsd"/>',
    )
    with pytest.raises(InvalidInput, match="another file"):
        Schema(text)


def test_something_else_is_no_schema() -> None:
    with pytest.raises(InvalidInput, match="declares no report"):
        Schema(etree.tostring(etree.Element("report")))
