"""Drafts: what is on record goes in, nobody is accused lightly, and what is missing is listed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from cybertipline_samples import official_text
from lapwing.model.cases import Outcome
from lapwing.model.errors import Conflict, InvalidInput
from lapwing.report.cybertipline.accounts import Victim
from lapwing.report.cybertipline.credentials import credentials_path
from lapwing.report.cybertipline.document import Reporter
from lapwing.report.cybertipline.drafting import NOBODY_ACCUSED
from lapwing.report.cybertipline.files import FileAnnotations
from lapwing.report.cybertipline.parts import Person
from lapwing.report.cybertipline.schema import keep_schema
from lapwing.report.cybertipline.xml import parse
from lapwing.report.identity import Account, read_identity
from lapwing.report.records import ActorAge, Incomplete, ReportKind
from lapwing.report.typed import Typed, TypedFile, read_typed
from report_world import ADULT, REPORTER, START, World
from web_world import KNOWN_URL, picture


def opened(world: World, case: Any, typed: Typed | None = None) -> Any:
    """The preview with the envelope opened."""
    if typed is not None:
        world.reports.save(world.organisation, world.member, case, typed)
    return world.reports.open(world.organisation, world.member, case)


def document(preview: Any) -> Any:
    return parse(preview.document.encode())


def test_a_picture_case_is_drafted_whole(world: World) -> None:
    case = world.picture_case(url="https://example.org/a.png")
    world.judge(case)
    preview = opened(world, case)
    told = document(preview)
    assert preview.faults == ()
    assert preview.kind is ReportKind.IMAGE
    assert not preview.welfare
    assert told.findtext("incidentSummary/incidentType").startswith("Child Pornography")
    assert told.findtext("incidentSummary/incidentDateTime") == "2026-11-20T09:00:00.000Z"
    assert told.findtext("internetDetails/webPageIncident/url") == "https://example.org/a.png"
    assert told.findtext("personOrUserReported/ipCaptureEvent/ipAddress") == "192.0.2.7"
    (file,) = preview.files
    assert not file.viewed


def test_a_link_case_names_the_link(world: World) -> None:
    case = world.screen({"url": KNOWN_URL}, "url")
    world.judge(case)
    preview = opened(world, case)
    assert preview.kind is ReportKind.URL
    assert preview.faults == ()
    assert document(preview).findtext("internetDetails/webPageIncident/url") == KNOWN_URL


def test_a_message_case_is_enticement_once_a_member_says_so(world: World) -> None:
    record = {"text": f"see {KNOWN_URL}", "conversation": "room-7", "account": "someone"}
    case = world.screen(record, "message")
    world.judge(case)
    preview = opened(world, case, Typed(kind=ReportKind.MESSAGE))
    told = document(preview)
    assert preview.faults == ()
    assert told.findtext("incidentSummary/incidentType").startswith("Online Enticement")
    assert told.findtext("internetDetails/chatImIncident/chatRoomName") == "room-7"
    assert told.findtext("internetDetails/webPageIncident/url") == KNOWN_URL


def test_an_advert_case_is_trafficking_once_a_member_says_so(world: World) -> None:
    case = world.screen(
        {"text": f"call, or {KNOWN_URL}", "title": "a title", "url": "https://ads.example/7"},
        "advert",
    )
    world.judge(case)
    preview = opened(world, case, Typed(kind=ReportKind.ADVERT))
    told = document(preview)
    assert preview.faults == ()
    assert told.findtext("incidentSummary/incidentType") == "Child Sex Trafficking"
    assert told.findtext("internetDetails/webPageIncident/url") == "https://ads.example/7"


def test_a_file_counts_as_viewed_only_after_a_logged_whole_look(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    assert not opened(world, case).files[0].viewed
    with world.house.database.organisation(world.organisation) as connection:
        for kept in world.house.vault.objects(connection, case):
            world.house.vault.uncover(connection, world.organisation, world.member, kept.id)
    assert not opened(world, case).files[0].viewed, "an uncover that was not looked at"
    world.look(case)
    assert opened(world, case).files[0].viewed


def test_looking_at_the_account_or_filing_is_no_viewing_of_the_file(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    with world.house.database.organisation(world.organisation) as connection:
        (identity,) = [
            kept for kept in world.house.vault.objects(connection, case) if kept.role == "identity"
        ]
        world.house.vault.uncover(connection, world.organisation, world.member, identity.id)
        world.house.vault.open(connection, world.organisation, world.member, identity.id)
    report = world.file(case)
    world.work(report.id)
    (filed,) = world.desk.reports.values()
    (details,) = filed.details.values()
    assert b"fileViewedByEsp" not in details


def test_a_look_after_the_draft_was_seen_asks_to_see_it_again(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    seen = opened(world, case).seen
    world.look(case)
    with pytest.raises(Conflict, match="look at it again"):
        world.reports.file(world.organisation, world.member, case, seen=seen)


def test_an_opened_envelope_is_in_the_ledger_and_a_plain_preview_opens_none(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    plain = world.reports.preview(world.organisation, world.member, case)
    assert plain.envelopes == 1
    assert not plain.opened
    assert plain.seen is None
    assert "192.0.2.7" not in plain.document
    assert "content.released" not in world.ledger(case)
    assert "192.0.2.7" in opened(world, case).document
    assert "content.released" in world.ledger(case)


MINOR = {"account": ADULT["account"] | {"person": {"age": 15}}}  # type: ignore[operator]
BORN = {"account": {"espIdentifier": "u-1", "person": {"dateOfBirth": "2010-01-01"}}}
UNKNOWN = {"account": {"espIdentifier": "u-1"}}


@pytest.mark.parametrize("identity", [MINOR, BORN, UNKNOWN], ids=["minor", "born", "unknown"])
def test_nobody_under_18_or_of_unknown_age_is_drafted_as_a_suspect(
    world: World, identity: dict[str, Any]
) -> None:
    case = world.picture_case(identity=identity)
    world.judge(case)
    preview = opened(world, case)
    told = document(preview)
    assert preview.welfare
    assert told.find("personOrUserReported") is None
    assert NOBODY_ACCUSED in told.findtext("additionalInfo")
    assert "u-1" in told.findtext("additionalInfo")
    assert told.find("victim") is None


def test_a_welfare_verdict_accuses_nobody_though_the_account_is_an_adults(world: World) -> None:
    case = world.picture_case()
    world.judge(case, Outcome.WELFARE)
    preview = opened(world, case, Typed(actor=ActorAge.ADULT))
    assert preview.welfare
    assert document(preview).find("personOrUserReported") is None


def test_a_member_cannot_make_an_adult_of_a_child(world: World) -> None:
    case = world.picture_case(identity=MINOR)
    world.judge(case)
    preview = opened(world, case, Typed(actor=ActorAge.ADULT))
    assert document(preview).find("personOrUserReported") is None
    assert [fault.field for fault in preview.faults] == ["actor"]


def test_a_member_says_that_the_person_is_an_adult(world: World) -> None:
    case = world.picture_case(identity=UNKNOWN)
    world.judge(case)
    preview = opened(world, case, Typed(actor=ActorAge.ADULT))
    assert document(preview).findtext("personOrUserReported/espIdentifier") == "u-1"


def test_the_child_whose_account_it_is_stands_as_victim(world: World) -> None:
    case = world.picture_case(identity=MINOR)
    world.judge(case, Outcome.WELFARE)
    told = document(opened(world, case, Typed(actor_is_victim=True)))
    assert told.findtext("victim/espIdentifier") == "u-1"
    assert told.findtext("victim/victimPerson/age") == "15"
    assert told.find("personOrUserReported") is None


def test_self_production_is_said_by_a_member_and_never_drafted(world: World) -> None:
    case = world.picture_case(identity=MINOR)
    world.judge(case, Outcome.WELFARE)
    (file,) = opened(world, case).files
    said = TypedFile(file_annotations=FileAnnotations(possible_self_production=True))
    world.reports.save(world.organisation, world.member, case, Typed(files={str(file.item): said}))
    world.work(world.file(case).id)
    (filed,) = world.desk.reports.values()
    assert b"<possibleSelfProduction/>" in next(iter(filed.details.values()))
    plain = world.picture_case(shift=50, identity=MINOR)
    world.judge(plain, Outcome.WELFARE)
    world.work(world.file(plain).id)
    details = [next(iter(one.details.values())) for one in world.desk.reports.values()]
    assert sum(b"possibleSelfProduction" in one for one in details) == 1


def test_without_kept_content_the_report_goes_without_files_and_names_the_hashes(
    world: World,
) -> None:
    case = world.screen({"account": "someone", **world.known(picture(8))}, "media")
    world.judge(case)
    preview = opened(world, case, Typed(actor=ActorAge.ADULT))
    assert preview.files == ()
    assert "SHA256" in document(preview).findtext("additionalInfo")
    assert world.work(world.file(case).id).files == 0


def test_everything_missing_is_listed_and_nothing_is_filed(world: World) -> None:
    credentials_path(world.house.office.secrets, world.organisation).unlink()
    case = world.picture_case()
    world.judge(case)
    typed = Typed(
        incident_date_time=datetime(2027, 1, 1, tzinfo=UTC),
        victims=(Victim(esp_identifier="v-1"),),
        files={"nothing": TypedFile()},
    )
    preview = opened(world, case, typed)
    assert {fault.field for fault in preview.faults} == {
        "files.nothing",
        "incidentSummary.incidentDateTime",
        "reporter",
        "victim.0.victimPerson",
    }


def test_an_incomplete_report_is_refused_with_the_list(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    typed = Typed(reporter=Reporter(reporting_person=Person()), platform="a" * 300)
    preview = opened(world, case, typed)
    with pytest.raises(Incomplete) as refused:
        world.reports.file(world.organisation, world.member, case, seen=str(preview.seen))
    named = ["incidentSummary.platform", "reporter.reportingPerson.email"]
    assert [fault.field for fault in refused.value.faults] == named
    assert all(name in refused.value.message for name in named)
    assert world.reports.status(world.organisation, case)[0].state == "drafted"


def test_codes_that_only_the_schema_knows_are_refused_by_name(world: World) -> None:
    keep_schema(world.house.office.schema, official_text())
    person = {"address": [{"state": "ZZ"}]}
    case = world.picture_case(
        identity={"account": {"espIdentifier": "u-1", "adult": True, "person": person}}
    )
    world.judge(case)
    (fault,) = opened(world, case).faults
    place = "personOrUserReported.personOrUserReportedPerson.address.state"
    assert fault.field == place


def test_our_drafts_pass_the_authoritys_own_schema(world: World) -> None:
    keep_schema(world.house.office.schema, official_text())
    case = world.picture_case(url="https://example.org/a.png")
    world.judge(case)
    world.look(case)
    assert opened(world, case).faults == ()


def test_items_of_several_accounts_need_the_one_to_report(world: World) -> None:
    content = picture(9)
    hashed = world.known(content)
    cases = {
        world.screen(
            {**hashed},
            content=content,
            identity=json.dumps({"account": {"espIdentifier": name, "adult": True}}).encode(),
        )
        for name in ("u-1", "u-2")
    }
    (case,) = cases
    world.judge(case)
    preview = opened(world, case)
    assert [fault.field for fault in preview.faults] == ["account"]
    chosen = Typed(account=Account(esp_identifier="u-2", adult=True))
    preview = opened(world, case, chosen)
    assert preview.faults == ()
    assert document(preview).findtext("personOrUserReported/espIdentifier") == "u-2"


def test_an_envelope_that_does_not_fit_is_a_fault_and_stops_nothing_else(world: World) -> None:
    case = world.picture_case(identity=b'{"account": {"shoeSize": 44}}')
    world.judge(case)
    preview = opened(world, case)
    (fault,) = preview.faults
    assert fault.field == "identity.account"
    assert preview.document


@pytest.mark.parametrize(
    ("envelope", "field"),
    [
        (b"not json", "identity"),
        (b"\xff\xfe", "identity"),
        (b'{"account": {"person": {"age": "old"}}}', "identity.account.person.age"),
        (b'{"account": {"ipCaptureEvent": [{"port": "x"}]}}', "identity.account.ipCaptureEvent"),
        (b'{"other": 1}', "identity"),
    ],
)
def test_the_envelopes_faults_are_named(envelope: bytes, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_identity(envelope)
    assert str(refused.value.field).startswith(field)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"{", None),
        (b'{"kind": "other"}', "kind"),
        (b'{"victims": [{"victimPerson": {"age": "x"}}]}', "victims"),
        (b'{"unknown": 1}', None),
    ],
)
def test_what_is_typed_wrong_is_named(text: bytes, field: str | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_typed(text)
    assert (refused.value.field or "").startswith(field or "")


@pytest.mark.parametrize(
    ("account", "age"),
    [
        (Account(), ActorAge.UNKNOWN),
        (Account(adult=True), ActorAge.ADULT),
        (Account(adult=False), ActorAge.MINOR),
        (Account(person=Person(age=18)), ActorAge.ADULT),
        (Account(person=Person(age=0), adult=True), ActorAge.MINOR),
        (Account(person=Person(date_of_birth=date(2008, 11, 20))), ActorAge.ADULT),
        (Account(person=Person(date_of_birth=date(2008, 11, 21))), ActorAge.MINOR),
        (Account(person=Person(date_of_birth=date(2008, 11, 21)), adult=True), ActorAge.MINOR),
    ],
)
def test_the_age_of_an_account(account: Account, age: ActorAge) -> None:
    assert account.age(START.date()) is age


def test_what_a_member_types_is_kept_sealed_and_found_again(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    typed = Typed(additional_info="a note", reporter=REPORTER)
    world.reports.save(world.organisation, world.member, case, typed)
    again = world.reports.preview(world.organisation, world.other, case)
    assert again.typed == typed
