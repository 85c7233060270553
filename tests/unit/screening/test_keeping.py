"""What goes into the vault, and only when a case needs it and the organisation may keep it."""

from __future__ import annotations

import io
from datetime import timedelta

import numpy as np
import pytest
from PIL import Image
from screening_samples import KNOWN_PDQ, KNOWN_URL, Items
from sqlalchemy import text

from books import check_books
from lapwing.app import House
from lapwing.model.actors import SYSTEM
from lapwing.model.cases import TimelineEntry
from lapwing.model.organisations import Organisation, Role
from lapwing.model.submissions import Submission
from lapwing.screening.jobs import handlers
from lapwing.screening.keeping import SWEEP
from lapwing.store.clock import utc_now
from lapwing.store.queue import QUEUE


def stripes() -> bytes:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[::8] = (10, 200, 90)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def submission(keeper: Organisation, id: str, pdq: str = KNOWN_PDQ, **more: bytes) -> Submission:
    item = Items(keeper.id).picture(id, pdq, account="1:aa")
    return Submission(item=item, content=stripes(), mime="image/png", **more)


def test_content_of_an_item_in_a_case_is_kept_sealed(house: House, keeper: Organisation) -> None:
    batch = [submission(keeper, "one", identity=b"an envelope"), submission(keeper, "two")]
    screened = house.screening.screen(keeper.id, SYSTEM, batch)
    assert (screened.cases_opened, screened.kept) == (1, 3)
    case = screened.decisions[0].case
    assert case is not None
    with house.database.organisation(keeper.id) as connection:
        objects = house.vault.objects(connection, case)
        assert sorted(kept.role for kept in objects) == ["content", "content", "identity"]
        picture = next(kept for kept in objects if kept.role == "content")
        cover = house.vault.cover(connection, keeper.id, picture.id)
    assert Image.open(io.BytesIO(cover)).format == "JPEG"
    blobs = [path for path in (house.settings.home / "blobs").rglob("*") if path.is_file()]
    assert blobs
    assert not any(stripes()[:50] in path.read_bytes() for path in blobs)
    timeline: tuple[TimelineEntry, ...] = house.cases.case(keeper.id, case).timeline
    assert [entry.event for entry in timeline].count("content.kept") == 3
    assert check_books(house.database, house.ledger, keeper.id).kept == 3


def test_the_text_of_an_item_in_a_case_is_kept_sealed(house: House, keeper: Organisation) -> None:
    listed = Items(keeper.id).message("listed", f"More of the garden: {KNOWN_URL}")
    other = Items(keeper.id).message("other", "The 8:15 train is late again.")
    batch = [Submission(item=listed), Submission(item=other)]
    screened = house.screening.screen(keeper.id, SYSTEM, batch)
    assert screened.kept == 1
    case = screened.decisions[0].case
    assert case is not None
    robin = house.members.add_member(keeper.id, "Robin", Role.REVIEWER, SYSTEM)
    with house.database.organisation(keeper.id) as connection:
        (kept,) = house.vault.objects(connection, case)
        house.vault.uncover(connection, keeper.id, robin, kept.id)
        clear, mime = house.vault.open(connection, keeper.id, robin, kept.id)
    assert (clear.decode(), mime) == (listed.text, "text/plain; charset=utf-8")
    check_books(house.database, house.ledger, keeper.id)


def test_content_of_an_item_that_needs_nobody_is_dropped(
    house: House, keeper: Organisation
) -> None:
    screened = house.screening.screen(keeper.id, SYSTEM, [submission(keeper, "one", "5a17" * 16)])
    assert (screened.fresh, screened.kept) == (1, 0)
    assert check_books(house.database, house.ledger, keeper.id).kept == 0
    assert not list((house.settings.home / "blobs").rglob("*.age"))


def test_content_of_an_item_sent_again_is_dropped(house: House, keeper: Organisation) -> None:
    house.screening.screen(keeper.id, SYSTEM, [submission(keeper, "one")])
    again = submission(keeper, "one", identity=b"a late envelope")
    assert house.screening.screen(keeper.id, SYSTEM, [again]).kept == 0
    assert check_books(house.database, house.ledger, keeper.id).kept == 1


@pytest.mark.parametrize("content", [b"", b"not a picture", stripes()[:40]])
def test_content_that_is_no_picture_is_kept_all_the_same(
    house: House, keeper: Organisation, content: bytes
) -> None:
    item = Items(keeper.id).picture("one", KNOWN_PDQ)
    batch = [Submission(item=item, content=content, mime="image/png")]
    screened = house.screening.screen(keeper.id, SYSTEM, batch)
    assert screened.kept == 1
    check_books(house.database, house.ledger, keeper.id)


def test_when_the_batch_fails_nothing_stays_in_the_vault(
    house: House, keeper: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*rest: object) -> None:
        raise RuntimeError("the signing key is gone")

    with monkeypatch.context() as broken:
        broken.setattr(house.ledger._keyring, "signing_key", fail)
        with pytest.raises(RuntimeError):
            house.screening.screen(keeper.id, SYSTEM, [submission(keeper, "one")])
    assert not list((house.settings.home / "blobs").rglob("*.age"))
    assert check_books(house.database, house.ledger, keeper.id).kept == 0


def test_a_batch_queues_one_sweep_for_when_its_content_is_due(
    house: House, keeper: Organisation
) -> None:
    house.screening.screen(keeper.id, SYSTEM, [submission(keeper, f"{n}") for n in range(5)])
    house.screening.screen(keeper.id, SYSTEM, [submission(keeper, "later")])
    with house.database.owner() as connection:
        due = (
            connection.execute(
                text(
                    f"select execute_after from {QUEUE.queue_table} where entrypoint = :e"
                    " and convert_from(payload, 'utf8') like :o"
                ),
                {"e": SWEEP, "o": f"%{keeper.id}%"},
            )
            .scalars()
            .all()
        )
    assert 1 <= len(due) <= 2, "one an hour"
    wait = due[0] - utc_now()
    assert timedelta(days=30) <= wait <= timedelta(days=30, hours=1, minutes=1)


def test_a_sweep_deletes_what_is_due(house: House, keeper: Organisation) -> None:
    house.screening.screen(keeper.id, SYSTEM, [submission(keeper, "one")])
    sweep = handlers(house.database, house.vault, lambda: utc_now() + timedelta(days=31))[SWEEP]
    sweep({"organisation": str(keeper.id)})
    assert not list((house.settings.home / "blobs").rglob("*.age"))
    sweep({"organisation": str(keeper.id)})
    timeline = house.cases.case(keeper.id, 1).timeline
    assert [entry.event for entry in timeline].count("content.deleted") == 1
    check_books(house.database, house.ledger, keeper.id)
