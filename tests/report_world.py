"""A house with a case that a report is about, and the stand-in server that it is filed with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from dataclasses import replace as changed
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from lapwing.app import House, wire
from lapwing.bank.changes import NewList
from lapwing.demo.cybertipline_server import PASSWORD, USERNAME, StandIn, serving
from lapwing.intake.limits import Limits
from lapwing.intake.media.hashing import hash_bytes
from lapwing.intake.records import ItemBuilder
from lapwing.law.registry import may_keep_content
from lapwing.law.rows import LawRow
from lapwing.members.authority import member_actor
from lapwing.model.actors import SYSTEM
from lapwing.model.cases import Outcome
from lapwing.model.indicators import IndicatorKind, ListKind, NewIndicator
from lapwing.model.organisations import Member, OrganisationKind, Role
from lapwing.model.submissions import Submission
from lapwing.report.cybertipline.client import connector
from lapwing.report.cybertipline.credentials import Credentials, keep_credentials
from lapwing.report.cybertipline.document import Reporter
from lapwing.report.cybertipline.parts import Email, Person
from lapwing.report.cybertipline.schema import keep_schema
from lapwing.report.filing import Filing
from lapwing.report.records import ReportState, ReportStatus
from lapwing.report.service import Reports
from lapwing.report.typed import Typed
from lapwing.settings import Settings
from lapwing.store.clock import new_id
from lapwing.store.database import Database
from web_world import KNOWN_URL, picture

START = datetime(2026, 11, 20, 9, tzinfo=UTC)

REPORTER = Reporter(
    reporting_person=Person(
        first_name="Robin", last_name="Example", email=(Email(address="robin@example.org"),)
    )
)
ADULT = {
    "account": {
        "espIdentifier": "u-1",
        "screenName": "someone",
        "adult": True,
        "ipCaptureEvent": [{"ipAddress": "192.0.2.7", "eventName": "Upload"}],
    },
    "file": {"originalFileName": "holiday.png", "publiclyAvailable": False},
}


class Hands:
    """A clock that a test turns."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def turn(self, **time: float) -> None:
        self.at += timedelta(**time)


