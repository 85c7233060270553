"""The main job, once all the way through, on real photographs and on files as people send them.

Two photographs are listed, two are not. Their changed copies, adverts, messages, payments and links
go in; a case opens; a member uncovers and judges; the ledger proves it; the list is corrected.
"""

from __future__ import annotations

import io
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from PIL import Image, ImageStat

from books import Books, check_books
from lapwing.app import House, wire
from lapwing.bank.changes import NewList
from lapwing.demo.copies import derive_copies
from lapwing.demo.photographs import photographs
from lapwing.evidence.heads import check_head
from lapwing.evidence.objects import VaultObject
from lapwing.intake.limits import Limits
from lapwing.intake.media.hashing import hash_bytes
from lapwing.intake.readers import read_items
from lapwing.intake.records import ItemBuilder
from lapwing.law.registry import may_keep_content
from lapwing.law.rows import LawRow
from lapwing.model.actors import SYSTEM, Actor, ActorKind
from lapwing.model.cases import CaseState, Outcome
from lapwing.model.decisions import Action, Decision
from lapwing.model.errors import Conflict, NotAllowed, NotFound
from lapwing.model.indicators import IndicatorKind, ListKind, NewIndicator
from lapwing.model.organisations import Member, Organisation, OrganisationKind, Role
from lapwing.screening.stream import Summary, screen_all
from lapwing.settings import Settings
from lapwing.store.clock import new_id
from lapwing.store.database import Database

LISTED = ("china", "coffee")
LISTED_LINK = "https://pictures.example/album/7731"
PLATFORM = Actor(kind=ActorKind.API_KEY, name="uploads", id=new_id())

ADVERTS = f"""id,text,account,url
a1,Bright two-room flat near the station,seller1,https://flats.example/1
a2,"Oak table, more at {LISTED_LINK}?from=a2",seller2,
a3,,seller3,
"""
PAYMENTS = f"""id,amount,currency,memo,account
p1,12.50,EUR,rent,payer1
p2,7.00,EUR,see {LISTED_LINK},payer2
p3,a lot,EUR,rent,payer3
"""
MESSAGES = (
    {"id": "m1", "text": "the 8:15 train is late again", "account": "writer1"},
    {"id": "m2", "text": f"look at {LISTED_LINK}", "account": "seller2"},
    {"id": "m3", "text": "good morning", "surface": "private", "account": "writer2"},
)


