"""Cases over the shared database, and a way to put decided items before them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection

from lapwing.cases.records import Decided, Gathered
from lapwing.cases.service import Cases
from lapwing.evidence.ledger import Ledger
from lapwing.members.service import Members
from lapwing.model.actors import SYSTEM
from lapwing.model.decisions import Action, Decision
from lapwing.model.findings import Family, Finding, FindingKind, Reason
from lapwing.model.items import Media, PictureHashes
from lapwing.model.organisations import Member, Organisation, OrganisationKind, Role
from lapwing.model.submissions import Submission
from lapwing.screening import repository
from lapwing.screening.admission import admit
from lapwing.store.clock import new_id, utc_now
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PDQ = "a5" * 32

Decide = Callable[..., Decided]
Record = Callable[[Sequence[Decided]], Gathered]


@pytest.fixture
def ledger(home: Path) -> Ledger:
    return Ledger(Keyring(home / "keys"), utc_now)


@pytest.fixture
def members(database: Database, ledger: Ledger) -> Members:
    return Members(database, ledger, utc_now)


@pytest.fixture
def cases(database: Database, ledger: Ledger) -> Cases:
    return Cases(database, ledger, utc_now)


@pytest.fixture
def robin(members: Members, organisation: UUID) -> Member:
    return members.add_member(organisation, "Robin", Role.REVIEWER, SYSTEM)


@pytest.fixture
def wren(members: Members, organisation: UUID) -> Member:
    return members.add_member(organisation, "Wren", Role.REVIEWER, SYSTEM)


@pytest.fixture
def stranger(members: Members, other_organisation: UUID) -> Member:
    return members.add_member(other_organisation, "Stranger", Role.ADMIN, SYSTEM)


@pytest.fixture
def decided(organisation: UUID) -> Decide:
    """Makes a picture that was decided on; `pdq` and `url` are what its finding names."""
    return partial(_decided, organisation)


def _decided(
    organisation: UUID,
    *,
    account: str | None = None,
    pdq: str | None = PDQ,
    kind: FindingKind = FindingKind.KNOWN_MEDIA,
    score: float = 0.9,
    actions: tuple[Action, ...] = (Action.HOLD, Action.CASE),
    url: str | None = None,
) -> Decided:
    item = Media(
        id=new_id(),
        organisation=organisation,
        source="test",
        source_id=str(new_id()),
        at=NOON,
        account=account,
        hashes=PictureHashes(pdq=PDQ, quality=100),
    )
    reasons = []
    if pdq:
        reasons.append(Reason(id="pdq", value=pdq, distance=0))
    if url:
        reasons.append(Reason(id="url", value=url))
    finding = Finding(
        item=item.id,
        kind=kind,
        family=Family.MEDIA,
        score=score,
        reasons=tuple(reasons),
        detector="test",
        version="1",
    )
    decision = Decision(
        id=new_id(),
        item=item.id,
        organisation=organisation,
        source=item.source,
        source_id=item.source_id,
        at=NOON,
        actions=actions,
        rules=("test.rule",),
        pack="test",
        why=('a "quoted" why, with {braces} and a \\',),
    )
    return Decided(item, decision, (finding,) if reasons else ())


@pytest.fixture
def record(database: Database, organisation: UUID, cases: Cases, ledger: Ledger) -> Record:
    """Gather as screening does: items, cases, decisions, findings and leaves in one transaction."""

    sender = Organisation(
        id=organisation,
        name="test",
        kind=OrganisationKind.PLATFORM,
        country="US",
        created_at=NOON,
    )

    def keep(connection: Connection, batch: Sequence[Decided], gathered: Gathered) -> None:
        submissions = [Submission(item=one.item) for one in batch]
        admitted, refused = admit(sender, submissions, private=False)
        assert not refused
        repository.insert_items(connection, organisation, admitted, NOON)
        decisions = [replace(one.decision, case=gathered.case_of.get(one.item.id)) for one in batch]
        repository.insert_decisions(connection, organisation, decisions)
        findings = [finding for one in batch for finding in one.findings]
        repository.insert_findings(connection, organisation, findings)

    def run(batch: Sequence[Decided]) -> Gathered:
        with database.organisation(organisation) as connection:
            gathered = cases.gather(connection, organisation, batch, utc_now())
            keep(connection, batch, gathered)
            ledger.append(connection, organisation, gathered.events)
            return gathered

    return run
