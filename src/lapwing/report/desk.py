"""What the services of this room share: who may ask, the case, and the material of a report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from lapwing.cases import reading as cases_read
from lapwing.cases import repository as cases
from lapwing.evidence.ledger import Ledger
from lapwing.evidence.vault import Vault, VaultObject, VaultRole
from lapwing.model.actors import Actor, ActorKind
from lapwing.model.cases import CaseSummary, TimelineEntry, Verdict
from lapwing.model.errors import InvalidInput, NotAllowed, NotFound
from lapwing.model.events import Event, EventKind
from lapwing.model.organisations import Member, Organisation
from lapwing.model.permissions import Permission
from lapwing.report.clock import REPORTABLE
from lapwing.report.cybertipline.credentials import read_credentials
from lapwing.report.cybertipline.drafting import Material
from lapwing.report.identity import Identity, read_identity
from lapwing.report.records import Fault
from lapwing.report.sealing import Sealer
from lapwing.report.typed import Typed
from lapwing.store.clock import Clock
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring

MOST_ITEMS = 500
"""Items that one report tells of."""


class Office(Struct, frozen=True, kw_only=True):
    """What this room is given. `endpoint` is where reports go, None until someone has set it;
    `schema` is the file that the endpoint's schema is kept in; `secrets` holds credentials."""

    database: Database
    ledger: Ledger
    vault: Vault
    keyring: Keyring
    clock: Clock
    organisation_of: Callable[[UUID], Organisation]
    secrets: Path
    schema: Path
    endpoint: str | None = None

    @property
    def sealer(self) -> Sealer:
        return Sealer(self.keyring)


class OpenCase(Struct, frozen=True, kw_only=True):
    """A case with the verdict that a report would rest on."""

    summary: CaseSummary
    verdicts: tuple[Verdict, ...]

    @property
    def id(self) -> UUID:
        return self.summary.id

    @property
    def standing(self) -> Verdict | None:
        """The verdict that stands: the newest with the outcome that the case has.

        The case's outcome is written under its lock, so it is right also when a clock was not.
        """
        same = [one for one in self.verdicts if one.outcome is self.summary.outcome]
        return same[-1] if same else None

    @property
    def known_since(self) -> datetime | None:
        """When a member first gave a verdict that asks for a report, where one still stands."""
        if self.summary.outcome not in REPORTABLE:
            return None
        return min(one.at for one in self.verdicts if one.outcome in REPORTABLE)

    def verdict(self) -> Verdict:
        """The standing verdict. Raises NotAllowed unless it asks for a report."""
        standing = self.standing
        if standing is None:
            raise NotAllowed("a report needs a named member's verdict on the case first")
        if standing.outcome not in REPORTABLE:
            raise NotAllowed(
                f"the verdict on this case is {standing.outcome.value}; only a case that is "
                "confirmed or needs welfare is reported"
            )
        return standing


def require_member(connection: Connection, organisation: UUID, member: Member) -> Actor:
    """The member as actor. Raises NotAllowed for anyone else, a key or a program above all, and
    for a member who may not file reports."""
    if not isinstance(member, Member):
        raise NotAllowed("only a named member can make a report, not a key or a program")
    if member.organisation != organisation or not cases.member_is_active(connection, member.id):
        raise NotAllowed("you are not a member of this organisation")
    member.require(Permission.REPORTS_FILE)
    return Actor(kind=ActorKind.MEMBER, name=member.name, id=member.id)


def open_case(connection: Connection, case: UUID | int | str, *, lock: bool = False) -> OpenCase:
    """A case by id or number, kept still with `lock`. Raises NotFound."""
    found = cases.find(connection, _reference(case))
    if found is None:
        raise NotFound(f"there is no case {case}")
    if lock:
        cases.lock_case(connection, found)
    summary = cases_read.summaries(connection, [found])[found]
    return OpenCase(summary=summary, verdicts=cases_read.verdicts_of(connection, found))


def gather_material(
    office: Office,
    connection: Connection,
    organisation: Organisation,
    case: OpenCase,
    typed: Typed,
    reader: Member | None,
) -> Material:
    """What a report on the case is made of.

    Identity envelopes are opened only in the name of `reader`, each with a leaf in the ledger;
    without one they stay shut.
    """
    credentials = read_credentials(office.secrets, organisation.id)
    objects = office.vault.objects(connection, case.id)
    timeline = office.ledger.events_of_case(connection, organisation.id, case.id)
    identities, faults = _opened(office, connection, organisation.id, objects, reader)
    return Material(
        organisation=organisation,
        verdict=case.verdict(),
        items=cases_read.items_of(connection, case.id, MOST_ITEMS),
        count=case.summary.items,
        objects=objects,
        viewed=viewed_items(timeline),
        identities=identities,
        faults=faults,
        reporter=credentials.reporter if credentials else None,
        typed=typed,
        danger=cases_read.danger_why(connection, case.id),
        now=office.clock(),
    )


def viewed_items(timeline: list[TimelineEntry]) -> frozenset[UUID]:
    """Items whose whole content the ledger says a member was shown."""
    return frozenset(
        UUID(str(entry.data["item"]))
        for entry in timeline
        if entry.event == EventKind.CONTENT_SERVED
        and entry.data.get("whole") is True
        and entry.data.get("role") == VaultRole.CONTENT
        and "item" in entry.data
    )


def _opened(
    office: Office,
    connection: Connection,
    organisation: UUID,
    objects: list[VaultObject],
    reader: Member | None,
) -> tuple[dict[UUID, Identity], tuple[Fault, ...]]:
    """Envelopes by item; one that does not fit its format is a fault and left out."""
    identities: dict[UUID, Identity] = {}
    faults = []
    for kept in objects:
        if reader is None or kept.role is not VaultRole.IDENTITY or kept.deleted_at is not None:
            continue
        envelope = office.vault.release(
            connection, organisation, reader, kept.id, to="draft of a report"
        )
        try:
            identities[kept.item] = read_identity(envelope)
        except InvalidInput as error:
            faults.append(
                Fault(field=error.field or "identity", reason=f"{error.message} (item {kept.item})")
            )
    return identities, tuple(faults)


def event(
    kind: EventKind, at: datetime, actor: Actor, report: UUID, case: UUID, data: dict[str, Any]
) -> Event:
    return Event(kind=kind, at=at, actor=actor, subject=str(report), case=case, data=data)


def _reference(case: UUID | int | str) -> UUID | int:
    if isinstance(case, UUID):
        return case
    if isinstance(case, str) and not (case.isdecimal() and case.isascii()):
        try:
            return UUID(case)
        except ValueError:
            raise InvalidInput(
                f"{case[:80]!r} is neither a case number nor a case id", field="case"
            ) from None
    number = int(case)
    if not 0 < number < 2**31:
        raise NotFound(f"there is no case {case}")
    return number
