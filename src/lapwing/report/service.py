"""The way into this room: preview, confirm, withdraw, and how things stand.

What it must never do: confirm a report without a named member in person, a verdict that asks for
it, and that member having seen exactly what is filed. What is confirmed is filed by `filing`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from lapwing.cases.reading import in_danger
from lapwing.evidence import holds
from lapwing.model.cases import CaseSummary, Verdict
from lapwing.model.errors import Conflict, InvalidInput, NotAllowed, NotFound
from lapwing.model.events import EventKind
from lapwing.model.organisations import Member, Organisation
from lapwing.report import repository
from lapwing.report.clock import ClockState, LegalClock, duty_of, legal_clock
from lapwing.report.cybertipline.credentials import read_credentials
from lapwing.report.cybertipline.drafting import draft_report
from lapwing.report.cybertipline.endpoints import AUTHORITY, authority_of
from lapwing.report.cybertipline.schema import load_schema
from lapwing.report.desk import event, gather_material, open_case, require_member
from lapwing.report.drafts import Drafts, require_open, seal_of
from lapwing.report.queueing import queue_filing
from lapwing.report.records import UNDER_WAY, Incomplete, ReportState, ReportStatus
from lapwing.report.sealing import Confirmed
from lapwing.report.typed import Typed

HELD = "a report to an authority is being filed"


class Unreported(Struct, frozen=True, kw_only=True):
    """A case whose verdict asks for a report that is not filed. `asked` are the names of those who
    should file it: who first knew, and from the reminder on the fallback member as well."""

    case: UUID
    number: int
    title: str
    state: ReportState | None
    clock: LegalClock
    danger: bool = False
    """A child is in danger now, as a member has said."""
    asked: tuple[str, ...] = ()


class Pressing(Struct, frozen=True, kw_only=True):
    """What a member should do before anything else, most pressing first."""

    undecided: list[CaseSummary]
    """Cases without a verdict in which a child is in danger."""
    owed: list[Unreported]
    """Reports whose clock has reached its reminder, or that are late."""
    fallback: str | None
    """Who is named when nobody has acted."""


class Reports(Drafts):
    """The service of this room. Safe to share between threads."""

    def file(
        self,
        organisation: UUID,
        member: Member,
        case: UUID | int | str,
        *,
        seen: str,
        typed: Typed | None = None,
    ) -> ReportStatus:
        """Confirm the report in this member's name and queue its filing; returns after the commit.

        `seen` is that of the preview which the member has read. Raises Incomplete listing all that
        is missing or wrong; NotAllowed without a verdict that asks for a report, an address to
        file at or credentials; Conflict when the draft has changed since it was seen, or the
        report is filed or under way; Unavailable while there is no schema.
        """
        office = self._office
        with office.database.organisation(organisation) as connection:
            require_member(connection, organisation, member)
            open_case(connection, case).verdict()
        sender = office.organisation_of(organisation)
        schema = load_schema(office.schema)
        endpoint = self._endpoint(organisation)
        with office.database.organisation(organisation) as connection:
            actor = require_member(connection, organisation, member)
            found = open_case(connection, case, lock=True)
            verdict = found.verdict()
            row = repository.live(connection, found.id, authority_of(endpoint))
            if row is not None:
                require_open(row)
            said = typed if typed is not None else self._typed(connection, found)
            now = office.clock()
            # Before anything that writes a leaf: a sweep locks content first and the ledger last.
            events = holds.hold(connection, found.id, HELD, actor=actor, at=now)
            material = gather_material(office, connection, sender, found, said, member)
            draft = draft_report(material)
            if faults := self._faults(draft, schema):
                raise Incomplete(faults)
            if seal_of(draft) != seen:
                raise Conflict("the draft is not the one you have seen; look at it again")
            report = self._keep(connection, found, actor, member, said)
            confirmed = Confirmed(report=draft.report, files=draft.files)
            repository.change(
                connection,
                report,
                state=ReportState.CONFIRMED,
                verdict_id=verdict.id,
                confirmed_by=member.id,
                confirmed_at=now,
                document=office.sealer.seal(organisation, confirmed),
                endpoint=endpoint if row is None or row.remote_id is None else row.endpoint,
                next_attempt_at=now,
                last_answer=None,
            )
            repository.set_files(
                connection, organisation, report, [one.object for one in draft.files]
            )
            data = _confirmation(verdict, seen, endpoint, draft.welfare, len(draft.files))
            events.append(event(EventKind.REPORT_CONFIRMED, now, actor, report, found.id, data))
            queue_filing(connection, organisation, report, 0)
            office.ledger.append(connection, organisation, events)
            return self._status(connection, report)

    def withdraw(
        self, organisation: UUID, member: Member, case: UUID | int | str, why: str
    ) -> ReportStatus:
        """Take a report back that is not filed. Raises Conflict once the last step has begun."""
        if not why.strip():
            raise InvalidInput("say why the report is withdrawn", field="why")
        office = self._office
        with office.database.organisation(organisation) as connection:
            actor = require_member(connection, organisation, member)
            found = open_case(connection, case, lock=True)
            row = repository.live(connection, found.id, authority_of(office.endpoint))
            if row is None:
                raise NotFound("there is no report on this case")
            if row.state == ReportState.FILED or row.finishing_at is not None:
                raise Conflict("the report is filed, or its last step has begun")
            now = office.clock()
            repository.change(
                connection,
                row.id,
                state=ReportState.WITHDRAWN,
                withdrawn_by=member.id,
                withdrawn_at=now,
                why=why.strip()[:10_000],
                run=row.run + 1,
                keep_until=now,
            )
            events = holds.unhold(connection, found.id, actor=actor, at=now)
            data = {"why": why.strip()[:10_000]}
            events.append(event(EventKind.REPORT_WITHDRAWN, now, actor, row.id, found.id, data))
            office.ledger.append(connection, organisation, events)
            return self._status(connection, row.id)

    def nudge(self, organisation: UUID, member: Member, case: UUID | int | str) -> ReportStatus:
        """Try a report that is under way again now. Raises Conflict where none is."""
        office = self._office
        with office.database.organisation(organisation) as connection:
            require_member(connection, organisation, member)
            found = open_case(connection, case)
            row = repository.live(connection, found.id, authority_of(office.endpoint))
            if row is None or ReportState(row.state) not in UNDER_WAY:
                raise Conflict("no report on this case is under way")
            repository.change(connection, row.id, next_attempt_at=office.clock())
            queue_filing(connection, organisation, row.id, 0)
            return self._status(connection, row.id)

    def status(self, organisation: UUID, case: UUID | int | str) -> list[ReportStatus]:
        """The reports on a case, newest first; withdrawn ones and rehearsals too."""
        with self._office.database.organisation(organisation) as connection:
            found = open_case(connection, case)
            return repository.statuses(connection, case=found.id)

    def statuses(self, organisation: UUID, limit: int = 200) -> list[ReportStatus]:
        """All reports of the organisation, newest first."""
        with self._office.database.organisation(organisation) as connection:
            return repository.statuses(connection, limit=limit)

    def receipt(self, organisation: UUID, case: UUID | int | str) -> bytes:
        """The authority's notification of a filed report, as received. Raises NotFound."""
        with self._office.database.organisation(organisation) as connection:
            found = open_case(connection, case)
            for one in repository.statuses(connection, case=found.id):
                kept = repository.receipt(connection, one.id)
                if kept is not None:
                    return kept
        raise NotFound("no report on this case is filed")

    def clock(self, organisation: UUID, case: UUID | int | str) -> LegalClock:
        """The legal clock of a case."""
        sender = self._office.organisation_of(organisation)
        with self._office.database.organisation(organisation) as connection:
            return self._clock(connection, sender, open_case(connection, case))

    def unreported(self, organisation: UUID, limit: int = 200) -> list[Unreported]:
        """Cases whose verdict asks for a report that is not filed: those in which a child is in
        danger first, then the longest known.

        Empty for an organisation that no law on record bids to report.
        """
        sender = self._office.organisation_of(organisation)
        if duty_of(sender) is None:
            return []
        with self._office.database.organisation(organisation) as connection:
            rows = repository.unreported(connection, AUTHORITY, limit)
            fallback = repository.fallback(connection, organisation)
        now = self._office.clock()
        return [_unreported(row, sender, fallback, now) for row in rows]

    def pressing(self, organisation: UUID, limit: int = 50) -> Pressing:
        """What cannot wait: what the console's banner and `lapwing report status` show."""
        with self._office.database.organisation(organisation) as connection:
            undecided = in_danger(connection, limit)
            fallback = repository.fallback(connection, organisation)
        owed = [
            one
            for one in self.unreported(organisation, limit)
            if one.clock.state in (ClockState.REMIND, ClockState.LATE)
        ]
        return Pressing(undecided=undecided, owed=owed, fallback=fallback)

    def _endpoint(self, organisation: UUID) -> str:
        office = self._office
        if office.endpoint is None:
            raise NotAllowed(
                "no address to file at is set; put the one that NCMEC gave you into "
                "LAPWING_CYBERTIPLINE_URL"
            )
        if read_credentials(office.secrets, organisation) is None:
            raise NotAllowed(
                "there are no CyberTipline credentials for this organisation; "
                "`lapwing report connect` takes them"
            )
        return office.endpoint

    def _status(self, connection: Connection, report: UUID) -> ReportStatus:
        found = repository.status(connection, report)
        if found is None:
            raise NotFound("there is no such report")
        return found


def _unreported(row: Any, sender: Organisation, fallback: str | None, now: datetime) -> Unreported:
    danger = row.danger_at is not None
    clock = legal_clock(sender, row.known_at, None, now, danger=danger)
    asked = [row.known_by]
    if clock.state is not ClockState.RUNNING and fallback not in (None, row.known_by):
        asked.append(fallback)
    return Unreported(
        case=row.id,
        number=row.number,
        title=row.title,
        state=ReportState(row.state) if row.state else None,
        clock=clock,
        danger=danger,
        asked=tuple(asked),
    )


def _confirmation(
    verdict: Verdict, seen: str, endpoint: str, welfare: bool, files: int
) -> dict[str, object]:
    return {
        "verdict": str(verdict.id),
        "outcome": verdict.outcome.value,
        "draft": seen,
        "endpoint": endpoint,
        "welfare": welfare,
        "files": files,
    }
