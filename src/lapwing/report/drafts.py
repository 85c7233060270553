"""Drafts: what a report on a case would say, and what it still lacks. Nothing leaves the house."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from lapwing.evidence.vault import VaultRole
from lapwing.model.actors import Actor
from lapwing.model.errors import Conflict, LapwingError, Unavailable
from lapwing.model.events import EventKind
from lapwing.model.organisations import Member, Organisation
from lapwing.report import repository
from lapwing.report.clock import LegalClock, legal_clock
from lapwing.report.cybertipline.checks import file_faults, report_faults
from lapwing.report.cybertipline.drafting import Draft, draft_report
from lapwing.report.cybertipline.endpoints import authority_of
from lapwing.report.cybertipline.schema import Schema, load_schema
from lapwing.report.cybertipline.xml import render
from lapwing.report.desk import (
    Office,
    OpenCase,
    event,
    gather_material,
    open_case,
    require_member,
)
from lapwing.report.records import (
    UNDER_WAY,
    ActorAge,
    Fault,
    ReportKind,
    ReportState,
    ReportStatus,
)
from lapwing.report.typed import Typed
from lapwing.store.clock import new_id


class PreviewFile(Struct, frozen=True, kw_only=True):
    """A file that would go along. `viewed` is what `fileViewedByEsp` would say."""

    item: UUID
    name: str
    size: int
    viewed: bool


class Preview(Struct, frozen=True, kw_only=True):
    """What would be filed as it stands. `faults` empty means that it can be filed.

    `envelopes` are sealed account details on record; the document holds them only when `opened`.
    """

    case: UUID
    case_number: int
    kind: ReportKind
    actor: ActorAge
    welfare: bool
    """Nobody is reported as a suspect."""
    document: str
    """The report as XML."""
    seen: str | None
    """Names exactly this draft; filing asks for it, so that nobody files what they have not seen.
    None while sealed account details are not opened."""
    faults: tuple[Fault, ...]
    files: tuple[PreviewFile, ...]
    envelopes: int
    opened: bool
    typed: Typed
    schema_checked: bool
    """False while the authority's schema has not been fetched."""
    clock: LegalClock
    endpoint: str | None
    status: ReportStatus | None = None


