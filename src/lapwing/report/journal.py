"""The record of filing one report: each step in a transaction of its own, with its leaf."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from lapwing.cases import reading as cases_read
from lapwing.cases import repository as cases
from lapwing.evidence import holds
from lapwing.logs import log
from lapwing.model.actors import SYSTEM, Actor
from lapwing.model.events import Event, EventKind
from lapwing.model.organisations import Member
from lapwing.report import repository
from lapwing.report.clock import KEPT_UNDER, REPORTABLE, kept_for
from lapwing.report.cybertipline.answers import Answer
from lapwing.report.cybertipline.attachments import DraftFile
from lapwing.report.cybertipline.endpoints import is_test
from lapwing.report.desk import Office, event
from lapwing.report.queueing import queue_filing, queue_sweep
from lapwing.report.records import UNDER_WAY, FileState, ReportState
from lapwing.report.sealing import Confirmed

BUSY_AGAIN = timedelta(minutes=1)
GIVE_UP_AFTER = timedelta(days=30)


class Superseded(Exception):
    """Another worker or a member has taken the report over; this run may write nothing more."""


class Work(Struct, frozen=True, kw_only=True):
    """What one run has to do. `run` is its number; `remote_id` what an earlier run had opened;
    `stands` whether the verdict still asks for a report; `member` who confirmed it."""

    organisation: UUID
    report: UUID
    case: UUID
    run: int
    attempts: int
    remote_id: int | None
    endpoint: str
    stands: bool
    member: Member
    confirmed: Confirmed


class Journal:
    """Writes for one report of one organisation. A write of a run that is not the newest raises
    Superseded, or is left out where it would only tell of trouble."""

    def __init__(self, office: Office, organisation: UUID, report: UUID) -> None:
        self._office = office
        self._organisation = organisation
        self._report = report

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else works on this report meanwhile; freed when the process dies."""
        with self._office.database.organisation(self._organisation) as connection:
            yield repository.only_one(connection, self._report)

    def look_again(self) -> None:
        """Queue another look: whoever works on it now may die with it."""
        with self._office.database.organisation(self._organisation) as connection:
            queue_filing(connection, self._organisation, self._report, 0, after=BUSY_AGAIN)

    def begin(self) -> Work | None:
        """Take the work up under a new number; None when there is nothing to do, or not yet."""
        office, now = self._office, self._office.clock()
        with office.database.organisation(self._organisation) as connection:
            row = repository.locked(connection, self._report)
            if row is None or ReportState(row.state) not in UNDER_WAY:
                return None
            if row.next_attempt_at is not None and row.next_attempt_at > now:
                wait = max(row.next_attempt_at - now, timedelta(seconds=1))
                queue_filing(connection, self._organisation, self._report, 0, after=wait)
                return None
            member = repository.member(connection, row.confirmed_by)
            work = Work(
                organisation=self._organisation,
                report=self._report,
                case=row.case_id,
                run=row.run + 1,
                attempts=row.attempts + 1,
                remote_id=row.remote_id,
                endpoint=row.endpoint,
                stands=_stands(connection, row.case_id),
                member=member,
                confirmed=office.sealer.open(self._organisation, row.document, Confirmed),
            )
            repository.change(
                connection,
                self._report,
                run=work.run,
                attempts=work.attempts,
                state=ReportState.FINISHING if row.finishing_at else ReportState.SUBMITTING,
            )
        if row.endpoint == office.endpoint:
            return work
        self.failed(
            work,
            f"it was confirmed for {row.endpoint}, and the settings now name "
            f"{office.endpoint or 'no address'}",
            None,
        )
        return None

    def begun_anew(self, work: Work) -> None:
        """The open report of an earlier run is gone at the authority."""
        with self._mine(work, remote_id=None, finishing_at=None) as connection:
            repository.files_planned_again(connection, work.report)

    def submitted(self, work: Work, report_id: int, answer: Answer) -> None:
        """The authority has opened a report; its id is on record before anything is uploaded."""
        columns = {"remote_id": report_id, "state": ReportState.UPLOADING, **_said(answer)}
        with self._mine(work, **columns) as connection:
            data = {"number": report_id, "endpoint": work.endpoint, "request": answer.request_id}
            self._record(connection, work, EventKind.REPORT_SUBMITTED, data)

    def content(self, work: Work, file: DraftFile) -> bytes:
        """The clear bytes of a file, in the name of the member who confirmed."""
        with self._office.database.organisation(self._organisation) as connection:
            return self._office.vault.release(
                connection, self._organisation, work.member, file.object, to=work.endpoint
            )

    def uploaded(self, work: Work, number: int, file_id: str) -> None:
        with self._mine(work, state=ReportState.UPLOADING) as connection:
            repository.file_step(connection, work.report, number, FileState.UPLOADED, file_id)

    def described(self, work: Work, number: int, file_id: str) -> None:
        with self._mine(work, state=ReportState.UPLOADING) as connection:
            repository.file_step(connection, work.report, number, FileState.DESCRIBED, file_id)

    def finishing(self, work: Work) -> bool:
        """On record before the last step. False where a new verdict no longer asks for a report."""
        office = self._office
        with office.database.organisation(self._organisation) as connection:
            cases.lock_case(connection, work.case)
            if not _stands(connection, work.case):
                return False
            columns = {"state": ReportState.FINISHING, "finishing_at": office.clock()}
            if not repository.change_mine(connection, work.report, work.run, **columns):
                raise Superseded
        return True

    def filed(
        self, work: Work, report_id: int, answer: Answer, *, said_before: bool = False
    ) -> None:
        """The end. `said_before`: the answer to the last step was lost, and this is the authority's
        word that the report was finished."""
        now = self._office.clock()
        until = now + kept_for()
        columns = {
            "state": ReportState.FILED,
            "filed_at": now,
            "remote_id": report_id,
            "receipt": answer.body,
            "keep_until": until,
            "next_attempt_at": None,
            **_said(answer),
        }
        with self._mine(work, **columns) as connection:
            events = self._preserved(connection, work, until)
            data = {
                "number": report_id,
                "endpoint": work.endpoint,
                "files": len(work.confirmed.files),
                "request": answer.request_id,
                "answer_lost": said_before,
                "confirmed_by": str(work.member.id),
            }
            queue_sweep(connection, self._organisation, until, now)
            self._record(connection, work, EventKind.REPORT_FILED, data, events)
        log.info("report.filed", report=str(work.report), answer_id=answer.request_id)

    def later(self, work: Work, said: str, answer: Answer | None, delay: timedelta) -> None:
        """Try again after `delay`; after 30 days of trying a person has to look."""
        now = self._office.clock()
        with self._office.database.organisation(self._organisation) as connection:
            row = repository.locked(connection, work.report)
            if row.run != work.run:
                return
            if now - row.confirmed_at < GIVE_UP_AFTER:
                columns = {"state": ReportState.RETRY, "next_attempt_at": now + delay}
                repository.change(connection, work.report, **columns, **_said(answer, said))
                queue_filing(connection, self._organisation, work.report, work.run, after=delay)
                return
        self.failed(work, f"given up after {GIVE_UP_AFTER.days} days: {said}", answer)

    def failed(self, work: Work, said: str, answer: Answer | None) -> None:
        """A person has to look: on record, in the ledger and in the log as an error."""
        with self._office.database.organisation(self._organisation) as connection:
            columns = {"state": ReportState.FAILED, "next_attempt_at": None}
            if not repository.change_mine(
                connection, work.report, work.run, **columns, **_said(answer, said)
            ):
                return
            data: dict[str, object] = {
                "why": said[:500],
                "request": answer.request_id if answer else None,
            }
            self._record(connection, work, EventKind.REPORT_FAILED, data)
        log.error("report.failed", report=str(work.report), code=answer.code if answer else None)

    def dropped(self, work: Work) -> None:
        """A new verdict asks for no report any more: nothing is filed."""
        now, why = self._office.clock(), "the verdict no longer asks for a report"
        columns = {
            "state": ReportState.WITHDRAWN,
            "withdrawn_at": now,
            "why": why,
            "keep_until": now,
            "next_attempt_at": None,
        }
        with self._mine(work, **columns) as connection:
            events = holds.unhold(connection, work.case, actor=SYSTEM, at=now)
            queue_sweep(connection, self._organisation, now, now)
            self._record(connection, work, EventKind.REPORT_WITHDRAWN, {"why": why}, events)

    @contextmanager
    def _mine(self, work: Work, **columns: object) -> Iterator[Connection]:
        """A transaction in which the report is changed, while this run is the newest."""
        with self._office.database.organisation(self._organisation) as connection:
            if not repository.change_mine(connection, work.report, work.run, **columns):
                raise Superseded
            yield connection

    def _preserved(self, connection: Connection, work: Work, until: datetime) -> list[Event]:
        """The hold of filing is lifted; what was reported is kept as long as the law asks."""
        now = self._office.clock()
        events = []
        keeper = self._office.organisation_of(self._organisation)
        if keeper.keep_content == KEPT_UNDER and not is_test(work.endpoint):
            events = holds.preserve(connection, work.case, until, KEPT_UNDER, actor=SYSTEM, at=now)
        return [*events, *holds.unhold(connection, work.case, actor=SYSTEM, at=now)]

    def _record(
        self,
        connection: Connection,
        work: Work,
        kind: EventKind,
        data: dict[str, object],
        before: list[Event] | None = None,
        actor: Actor = SYSTEM,
    ) -> None:
        leaf = event(kind, self._office.clock(), actor, work.report, work.case, data)
        self._office.ledger.append(connection, self._organisation, [*(before or []), leaf])


def _stands(connection: Connection, case: UUID) -> bool:
    """Whether the case's verdict asks for a report now."""
    return cases_read.summaries(connection, [case])[case].outcome in REPORTABLE


def _said(answer: Answer | None, said: str | None = None) -> dict[str, object]:
    told = said if said is not None else answer.said if answer else None
    return {
        "last_answer": told[:500] if told else None,
        "request_id": answer.request_id if answer else None,
    }