@dataclass
class World:
    """One organisation, its people, the stand-in authority, and how to bring a case about."""

    house: House
    hands: Hands
    desk: StandIn
    organisation: UUID
    member: Member
    other: Member
    names: list[str] = field(default_factory=list)

    @property
    def reports(self) -> Reports:
        return self.house.reports

    def screen(
        self,
        record: dict[str, Any],
        kind: str = "media",
        *,
        content: bytes | None = None,
        identity: bytes | None = None,
    ) -> UUID:
        """Screen one item; the case that it is in."""
        self.names.append(str(new_id()))
        builder = ItemBuilder(
            organisation=self.organisation,
            source="test",
            account_secret=self.house.keyring.account_secret(self.organisation),
            platform="test",
            clock=self.hands,
            new_id=new_id,
        )
        item = builder.build(kind, {"id": self.names[-1], "at": _text(self.hands()), **record})
        done = self.house.screening.screen(
            self.organisation,
            SYSTEM,
            [
                Submission(
                    item=item,
                    content=content,
                    mime="image/png" if content else None,
                    identity=identity,
                )
            ],
        )
        assert not done.refused, done.refused
        (decision,) = done.decisions
        assert decision.case is not None
        return decision.case

    def picture_case(
        self, shift: int = 0, identity: dict[str, Any] | bytes | None = None, **record: Any
    ) -> UUID:
        """A case on a known picture, kept in the vault, with its account's envelope."""
        content = picture(shift)
        envelope = (
            identity if isinstance(identity, bytes) else json.dumps(identity or ADULT).encode()
        )
        hashed = self.known(content)
        return self.screen(
            {"account": f"account {new_id()}", **hashed, **record},
            content=content,
            identity=envelope,
        )

    def known(self, content: bytes) -> dict[str, str]:
        """Put a picture on the list and return its hashes as a record has them."""
        hashes = hash_bytes(content, Limits()).hashes
        assert hashes.sha256 is not None
        (listed,) = self.house.bank.lists(self.organisation)
        self.house.bank.add(
            self.organisation,
            SYSTEM,
            listed.id,
            [NewIndicator(kind=IndicatorKind.SHA256, value=hashes.sha256)],
        )
        return {"sha256": hashes.sha256, "md5": str(hashes.md5)}

    def judge(self, case: UUID, outcome: Outcome = Outcome.CONFIRMED) -> None:
        self.house.cases.verdict(self.organisation, self.member, case, outcome, "looked at it")

    def look(self, case: UUID) -> None:
        """See the whole content of a case."""
        with self.house.database.organisation(self.organisation) as connection:
            for kept in self.house.vault.objects(connection, case):
                if kept.role == "content":
                    self.house.vault.uncover(connection, self.organisation, self.member, kept.id)
                    self.house.vault.open(connection, self.organisation, self.member, kept.id)

    def file(self, case: UUID, typed: Typed | None = None) -> ReportStatus:
        """See the draft and file it; it is then confirmed and queued."""
        if typed is not None:
            self.reports.save(self.organisation, self.member, case, typed)
        seen = self.reports.open(self.organisation, self.member, case).seen
        assert seen is not None
        return self.reports.file(self.organisation, self.member, case, seen=seen)

    def work(self, report: UUID, filing: Filing | None = None) -> ReportStatus:
        """What the filing job does, once; where it stands then."""
        (filing or self.house.filing).run(self.organisation, report)
        return self.status(report)

    def work_until_settled(self, report: UUID, filing: Filing | None = None) -> ReportStatus:
        """The job as often as the queue would call it."""
        for _ in range(20):
            status = self.work(report, filing)
            if status.state in (ReportState.FILED, ReportState.FAILED, ReportState.WITHDRAWN):
                return status
            self.hands.turn(hours=7)
        raise AssertionError(f"not settled: {status}")

    def status(self, report: UUID) -> ReportStatus:
        return next(one for one in self.reports.statuses(self.organisation) if one.id == report)

    def ledger(self, case: UUID) -> list[str]:
        """Kinds of the events of a case, oldest first."""
        return [entry.event for entry in self.house.cases.case(self.organisation, case).timeline]


@contextmanager
def opened_world(
    database: Database,
    home: Path,
    *,
    keep: bool = True,
    country: str = "US",
    start: datetime = START,
) -> Iterator[World]:
    hands = Hands(start)
    desk = StandIn(clock=hands)
    with serving(desk) as endpoint:
        settings = Settings(
            home=home,
            secrets=home / "secrets",
            blobs_url=(home / "blobs").as_uri(),
            cybertipline_url=endpoint,
        )
        house = wire(settings, database, clock=hands)
        keep_schema(house.office.schema, desk.schema)
        basis = may_keep_content(OrganisationKind.PLATFORM, country)
        made = house.members.create_organisation(
            name=f"Platform {new_id()}",
            kind=OrganisationKind.PLATFORM,
            country=country,
            keep_content=basis.id if keep and isinstance(basis, LawRow) else None,
            keep_days=30 if keep else None,
        )
        credentials = Credentials(username=USERNAME, password=PASSWORD, reporter=REPORTER)
        keep_credentials(settings.secrets, made.id, credentials)
        people = [
            house.members.add_member(made.id, name, Role.ADMIN, SYSTEM) for name in ("Ada", "Bo")
        ]
        listed = house.bank.create_list(
            made.id,
            member_actor(people[0]),
            NewList(
                name="Verified",
                kind=ListKind.BLOCK,
                source="test",
                basis="test",
                category="test",
                verified=True,
            ),
        )
        house.bank.add(
            made.id,
            SYSTEM,
            listed.id,
            [NewIndicator(kind=IndicatorKind.URL, value=KNOWN_URL)],
        )
        yield World(house, hands, desk, made.id, *people)


def as_production(world: World) -> World:
    """The same, but the endpoint has the name of an authority; the wire stays on loopback."""
    office = replace(world.house.office, endpoint="https://report.example.org/ispws")
    wire_there = connector(office.secrets, world.house.office.endpoint)
    house = changed(
        world.house, office=office, reports=Reports(office), filing=Filing(office, wire_there)
    )
    return changed(world, house=house)


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
