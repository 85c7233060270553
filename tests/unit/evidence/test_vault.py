from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pyrage
import pytest
from evidence_samples import SteppedClock
from PIL import Image
from sqlalchemy import create_engine, text

from lapwing.evidence.ledger import Ledger
from lapwing.evidence.vault import Vault, VaultObject, VaultRole
from lapwing.model.cases import TimelineEntry
from lapwing.model.errors import IntegrityBroken, LimitExceeded, NotAllowed, NotFound
from lapwing.model.events import EventKind
from lapwing.model.organisations import Member, Organisation, OrganisationKind, Role
from lapwing.model.refusals import Refusal
from lapwing.store.blobs import Blobs
from lapwing.store.clock import new_id
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring

BASIS = "us-example-row"


def picture() -> bytes:
    out = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(out, "PNG")
    return out.getvalue()


class Keeper:
    """An organisation that keeps content for 30 days, with a case and a member."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        ledger: Ledger,
        identity: UUID,
        *,
        keep_content: str | None = BASIS,
        keep_days: int | None = 30,
    ) -> None:
        self.database, self.vault, self.ledger = database, vault, ledger
        self.organisation = Organisation(
            id=identity,
            name="keeper",
            kind=OrganisationKind.PLATFORM,
            country="US",
            created_at=SteppedClock().now,
            keep_content=keep_content,
            keep_days=keep_days,
        )
        self.case = new_id()
        with database.organisation(identity) as connection:
            connection.execute(
                text(
                    "insert into cases (organisation_id, id, number, state, priority, title,"
                    " opened_at, updated_at) values (:o, :c, 1, 'open', 0.5, 't', now(), now())"
                ),
                {"o": identity, "c": self.case},
            )
        self.member = self.add_member("Rosa")

    def add_member(self, name: str) -> Member:
        member = Member(
            id=new_id(),
            organisation=self.organisation.id,
            name=name,
            role=Role.REVIEWER,
            created_at=SteppedClock().now,
        )
        with self.database.organisation(self.organisation.id) as connection:
            connection.execute(
                text(
                    "insert into members (organisation_id, id, name, role, created_at)"
                    " values (:o, :m, :n, 'reviewer', now())"
                ),
                {"o": self.organisation.id, "m": member.id, "n": name},
            )
        return member

    def keep(
        self,
        content: bytes,
        mime: str = "image/png",
        *,
        item: UUID | None = None,
        role: VaultRole | str = "content",
    ) -> VaultObject:
        with self.database.organisation(self.organisation.id) as connection:
            kept, event = self.vault.keep(
                connection,
                self.organisation,
                case=self.case,
                item=item or new_id(),
                role=role,
                content=content,
                mime=mime,
            )
            assert isinstance(kept, VaultObject)
            self.ledger.append(connection, self.organisation.id, [event] if event else [])
        return kept

    def uncover(self, kept: VaultObject, member: Member | None = None) -> None:
        with self.database.organisation(self.organisation.id) as connection:
            self.vault.uncover(connection, self.organisation.id, member or self.member, kept.id)

    def open(self, kept: VaultObject, member: Member | None = None) -> tuple[bytes, str]:
        with self.database.organisation(self.organisation.id) as connection:
            return self.vault.open(connection, self.organisation.id, member or self.member, kept.id)

    def cover(self, kept: VaultObject) -> bytes:
        with self.database.organisation(self.organisation.id) as connection:
            return self.vault.cover(connection, self.organisation.id, kept.id)

    def objects(self) -> list[VaultObject]:
        with self.database.organisation(self.organisation.id) as connection:
            return self.vault.objects(connection, self.case)

    def timeline(self) -> list[TimelineEntry]:
        with self.database.organisation(self.organisation.id) as connection:
            self.ledger.verify(connection, self.organisation.id)
            return self.ledger.events_of_case(connection, self.organisation.id, self.case)


@pytest.fixture
def blob_folder(home: Path) -> Path:
    return home / "blobs"


@pytest.fixture
def vault(blob_folder: Path, keyring: Keyring, ledger: Ledger, clock: SteppedClock) -> Vault:
    return Vault(Blobs(f"file://{blob_folder}"), keyring, ledger, clock)


@pytest.fixture
def place(database: Database, organisation: UUID, vault: Vault, ledger: Ledger) -> Keeper:
    return Keeper(database, vault, ledger, organisation)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"keep_content": None, "keep_days": None}, "keep_content"),
        ({"keep_content": None}, "keep_content"),
        ({"keep_days": None}, "keep_days"),
    ],
)
@pytest.mark.parametrize("role", list(VaultRole))
def test_nothing_is_kept_unless_the_organisation_has_switched_it_on(
    database: Database,
    organisation: UUID,
    vault: Vault,
    ledger: Ledger,
    blob_folder: Path,
    change: dict[str, None],
    field: str,
    role: VaultRole,
) -> None:
    place = Keeper(database, vault, ledger, organisation, **change)
    with database.organisation(place.organisation.id) as connection:
        kept, event = vault.keep(
            connection,
            place.organisation,
            case=place.case,
            item=new_id(),
            role=role,
            content=picture(),
            mime="image/png",
        )
    assert isinstance(kept, Refusal)
    assert kept.field == field
    assert "no content kept" in kept.reason
    assert event is None
    assert files(blob_folder) == []
    assert place.objects() == []


def test_kept_content_is_sealed_at_rest(place: Keeper, blob_folder: Path, keyring: Keyring) -> None:
    content = b"words that nobody may find on the disk"
    kept = place.keep(content, "text/plain")
    [path] = files(blob_folder)
    sealed = path.read_bytes()
    assert sealed.startswith(b"age-encryption.org/v1\n")
    assert content not in sealed
    identity = keyring.vault_identity(place.organisation.id)
    assert pyrage.decrypt(sealed, [identity]) == content
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [keyring.vault_identity(new_id())])
    assert kept.sha256 == hashlib.sha256(content).hexdigest()
    assert (kept.basis, kept.size) == (BASIS, len(content))
    assert kept.delete_at - kept.kept_at == timedelta(days=30)


def test_a_picture_shows_its_cover_only_and_the_cover_is_sealed_too(
    place: Keeper, blob_folder: Path
) -> None:
    content = picture()
    kept = place.keep(content)
    assert kept.covered
    cover = Image.open(io.BytesIO(place.cover(kept)))
    assert (cover.mode, max(cover.size)) == ("L", 48)
    assert len(files(blob_folder)) == 2
    for path in files(blob_folder):
        assert path.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert [line.event for line in place.timeline()] == [EventKind.CONTENT_KEPT]


def test_text_and_identity_have_no_cover(place: Keeper) -> None:
    for kept in (
        place.keep(b"words", "text/plain"),
        place.keep(picture(), "image/png", role=VaultRole.IDENTITY),
    ):
        assert not kept.covered
        with pytest.raises(NotFound):
            place.cover(kept)


def test_the_hash_of_an_identity_envelope_does_not_give_its_words_away(place: Keeper) -> None:
    words = b'{"name":"Kim"}'
    kept = place.keep(words, "application/json", role="identity")
    assert kept.sha256 != hashlib.sha256(words).hexdigest()
    place.uncover(kept)
    assert place.open(kept) == (words, "application/json")


def test_keeping_again_keeps_once(place: Keeper, blob_folder: Path) -> None:
    item = new_id()
    first = place.keep(b"words", "text/plain", item=item)
    assert place.keep(b"words", "text/plain", item=item) == first
    assert place.keep(b"envelope", "text/plain", item=item, role="identity").id != first.id
    assert len(files(blob_folder)) == 2
    assert len(place.timeline()) == 2


def test_a_rolled_back_transaction_leaves_no_blob(place: Keeper, blob_folder: Path) -> None:
    with place.database.organisation(place.organisation.id) as connection:
        place.vault.keep(
            connection,
            place.organisation,
            case=place.case,
            item=new_id(),
            role="content",
            content=picture(),
            mime="image/png",
        )
        assert len(files(blob_folder)) == 2
        transaction = connection.get_transaction()
        assert transaction is not None
        transaction.rollback()
    assert files(blob_folder) == []
    assert place.objects() == []


def test_a_committed_blob_outlives_a_later_rollback_on_the_same_connection(
    place: Keeper, blob_folder: Path
) -> None:
    engine = create_engine(place.database.url)
    with engine.connect() as connection:
        with connection.begin():
            place.vault.keep(
                connection,
                place.organisation,
                case=place.case,
                item=new_id(),
                role="content",
                content=b"words",
                mime="text/plain",
            )
        with connection.begin() as second:
            connection.execute(text("select 1"))
            second.rollback()
    engine.dispose()
    assert len(files(blob_folder)) == 1
    assert len(place.objects()) == 1


def test_clear_content_needs_a_press_that_is_logged(place: Keeper) -> None:
    content = picture()
    kept = place.keep(content)
    with pytest.raises(NotAllowed):
        place.open(kept)
    place.uncover(kept)
    assert place.open(kept) == (content, "image/png")
    assert place.open(kept) == (content, "image/png")
    kept_line, uncovered, first, second = place.timeline()
    assert kept_line.actor == "lapwing"
    assert [line.event for line in (uncovered, first, second)] == [
        EventKind.CONTENT_UNCOVERED,
        EventKind.CONTENT_SERVED,
        EventKind.CONTENT_SERVED,
    ]
    assert {line.actor for line in (uncovered, first, second)} == {"Rosa"}
    assert (first.data["served"], second.data["served"]) == (1, 2)
    assert first.data["uncover"] == uncovered.data["uncover"]
    assert first.data["whole"] is True


def test_an_uncover_lasts_fifteen_minutes(place: Keeper, clock: SteppedClock) -> None:
    kept = place.keep(picture())
    place.uncover(kept)
    clock.move(minutes=15, seconds=-1)
    place.open(kept)
    clock.move(seconds=1)
    with pytest.raises(NotAllowed):
        place.open(kept)
    place.uncover(kept)
    place.open(kept)


def test_an_uncover_from_the_future_opens_nothing(place: Keeper, clock: SteppedClock) -> None:
    kept = place.keep(picture())
    place.uncover(kept)
    clock.move(hours=-1)
    with pytest.raises(NotAllowed):
        place.open(kept)


def test_a_members_exposure_is_counted_and_limited(
    place: Keeper, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lapwing.evidence.vault.LOOKS_ALLOWED", 3)
    kept = place.keep(picture())
    other = place.add_member("Tom")
    for _ in range(3):
        place.uncover(kept)
        clock.move(hours=1)
    with pytest.raises(LimitExceeded, match="colleague"):
        place.uncover(kept)
    place.uncover(kept, other)
    with place.database.organisation(place.organisation.id) as connection:
        assert place.vault.looks(connection, place.organisation.id, place.member) == 3
        assert place.vault.looks(connection, place.organisation.id, other) == 1
    clock.move(hours=21, seconds=1)
    place.uncover(kept)


def test_the_last_look_allowed_is_given_once(
    place: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lapwing.evidence.vault.LOOKS_ALLOWED", 1)
    kept = place.keep(picture())
    start = threading.Barrier(4)
    given: list[bool] = []

    def press() -> None:
        start.wait(10)
        try:
            place.uncover(kept)
        except LimitExceeded:
            given.append(False)
        else:
            given.append(True)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(given) == [False, False, False, True]


def test_a_member_is_told_until_when_content_is_uncovered(
    place: Keeper, clock: SteppedClock
) -> None:
    kept = place.keep(picture())

    def until() -> object:
        with place.database.organisation(place.organisation.id) as connection:
            return place.vault.uncovered_until(
                connection, place.organisation.id, place.member, kept.id
            )

    assert until() is None
    place.uncover(kept)
    assert until() == clock.now + timedelta(minutes=15)
    clock.move(minutes=15)
    assert until() is None


def test_one_members_uncover_opens_nothing_for_another(place: Keeper) -> None:
    kept = place.keep(picture())
    other = place.add_member("Tom")
    place.uncover(kept)
    with pytest.raises(NotAllowed):
        place.open(kept, other)
    place.uncover(kept, other)
    place.open(kept, other)


def test_an_uncover_opens_one_object_only(place: Keeper) -> None:
    one, two = place.keep(picture()), place.keep(b"words", "text/plain")
    place.uncover(one)
    with pytest.raises(NotAllowed):
        place.open(two)


def test_a_stranger_finds_nothing(
    place: Keeper,
    database: Database,
    other_organisation: UUID,
    vault: Vault,
    ledger: Ledger,
) -> None:
    kept = place.keep(picture())
    other = Keeper(database, vault, ledger, other_organisation)
    for attempt in (
        lambda: other.cover(kept),
        lambda: other.uncover(kept),
        lambda: other.open(kept),
    ):
        with pytest.raises(NotFound):
            attempt()
    with database.organisation(other.organisation.id) as connection:
        assert vault.objects(connection, place.case) == []
        assert vault.sweep(connection, place.organisation.id, kept.delete_at) == 0
    for attempt in (
        lambda: place.uncover(kept, other.member),
        lambda: place.open(kept, other.member),
    ):
        with pytest.raises(NotAllowed):
            attempt()


def test_content_is_deleted_on_time_with_its_cover(
    place: Keeper, clock: SteppedClock, blob_folder: Path
) -> None:
    early = place.keep(picture())
    clock.move(days=1)
    late = place.keep(b"words", "text/plain")
    place.uncover(early)

    def sweep() -> int:
        with place.database.organisation(place.organisation.id) as connection:
            return place.vault.sweep(connection, place.organisation.id, clock.now)

    clock.now = early.delete_at - timedelta(microseconds=1)
    assert sweep() == 0
    clock.now = early.delete_at
    with pytest.raises(NotFound, match="deleted"):
        place.cover(early)
    assert sweep() == 1
    assert sweep() == 0
    assert len(files(blob_folder)) == 1
    for attempt in (place.open, place.uncover, place.cover):
        reach: Callable[[VaultObject], object] = attempt
        with pytest.raises(NotFound, match="deleted"):
            reach(early)
    gone, there = place.objects()
    assert (gone.deleted_at, gone.covered) == (clock.now, False)
    assert (there.id, there.deleted_at) == (late.id, None)
    assert place.timeline()[-1].event == EventKind.CONTENT_DELETED
    with place.database.organisation(place.organisation.id) as connection:
        again, event = place.vault.keep(
            connection,
            place.organisation,
            case=place.case,
            item=early.item,
            role="content",
            content=picture(),
            mime="image/png",
        )
    assert isinstance(again, Refusal)
    assert event is None


def test_a_sweep_deletes_all_that_is_due(
    place: Keeper, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch, blob_folder: Path
) -> None:
    monkeypatch.setattr("lapwing.evidence.vault.SWEPT_AT_ONCE", 2)
    for _ in range(5):
        place.keep(b"words", "text/plain")
    clock.move(days=31)
    with place.database.organisation(place.organisation.id) as connection:
        assert place.vault.sweep(connection, place.organisation.id, clock.now) == 5
    assert files(blob_folder) == []


def test_a_sweep_that_was_cut_off_is_finished_by_the_next(
    place: Keeper, clock: SteppedClock, blob_folder: Path
) -> None:
    place.keep(picture())
    clock.move(days=31)
    with place.database.organisation(place.organisation.id) as connection:
        place.vault.sweep(connection, place.organisation.id, clock.now)
        transaction = connection.get_transaction()
        assert transaction is not None
        transaction.rollback()
    assert files(blob_folder) == []
    with place.database.organisation(place.organisation.id) as connection:
        assert place.vault.sweep(connection, place.organisation.id, clock.now) == 1


def test_exchanged_or_damaged_blobs_are_not_served(place: Keeper, blob_folder: Path) -> None:
    one = place.keep(b"first words", "text/plain")
    [path] = files(blob_folder)
    place.keep(b"other words", "text/plain")
    [second] = [found for found in files(blob_folder) if found != path]
    place.uncover(one)
    path.write_bytes(second.read_bytes())
    with pytest.raises(IntegrityBroken, match="not what was kept"):
        place.open(one)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityBroken, match="cannot be opened"):
        place.open(one)


def test_a_blob_that_a_killed_process_left_without_a_row_is_swept(
    place: Keeper, blob_folder: Path, clock: SteppedClock
) -> None:
    kept = place.keep(picture())
    stray = files(blob_folder)[0].with_name(f"{new_id()}.age")
    stray.write_bytes(b"sealed, and nobody's")
    organisation = place.organisation.id
    assert place.vault.organisations() == [organisation]

    def swept() -> int:
        with place.database.organisation(organisation) as connection:
            return place.vault.sweep_strays(connection, organisation)

    clock.now = datetime.now(UTC) + timedelta(minutes=50)
    assert swept() == 0, "its transaction may still be under way"
    clock.now += timedelta(minutes=20)
    assert swept() == 1
    assert not stray.exists()
    assert len(files(blob_folder)) == 2, "content and cover of what is on record stay"
    clock.now = kept.delete_at + timedelta(seconds=1)
    with place.database.organisation(organisation) as connection:
        place.vault.sweep(connection, organisation, clock.now)
    assert swept() == 0
    assert files(blob_folder) == []
