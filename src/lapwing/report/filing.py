"""Filing what a member has confirmed: once, whatever breaks on the way.

Every step is on record before the next begins. A run that starts where another broke off asks the
authority first, by way of `/retract`: an open report is thrown away and begun anew, a finished one
is never filed again. Two workers at once are kept apart by a lock, and should that fail by the
number of the run: only the newest may write, and the last step follows such a write. Of two that
still race, the authority lets one win: a report that was retracted cannot be finished, and one that
was finished cannot be retracted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import UUID

from lapwing.logs import log
from lapwing.model.errors import LapwingError, Unavailable
from lapwing.report.cybertipline.answers import Answer, Meaning
from lapwing.report.cybertipline.client import Wire
from lapwing.report.cybertipline.xml import render
from lapwing.report.desk import Office
from lapwing.report.journal import Journal, Superseded, Work

Connect = Callable[[UUID], AbstractContextManager[Wire]]
"""The wire of an organisation, with its credentials. Raises LapwingError without them."""


class Filing:
    """Files reports that are confirmed. Safe to call again for the same report, always."""

    def __init__(self, office: Office, connect: Connect) -> None:
        self._office = office
        self._connect = connect

    def run(self, organisation: UUID, report: UUID) -> None:
        """Bring a report as far as it goes. Raises Unavailable when the database does not answer;
        what the authority says or fails to say ends up on record instead."""
        journal = Journal(self._office, organisation, report)
        with journal.alone() as alone:
            if not alone:
                journal.look_again()
                return
            work = journal.begin()
            if work is None:
                return
            try:
                self._file(journal, work)
            except Superseded:
                log.info("report.superseded", report=str(report))
            except Refused as refused:
                journal.failed(work, refused.said, refused.answer)
            except TryAgain as again:
                journal.later(work, again.said, again.answer, delay_after(work.attempts))
            except Unavailable as error:
                journal.later(work, error.message, None, delay_after(work.attempts))
            except LapwingError as error:
                journal.failed(work, error.message, None)

    def _file(self, journal: Journal, work: Work) -> None:
        with self._connect(work.organisation) as wire:
            if work.remote_id is not None:
                finished = self._settle(journal, work, wire, work.remote_id)
                if finished is not None:
                    journal.filed(work, work.remote_id, finished, said_before=True)
                    return
            if not work.stands:
                journal.dropped(work)
                return
            report_id = self._submit(journal, work, wire)
            uploaded = self._upload(journal, work, wire, report_id)
            for number, file_id in enumerate(uploaded):
                details = work.confirmed.files[number].described(report_id, file_id)
                _expect(wire.describe(render(details, "fileDetails")))
                journal.described(work, number, file_id)
            if not journal.finishing(work):
                _expect(wire.retract(report_id))
                journal.dropped(work)
                return
            answer = _expect(wire.finish(report_id))
            journal.filed(work, report_id, answer)

    def _settle(self, journal: Journal, work: Work, wire: Wire, report_id: int) -> Answer | None:
        """What became of the report that an earlier run had opened: its answer where it was
        finished, None where it is gone and can be begun anew."""
        answer = wire.retract(report_id)
        if answer.meaning is Meaning.FINISHED:
            return answer
        if answer.meaning not in (Meaning.DONE, Meaning.GONE):
            _expect(answer)
        journal.begun_anew(work)
        return None

    def _submit(self, journal: Journal, work: Work, wire: Wire) -> int:
        answer = _expect(wire.submit(render(work.confirmed.report, "report")))
        if answer.report_id is None:
            raise TryAgain("the authority named no report id", answer)
        journal.submitted(work, answer.report_id, answer)
        return answer.report_id

    def _upload(self, journal: Journal, work: Work, wire: Wire, report_id: int) -> list[str]:
        """The authority's ids of the files, in order. What arrived must be what was sent."""
        found = []
        for number, file in enumerate(work.confirmed.files):
            content = journal.content(work, file)
            answer = _expect(wire.upload(report_id, file.name, content))
            sent = hashlib.md5(content, usedforsecurity=False).hexdigest()
            if (answer.hash or "").lower() != sent or not answer.file_id:
                raise TryAgain("a file did not arrive as it was sent", answer)
            journal.uploaded(work, number, answer.file_id)
            found.append(answer.file_id)
        return found


class TryAgain(Exception):
    """This run ends here; another begins later, after asking what became of the report."""

    def __init__(self, said: str, answer: Answer | None) -> None:
        super().__init__(said)
        self.said = said
        self.answer = answer


class Refused(TryAgain):
    """The authority will not take it as it is; a person has to look."""


def _expect(answer: Answer) -> Answer:
    """The answer where the step was done. Raises TryAgain or Refused."""
    if answer.meaning is Meaning.DONE:
        return answer
    kind = Refused if answer.meaning is Meaning.REFUSED else TryAgain
    raise kind(answer.said, answer)


def delay_after(attempt: int) -> timedelta:
    """30 s, 1, 2, 4 … minutes, at most 6 hours."""
    return min(timedelta(seconds=15 * (1 << min(attempt, 20))), timedelta(hours=6))
