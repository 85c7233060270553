"""Filing: what a member confirmed goes out whole, once, and is kept as the law asks."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from lapwing.demo.cybertipline_server import Break
from lapwing.law.registry import row
from lapwing.model.cases import Outcome
from lapwing.model.errors import Conflict, NotAllowed
from lapwing.report.cybertipline.credentials import Credentials, keep_credentials
from lapwing.report.cybertipline.xml import parse
from lapwing.report.erasing import erase_due
from lapwing.report.journal import GIVE_UP_AFTER
from lapwing.report.records import ReportState
from report_world import ADULT, START, World, as_production


def test_a_confirmed_report_is_filed_with_its_file(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    world.look(case)
    confirmed = world.file(case)
    assert confirmed.state is ReportState.CONFIRMED
    assert confirmed.confirmed_by == "Ada"
    filed = world.work(confirmed.id)
    assert filed.state is ReportState.FILED
    assert world.desk.finished == [filed.remote_id]
    (report,) = world.desk.reports.values()
    ((token, content),) = report.files.items()
    details = parse(report.details[token])
    assert content.startswith(b"\x89PNG")
    assert details.findtext("fileViewedByEsp") == "true"
    assert details.findtext("originalFileName") == "holiday.png"
    told = parse(report.document)
    assert told.findtext("personOrUserReported/espIdentifier") == "u-1"
    assert told.findtext("reporter/reportingPerson/email") == "robin@example.org"


def test_every_step_is_in_the_ledger(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    world.work(world.file(case).id)
    events = [one for one in world.ledger(case) if one.startswith("report.")]
    assert events == ["report.drafted", "report.confirmed", "report.submitted", "report.filed"]
    with world.house.database.organisation(world.organisation) as connection:
        world.house.ledger.verify(connection, world.organisation)


def test_the_authoritys_notification_is_kept_as_received(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    filed = world.work(world.file(case).id)
    receipt = parse(world.reports.receipt(world.organisation, case))
    assert receipt.tag == "reportDoneResponse"
    assert receipt.findtext("reportId") == str(filed.remote_id)


def test_what_is_filed_is_not_filed_again(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    filed = world.work(world.file(case).id)
    world.work(filed.id)
    with pytest.raises(Conflict, match="is filed"):
        world.file(case)
    with pytest.raises(Conflict, match="is filed"):
        world.reports.withdraw(world.organisation, world.member, case, "no")
    assert len(world.desk.finished) == 1


def test_of_four_workers_at_once_one_files(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.desk.breaks[("submit", 1)] = Break.HANG
    workers = [
        threading.Thread(target=world.house.filing.run, args=(world.organisation, report))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    assert world.desk.waiting.wait(10)
    world.desk.go_on.set()
    for worker in workers:
        worker.join()
    assert world.work_until_settled(report).state is ReportState.FILED
    assert world.desk.calls["submit"] == 1
    assert len(world.desk.finished) == 1


STEPS = ("submit", "upload", "fileinfo", "finish")
BREAKS = (Break.LOST_REQUEST, Break.LOST_ANSWER, Break.SERVER_ERROR)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("broken", BREAKS)
def test_trouble_on_the_wire_is_tried_again_and_files_once(
    world: World, step: str, broken: Break
) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.desk.breaks[(step, 1)] = broken
    first = world.work(report)
    assert first.state is ReportState.RETRY
    assert first.next_attempt_at is not None
    assert first.next_attempt_at > world.hands()
    assert world.work_until_settled(report).state is ReportState.FILED
    assert len(world.desk.finished) == 1


@pytest.mark.parametrize("broken", BREAKS)
def test_trouble_while_asking_what_became_of_it_files_once(world: World, broken: Break) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.desk.breaks[("finish", 1)] = Break.LOST_ANSWER
    world.desk.breaks[("retract", 1)] = broken
    assert world.work_until_settled(report).state is ReportState.FILED
    assert len(world.desk.finished) == 1


def test_a_lost_last_answer_is_filed_and_says_so(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.desk.breaks[("finish", 1)] = Break.LOST_ANSWER
    filed = world.work_until_settled(report)
    timeline = world.house.cases.case(world.organisation, case).timeline
    (leaf,) = [entry for entry in timeline if entry.event == "report.filed"]
    assert leaf.data["answer_lost"] is True
    assert leaf.data["number"] == filed.remote_id
    assert b"5102" in world.reports.receipt(world.organisation, case)


def test_a_file_that_arrived_damaged_is_sent_again(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.desk.breaks[("upload", 1)] = Break.DAMAGE
    assert world.work(report).state is ReportState.RETRY
    assert world.work_until_settled(report).state is ReportState.FILED
    (finished,) = world.desk.finished
    (content,) = world.desk.reports[finished].files.values()
    assert content.endswith(b"IEND\xaeB`\x82")


def test_an_open_report_that_expired_is_begun_anew(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.desk.breaks[("upload", 1)] = Break.SERVER_ERROR
    opened = world.work(report).remote_id
    world.hands.turn(hours=25)
    filed = world.work(report)
    assert filed.state is ReportState.FILED
    assert filed.remote_id != opened
    assert len(world.desk.finished) == 1


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("code", [2000, 3100, 4100, 4110])
def test_a_refusal_waits_for_a_person(world: World, step: str, code: int) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.desk.refuse[step] = code
    failed = world.work(report)
    assert failed.state is ReportState.FAILED
    assert str(code) in str(failed.last_answer)
    assert failed.request_id
    world.hands.turn(days=1)
    assert world.work(report).state is ReportState.FAILED
    assert "report.failed" in world.ledger(case)
    world.desk.refuse.clear()
    assert world.work_until_settled(world.file(case).id).state is ReportState.FILED
    assert len(world.desk.finished) == 1


def test_wrong_credentials_are_a_refusal_though_the_answer_is_empty(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    secrets = world.house.office.secrets
    keep_credentials(secrets, world.organisation, Credentials(username="a", password="b"))
    failed = world.work(report)
    assert failed.state is ReportState.FAILED
    assert "401" in str(failed.last_answer)


def test_after_thirty_days_a_person_has_to_look(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.desk.breaks = {("submit", number): Break.SERVER_ERROR for number in range(1, 500)}
    assert world.work(report).state is ReportState.RETRY
    world.hands.turn(days=GIVE_UP_AFTER.days, minutes=1)
    failed = world.work(report)
    assert failed.state is ReportState.FAILED
    assert "given up" in str(failed.last_answer)


def test_tries_come_further_and_further_apart(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.desk.breaks = {("submit", number): Break.SERVER_ERROR for number in range(1, 500)}
    waits = []
    for _ in range(14):
        status = world.work(report)
        assert status.next_attempt_at is not None
        waits.append(status.next_attempt_at - world.hands())
        world.hands.at = status.next_attempt_at
    assert waits[:3] == [timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=6)


def test_before_its_time_nothing_is_tried(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.desk.breaks[("submit", 1)] = Break.SERVER_ERROR
    world.work(report)
    world.work(report)
    assert world.desk.calls["submit"] == 1
    world.reports.nudge(world.organisation, world.member, case)
    assert world.work(report).state is ReportState.FILED


@pytest.mark.parametrize("outcome", [Outcome.HARMLESS, Outcome.UNSURE])
def test_a_new_verdict_stops_what_is_not_filed_yet(world: World, outcome: Outcome) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.judge(case, outcome)
    stopped = world.work(report)
    assert stopped.state is ReportState.WITHDRAWN
    assert not world.desk.reports


def test_a_new_verdict_between_upload_and_the_last_step_stops_it(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.desk.breaks[("fileinfo", 1)] = Break.HANG
    worker = threading.Thread(target=world.house.filing.run, args=(world.organisation, report))
    worker.start()
    assert world.desk.waiting.wait(10)
    world.judge(case, Outcome.HARMLESS)
    world.desk.go_on.set()
    worker.join()
    assert world.status(report).state is ReportState.WITHDRAWN
    assert [one.state for one in world.desk.reports.values()] == ["retracted"]


def test_a_withdrawn_report_is_not_filed_and_a_new_one_can_be(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.reports.withdraw(world.organisation, world.other, case, "a second look first")
    assert world.work(report).state is ReportState.WITHDRAWN
    assert not world.desk.reports
    assert world.work(world.file(case).id).state is ReportState.FILED


def test_withdrawing_under_way_stops_the_worker_before_its_last_step(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.desk.breaks[("upload", 1)] = Break.HANG
    worker = threading.Thread(target=world.house.filing.run, args=(world.organisation, report))
    worker.start()
    assert world.desk.waiting.wait(10)
    world.reports.withdraw(world.organisation, world.member, case, "wrong case")
    world.desk.go_on.set()
    worker.join()
    assert world.status(report).state is ReportState.WITHDRAWN
    assert world.desk.finished == []


def test_once_the_last_step_has_begun_nothing_is_withdrawn(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.desk.breaks[("finish", 1)] = Break.LOST_ANSWER
    world.work(report)
    with pytest.raises(Conflict, match="last step"):
        world.reports.withdraw(world.organisation, world.member, case, "too late")
    assert world.work_until_settled(report).state is ReportState.FILED


def test_what_was_confirmed_for_one_address_is_not_filed_at_another(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    elsewhere = as_production(world)
    failed = elsewhere.work(report)
    assert failed.state is ReportState.FAILED
    assert "settings now name" in str(failed.last_answer)
    assert not world.desk.reports


def test_a_rehearsal_does_not_stand_for_a_report(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    rehearsed = world.work(world.file(case).id)
    assert rehearsed.authority == "cybertipline.test"
    assert [one.case for one in world.reports.unreported(world.organisation)] == [case]
    real = as_production(world)
    filed = real.work(real.file(case).id)
    assert filed.authority == "cybertipline"
    assert real.reports.unreported(world.organisation) == []


def test_filing_needs_an_address_and_credentials(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    world.house.office.secrets.joinpath(str(world.organisation), "cybertipline.json").unlink()
    with pytest.raises(NotAllowed, match="lapwing report connect"):
        world.reports.file(world.organisation, world.member, case, seen="x")


def kept_until(world: World, case: object) -> list[object]:
    with world.house.database.organisation(world.organisation) as connection:
        objects = world.house.vault.objects(connection, case)  # type: ignore[arg-type]
    return [(one.delete_at, one.legal_hold) for one in objects]


def test_what_is_reported_is_kept_for_the_year_that_the_law_asks(world: World) -> None:
    real = as_production(world)
    case = world.picture_case()
    world.judge(case)
    filed = real.work(real.file(case).id)
    year = timedelta(days=row("us.keep_content").keep_days or 0)
    assert filed.keep_until == START + year
    assert kept_until(world, case) == [(START + year, None)] * 2
    assert "content.preserved" in world.ledger(case)


def test_content_outlives_its_time_while_its_report_is_under_way(world: World) -> None:
    case = world.picture_case()
    world.judge(case)
    report = world.file(case).id
    world.hands.turn(days=31)
    with world.house.database.organisation(world.organisation) as connection:
        assert world.house.vault.sweep(connection, world.organisation, world.hands()) == 0
    world.desk.breaks[("submit", 1)] = Break.SERVER_ERROR
    assert world.work(report).state is ReportState.FAILED
    assert all(hold for _, hold in kept_until(world, case))


def test_after_its_time_the_reports_text_is_gone_and_the_fact_stays(world: World) -> None:
    real = as_production(world)
    case = world.picture_case()
    world.judge(case)
    filed = real.work(real.file(case).id)
    assert erase_due(real.house.office, world.organisation) == 0
    world.hands.turn(days=366)
    assert erase_due(real.house.office, world.organisation) == 1
    left = real.status(filed.id)
    assert left.state is ReportState.FILED
    assert left.erased_at == world.hands()
    assert left.remote_id == filed.remote_id
    with world.house.database.organisation(world.organisation) as connection:
        assert all(one.deleted_at for one in world.house.vault.objects(connection, case))


def test_the_envelopes_words_are_nowhere_in_the_database_in_clear(world: World) -> None:
    case = world.picture_case(identity=ADULT | {"file": {"originalFileName": "marker-7f3a.png"}})
    world.judge(case)
    world.work(world.file(case).id)
    with world.house.database.owner() as connection:
        for table in ("reports", "report_files", "ledger_events", "vault_objects"):
            rows = connection.execute(text(f"select t::text from {table} t")).scalars()
            found = [row for row in rows if b"marker-7f3a".hex() in row or "marker-7f3a" in row]
            assert not found, table