class Walk:
    """What the steps of the story share."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.folder = folder
        self.copies = {name: derive_copies(path) for name, path in photographs().items()}
        basis = may_keep_content(OrganisationKind.PLATFORM, "US")
        assert isinstance(basis, LawRow)
        self.organisation: Organisation = house.members.create_organisation(
            name=f"walk {new_id()}",
            kind=OrganisationKind.PLATFORM,
            country="US",
            keep_content=basis.id,
            keep_days=30,
        )
        self.robin: Member = house.members.add_member(
            self.organisation.id, "Robin", Role.REVIEWER, SYSTEM
        )
        self.decisions: dict[str, Decision] = {}

    @property
    def id(self) -> UUID:
        return self.organisation.id

    def fill_bank(self) -> None:
        made = self.house.bank.create_list(
            self.id,
            SYSTEM,
            NewList(
                name="known",
                kind=ListKind.BLOCK,
                source="walk",
                basis="walk",
                category="walk",
                verified=True,
            ),
        )
        hashes = [hash_bytes(photographs()[name].read_bytes(), Limits()).hashes for name in LISTED]
        entries = [
            NewIndicator(kind=IndicatorKind.PDQ, value=one.pdq or "", quality=one.quality)
            for one in hashes
        ]
        entries.append(NewIndicator(kind=IndicatorKind.URL, value=LISTED_LINK))
        assert not self.house.bank.add(self.id, SYSTEM, made.id, entries).refused

    def write_files(self) -> None:
        for name, copies in self.copies.items():
            for file, content in copies:
                path = self.folder / "pictures" / name / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        (self.folder / "pictures" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
        (self.folder / "adverts.csv").write_text(ADVERTS)
        (self.folder / "payments.csv").write_text(PAYMENTS)
        lines = [msgspec.json.encode(message) for message in MESSAGES] + [b"{not json"]
        (self.folder / "messages.ndjson").write_bytes(b"\n".join(lines))

    def screen(self, name: str, kind: str, source: str = "walk") -> Summary:
        builder = ItemBuilder(
            organisation=self.id,
            source=source,
            account_secret=self.house.keyring.account_secret(self.id),
            platform="walk",
            clock=self.house.clock,
            new_id=new_id,
        )

        def note(decisions: tuple[Decision, ...]) -> None:
            self.decisions.update({decision.source_id: decision for decision in decisions})

        entries = read_items(self.folder / name, kind, builder, Limits())
        return screen_all(self.house.screening, self.id, PLATFORM, entries, batch=40, decided=note)

    def books(self) -> Books:
        return check_books(self.house.database, self.house.ledger, self.id)

    def contents(self, case: UUID) -> list[VaultObject]:
        with self.house.database.organisation(self.id) as connection:
            return self.house.vault.objects(connection, case)


@pytest.fixture
def walk(database: Database, home: Path, tmp_path: Path) -> Walk:
    settings = Settings(home=home, secrets=home / "secrets", blobs_url=(home / "blobs").as_uri())
    return Walk(wire(settings, database), tmp_path)


def test_the_house_is_walked_from_the_first_picture_to_the_proof(walk: Walk) -> None:
    walk.fill_bank()
    walk.write_files()

    pictures = walk.screen("pictures", "media")
    recognises_changed_copies_and_no_other(walk, pictures)

    links_in_other_items_are_found(walk)
    everything_sent_again_changes_nothing(walk)
    case = one_case_a_picture(walk)
    content = shows_a_cover_and_uncovers_by_name(walk, case)
    judged(walk, case)
    proven(walk, case)
    corrected(walk)
    swept(walk, content)
    another_organisation_sees_nothing(walk, case)


def recognises_changed_copies_and_no_other(walk: Walk, summary: Summary) -> None:
    for name, copies in walk.copies.items():
        for file, _ in copies:
            decision = walk.decisions[f"{name}/{file}"]
            acted = decision.actions != (Action.ALLOW,)
            assert acted is (name in LISTED), f"{name}/{file}: {decision.actions}"
    close = walk.decisions["china/recompressed-75.jpg"]
    assert set(close.actions) == {Action.HOLD, Action.CASE}
    assert close.why
    far = walk.decisions["china/scaled-and-recompressed.jpg"]
    assert set(far.actions) in ({Action.HOLD, Action.CASE}, {Action.REVIEW, Action.CASE})
    assert [Path(refusal.file or "").name for refusal in summary.refused] == ["broken.jpg"]


def links_in_other_items_are_found(walk: Walk) -> None:
    adverts = walk.screen("adverts.csv", "advert")
    payments = walk.screen("payments.csv", "payment")
    messages = walk.screen("messages.ndjson", "message")
    for listed, other, action in (
        ("a2", "a1", Action.HOLD),
        ("m2", "m1", Action.HOLD),
        ("p2", "p1", Action.REVIEW),
    ):
        assert set(walk.decisions[listed].actions) == {action, Action.CASE}
        assert walk.decisions[other].actions == (Action.ALLOW,)
    # One account, one case, whatever kind of item it is.
    assert walk.decisions["a2"].case == walk.decisions["m2"].case
    assert walk.decisions["a2"].case != walk.decisions["p2"].case
    assert [(r.line, r.field) for r in adverts.refused] == [(4, "text")]
    assert [(r.line, r.field) for r in payments.refused] == [(4, "amount")]
    assert sorted(r.code for r in messages.refused) == ["invalid_input", "not_allowed"]
    assert (payments.no_detector, messages.no_detector) == ({"payment": 1}, {"message": 1})


def everything_sent_again_changes_nothing(walk: Walk) -> None:
    first, before = dict(walk.decisions), walk.books()
    assert walk.screen("pictures", "media").fresh == 0
    assert walk.screen("adverts.csv", "advert").fresh == 0
    assert walk.decisions == first
    assert walk.books() == before


def one_case_a_picture(walk: Walk) -> UUID:
    cases = {
        name: {walk.decisions[f"{name}/{file}"].case for file, _ in walk.copies[name]}
        for name in LISTED
    }
    assert all(len(found) == 1 for found in cases.values()), "copies of a picture lie apart"
    assert cases["china"] != cases["coffee"]
    queue = walk.house.cases.queue(walk.id)
    assert {case.number for case in queue} == {1, 2, 3, 4}
    assert all("china" not in case.title for case in queue)
    return cases["china"].pop()


def shows_a_cover_and_uncovers_by_name(walk: Walk, case: UUID) -> VaultObject:
    kept = next(one for one in walk.contents(case) if one.mime == "image/jpeg")
    vault, database = walk.house.vault, walk.house.database
    with database.organisation(walk.id) as connection:
        cover = Image.open(io.BytesIO(vault.cover(connection, walk.id, kept.id)))
        assert max(cover.size) <= 48
        assert cover.mode == "L"
        assert ImageStat.Stat(cover).count
        with pytest.raises(NotAllowed):
            vault.open(connection, walk.id, walk.robin, kept.id)
    with database.organisation(walk.id) as connection:
        vault.uncover(connection, walk.id, walk.robin, kept.id)
    with database.organisation(walk.id) as connection:
        content, mime = vault.open(connection, walk.id, walk.robin, kept.id)
    assert mime == "image/jpeg"
    assert content in {content for _, content in walk.copies["china"]}
    return kept


def judged(walk: Walk, case: UUID) -> None:
    cases = walk.house.cases
    with pytest.raises(NotAllowed):
        cases.verdict(walk.id, PLATFORM, case, Outcome.CONFIRMED, "the machine says so")
    cases.claim(walk.id, walk.robin, case)
    with pytest.raises(Conflict):
        cases.close(walk.id, walk.robin, case)
    cases.verdict(walk.id, walk.robin, case, Outcome.HARMLESS, "a photograph of a temple")
    assert cases.close(walk.id, walk.robin, case).state is CaseState.CLOSED
    decision = walk.decisions["china/scaled-50.jpg"]
    stored = walk.house.screening.item(walk.id, decision.item)
    assert stored.decision == decision
    assert stored.case is not None
    assert stored.case.outcome is Outcome.HARMLESS


def proven(walk: Walk, case: UUID) -> None:
    timeline = walk.house.cases.case(walk.id, case).timeline
    told = [entry.event for entry in timeline if entry.event != "item.decided"]
    assert told[0] == "case.opened"
    for event in ("content.kept", "content.uncovered", "content.served", "case.verdict"):
        assert event in told
    assert told[-1] == "case.closed"
    verdict = next(entry for entry in timeline if entry.event == "case.verdict")
    ledger = walk.house.ledger
    with walk.house.database.organisation(walk.id) as connection:
        head = ledger.head(connection, walk.id)
        assert head is not None
        check_head(head, walk.house.keyring.verify_keys(walk.id))
        assert verdict.position is not None
        assert ledger.prove(connection, walk.id, verdict.position).holds_under(head)
    walk.books()


def corrected(walk: Walk) -> None:
    """The list is put right, and the next copy of the picture passes."""
    listed = walk.house.bank.list_named(walk.id, "known")
    pdq = hash_bytes(photographs()["china"].read_bytes(), Limits()).hashes.pdq
    walk.house.bank.withdraw(walk.id, SYSTEM, listed.id, values=[pdq or ""], why="harmless")
    walk.screen("pictures", "media", source="walk, later")
    assert walk.decisions["china/scaled-50.jpg"].actions == (Action.ALLOW,)
    assert Action.HOLD in walk.decisions["coffee/scaled-50.jpg"].actions
    walk.books()


def swept(walk: Walk, content: VaultObject) -> None:
    """On the day the content is due it goes; what was proven stays so."""
    with walk.house.database.organisation(walk.id) as connection:
        assert walk.house.vault.sweep(connection, walk.id, content.delete_at) > 0
    with walk.house.database.organisation(walk.id) as connection, pytest.raises(NotFound):
        walk.house.vault.cover(connection, walk.id, content.id)
    walk.books()


def another_organisation_sees_nothing(walk: Walk, case: UUID) -> None:
    other = walk.house.members.create_organisation(
        name=f"other {new_id()}", kind=OrganisationKind.NGO, country="US"
    )
    assert walk.house.cases.queue(other.id) == []
    with pytest.raises(NotFound):
        walk.house.cases.case(other.id, case)
    with pytest.raises(NotFound):
        walk.house.screening.item(other.id, walk.decisions["a2"].item)
