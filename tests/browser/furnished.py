"""An organisation of a test's own: a reviewer, a list, photographs and adverts that are on it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from PIL import Image

from lapwing.app import House
from lapwing.bank.changes import NewList
from lapwing.demo.copies import encode, scaled
from lapwing.demo.generator import LISTED_URLS
from lapwing.demo.photographs import photographs
from lapwing.evidence.vault import VaultObject
from lapwing.intake.media.hashing import hash_bytes
from lapwing.intake.records import ItemBuilder
from lapwing.law.registry import may_keep_content
from lapwing.law.rows import LawRow
from lapwing.model.actors import SYSTEM
from lapwing.model.cases import CaseSummary, SubjectKind
from lapwing.model.indicators import IndicatorKind, ListKind, NewIndicator
from lapwing.model.organisations import Member, OrganisationKind, Role
from lapwing.model.submissions import Submission
from lapwing.store.clock import new_id

PHOTOGRAPH = photographs()["china"].read_bytes()
ADVERT = f"Oak table with four chairs, collection only. Pictures: {LISTED_URLS[0]}"


@dataclass(frozen=True)
class Furnished:
    """`pictures` is a case of three copies of one photograph; `adverts` one of a seller's adverts:
    the newer names a listed link in its text, the older carries the photograph's hash.
    """

    house: House
    organisation: UUID
    reviewer: Member
    pictures: CaseSummary
    adverts: CaseSummary

    def link(self, member: Member | None = None) -> str:
        """Path of a one-time link."""
        token = self.house.members.sign_in_link(self.organisation, (member or self.reviewer).id)
        return f"/console/sign-in/{token}"

    def events(self, case: CaseSummary) -> list[str]:
        """Kinds of events in a case's history, oldest first, as the ledger holds them."""
        detail = self.house.cases.case(self.organisation, case.id)
        return [entry.event for entry in detail.timeline]

    def kept(self, case: CaseSummary) -> list[VaultObject]:
        """Newest first, as the page shows them."""
        with self.house.database.organisation(self.organisation) as connection:
            return self.house.vault.objects(connection, case.id)[::-1]


def furnish(house: House, *, keep: bool = True) -> Furnished:
    """Make the organisation, with content kept or not, and screen its items."""
    basis = may_keep_content(OrganisationKind.PLATFORM, "US")
    assert isinstance(basis, LawRow)
    made = house.members.create_organisation(
        name=f"Riverside {new_id().hex[-6:]}",
        kind=OrganisationKind.PLATFORM,
        country="US",
        keep_content=basis.id if keep else None,
        keep_days=30 if keep else None,
    )
    reviewer = house.members.add_member(made.id, "Kim Kestrel", Role.REVIEWER, SYSTEM)
    _list(house, made.id)
    builder = ItemBuilder(
        organisation=made.id,
        source="uploads",
        account_secret=house.keyring.account_secret(made.id),
        platform="riverside",
        clock=house.clock,
        new_id=new_id,
    )
    batch = [_picture(builder, name, content) for name, content in _copies()]
    batch += _adverts(builder)
    assert not house.screening.screen(made.id, SYSTEM, batch).refused
    cases = {case.subjects[0].kind: case for case in house.cases.queue(made.id)}
    return Furnished(
        house,
        made.id,
        reviewer,
        pictures=cases[SubjectKind.HASH],
        adverts=cases[SubjectKind.ACCOUNT],
    )


def _adverts(builder: ItemBuilder) -> list[Submission]:
    hashes = hash_bytes(PHOTOGRAPH).hashes
    older = {
        "source_id": "advert-1",
        "at": "2026-03-01T09:30:00Z",
        "text": "City bicycle, new brakes",
        "place": "Leeds",
        "phone": "+1 212 555 0142",
        "url": "https://bicycles.example/p/7",
        "pictures": [{"pdq": hashes.pdq, "quality": hashes.quality}],
        "account": "seller",
    }
    newer = {"source_id": "advert-2", "text": ADVERT, "account": "seller"}
    return [
        Submission(item=builder.build("advert", older)),
        Submission(item=builder.build("advert", newer)),
    ]


def _list(house: House, organisation: UUID) -> None:
    listed = house.bank.create_list(
        organisation,
        SYSTEM,
        NewList(
            name="Known",
            kind=ListKind.BLOCK,
            source="test",
            basis="test",
            category="test",
            verified=True,
        ),
    )
    hashes = hash_bytes(PHOTOGRAPH).hashes
    house.bank.add(
        organisation,
        SYSTEM,
        listed.id,
        [
            NewIndicator(kind=IndicatorKind.PDQ, value=hashes.pdq or "", quality=hashes.quality),
            NewIndicator(kind=IndicatorKind.URL, value=LISTED_URLS[0]),
        ],
    )


def _copies() -> list[tuple[str, bytes]]:
    with Image.open(photographs()["china"]) as opened:
        picture = opened.convert("RGB")
    half = scaled(picture, 0.5)
    return [
        ("original.jpg", PHOTOGRAPH),
        ("half.tif", encode(half, "TIFF")),
        ("half.png", encode(half, "PNG")),
    ]


def _picture(builder: ItemBuilder, name: str, content: bytes) -> Submission:
    hashed = hash_bytes(content)
    return Submission(item=builder.picture(name, hashed), content=content, mime=hashed.mime)