class Drafts:
    """Previews are for members in person, after a verdict that asks for a report."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def preview(self, organisation: UUID, member: Member, case: UUID | int | str) -> Preview:
        """The draft with what was typed before. Opens no envelope and changes nothing.

        Raises NotAllowed without a named member's verdict that asks for a report.
        """
        sender = self._office.organisation_of(organisation)
        with self._office.database.organisation(organisation) as connection:
            require_member(connection, organisation, member)
            found = open_case(connection, case)
            return self._previewed(connection, sender, found, self._typed(connection, found), None)

    def open(self, organisation: UUID, member: Member, case: UUID | int | str) -> Preview:
        """The draft with the account details that were sealed; each opening is in the ledger."""
        sender = self._office.organisation_of(organisation)
        with self._office.database.organisation(organisation) as connection:
            require_member(connection, organisation, member)
            found = open_case(connection, case)
            typed = self._typed(connection, found)
            return self._previewed(connection, sender, found, typed, member)

    def save(
        self, organisation: UUID, member: Member, case: UUID | int | str, typed: Typed
    ) -> Preview:
        """Keep what a member typed, sealed, in place of what was typed before.

        Raises Conflict once the report is confirmed.
        """
        sender = self._office.organisation_of(organisation)
        with self._office.database.organisation(organisation) as connection:
            actor = require_member(connection, organisation, member)
            found = open_case(connection, case, lock=True)
            self._keep(connection, found, actor, member, typed)
            return self._previewed(connection, sender, found, typed, None)

    def _keep(
        self, connection: Connection, case: OpenCase, actor: Actor, member: Member, typed: Typed
    ) -> UUID:
        """The report of the case, drafted where there is none yet, with this typed."""
        office, verdict = self._office, case.verdict()
        now = office.clock()
        sealed = office.sealer.seal(member.organisation, typed)
        row = repository.live(connection, case.id, authority_of(office.endpoint))
        if row is not None:
            require_open(row)
            repository.change(connection, row.id, typed=sealed, verdict_id=verdict.id)
            return UUID(str(row.id))
        report = new_id(now)
        repository.add(
            connection,
            member.organisation,
            id=report,
            case_id=case.id,
            verdict_id=verdict.id,
            authority=authority_of(office.endpoint),
            state=ReportState.DRAFTED,
            drafted_by=member.id,
            drafted_at=now,
            typed=sealed,
        )
        data = {"authority": authority_of(office.endpoint), "verdict": str(verdict.id)}
        leaf = event(EventKind.REPORT_DRAFTED, now, actor, report, case.id, data)
        office.ledger.append(connection, member.organisation, [leaf])
        return report

    def _typed(self, connection: Connection, case: OpenCase) -> Typed:
        row = repository.live(connection, case.id, authority_of(self._office.endpoint))
        if row is None or row.typed is None:
            return Typed()
        return self._office.sealer.open(row.organisation_id, row.typed, Typed)

    def _previewed(
        self,
        connection: Connection,
        organisation: Organisation,
        case: OpenCase,
        typed: Typed,
        reader: Member | None,
    ) -> Preview:
        office = self._office
        material = gather_material(office, connection, organisation, case, typed, reader)
        draft = draft_report(material)
        schema = self._schema_if_there()
        row = repository.live(connection, case.id, authority_of(office.endpoint))
        envelopes = sum(
            one.role is VaultRole.IDENTITY and one.deleted_at is None for one in material.objects
        )
        return Preview(
            case=case.id,
            case_number=case.summary.number,
            kind=draft.kind,
            actor=draft.actor,
            welfare=draft.welfare,
            document=_document(draft),
            seen=None if envelopes and reader is None else seal_of(draft),
            faults=self._faults(draft, schema),
            files=tuple(
                PreviewFile(
                    item=one.item,
                    name=one.name,
                    size=one.size,
                    viewed=bool(one.details.file_viewed_by_esp),
                )
                for one in draft.files
            ),
            envelopes=envelopes,
            opened=reader is not None,
            typed=typed,
            schema_checked=schema is not None,
            clock=self._clock(connection, organisation, case),
            endpoint=office.endpoint,
            status=repository.status(connection, row.id) if row is not None else None,
        )

    def _clock(
        self, connection: Connection, organisation: Organisation, case: OpenCase
    ) -> LegalClock:
        filed = [
            one.filed_at
            for one in repository.statuses(connection, case=case.id)
            if one.filed_at is not None and one.authority == authority_of(None)
        ]
        return legal_clock(
            organisation,
            case.known_since,
            min(filed, default=None),
            self._office.clock(),
            danger=case.summary.danger_at is not None,
        )

    def _faults(self, draft: Draft, schema: Schema | None) -> tuple[Fault, ...]:
        """All that is missing or wrong; the schema is asked once our own checks are content."""
        now = self._office.clock()
        faults = [*draft.faults, *report_faults(draft.report, now)]
        for number, one in enumerate(draft.files):
            faults += file_faults(one.described(1, "draft"), now, f"files.{number}")
        if faults or schema is None:
            return tuple(faults)
        faults += schema.faults(render(draft.report, "report"))
        for number, one in enumerate(draft.files):
            faults += [
                Fault(field=f"files.{number}.{fault.field}", reason=fault.reason)
                for fault in schema.faults(render(one.described(1, "draft"), "fileDetails"))
            ]
        return tuple(faults)

    def _schema_if_there(self) -> Schema | None:
        try:
            return load_schema(self._office.schema)
        except Unavailable:
            return None


def seal_of(draft: Draft) -> str:
    """64 hex digits that change when anything in the draft does."""
    told = msgspec.json.encode([draft.report, draft.files])
    return hashlib.sha256(told).hexdigest()


def require_open(row: Any) -> None:
    """Raise Conflict where the report is being filed or is filed."""
    state = ReportState(row.state)
    if state is ReportState.FILED:
        raise Conflict("the report on this case is filed")
    if state in UNDER_WAY:
        raise Conflict("the report on this case is being filed")


def _document(draft: Draft) -> str:
    try:
        return render(draft.report, "report").decode()
    except LapwingError as error:
        if isinstance(error, Unavailable):
            raise
        return ""
