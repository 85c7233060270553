"""Signing keys hand over in the ledger itself; a retired one signs nothing that is accepted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from evidence_samples import REVIEWER, Fill, SteppedClock, event
from sqlalchemy import text

from lapwing.evidence.heads import SignedHead, sign_head
from lapwing.evidence.ledger import Ledger
from lapwing.evidence.rotation import Rotation
from lapwing.evidence.verification import Verification
from lapwing.model.errors import IntegrityBroken, InvalidInput, Unavailable
from lapwing.model.events import Event, EventKind
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring

Rotate = Callable[[], Rotation]
Verify = Callable[..., Verification]


@pytest.fixture
def rotate(database: Database, organisation: UUID, ledger: Ledger) -> Rotate:
    def run() -> Rotation:
        with database.organisation(organisation) as connection:
            return ledger.rotate_key(connection, organisation, REVIEWER)

    return run


@pytest.fixture
def verify(database: Database, organisation: UUID, ledger: Ledger) -> Verify:
    def run(kept: SignedHead | None = None) -> Verification:
        with database.organisation(organisation) as connection:
            return ledger.verify(connection, organisation, kept)

    return run


def newest(database: Database, organisation: UUID, ledger: Ledger) -> SignedHead:
    with database.organisation(organisation) as connection:
        head = ledger.head(connection, organisation)
    assert head is not None
    return head


def test_the_old_key_signs_its_own_rotation_and_the_new_one_what_follows(
    database: Database,
    organisation: UUID,
    ledger: Ledger,
    fill: Fill,
    rotate: Rotate,
    verify: Verify,
) -> None:
    first = fill(3)
    turned = rotate()
    handover = newest(database, organisation, ledger)
    second = fill(2)
    assert (turned.old, turned.new) == (first.key_id, second.key_id)
    assert handover.key_id == turned.old != turned.new
    assert handover.size == 4
    for kept in (first, handover, second):
        assert verify(kept).heads == 3


def test_a_ledger_may_begin_with_a_rotation_and_turn_often(
    fill: Fill, rotate: Rotate, verify: Verify
) -> None:
    turns = [rotate(), rotate()]
    kept = fill(300)
    turns.append(rotate())
    fill(1)
    assert verify(kept).size == 304
    assert [turn.new for turn in turns[:-1]] == [turn.old for turn in turns[1:]]


def test_what_the_retired_key_signs_afterwards_is_refused(
    database: Database,
    organisation: UUID,
    ledger: Ledger,
    keyring: Keyring,
    clock: SteppedClock,
    fill: Fill,
    rotate: Rotate,
    verify: Verify,
) -> None:
    fill(3)
    old_id, old = keyring.signing_key(organisation)
    rotate()
    good = fill(2)
    verify(good)
    forged = sign_head(organisation, 6, bytes.fromhex(good.root), clock(), old_id, old)
    with pytest.raises(IntegrityBroken, match="retired at position 3"):
        verify(forged)
    with database.owner() as connection:
        connection.execute(
            text(
                "update ledger_heads set key_id = :k, signature = :s"
                " where organisation_id = :o and size = 6"
            ),
            {"k": old_id, "s": bytes.fromhex(forged.signature), "o": organisation},
        )
    with pytest.raises(IntegrityBroken, match="retired at position 3"):
        verify()


def test_a_key_that_no_rotation_put_in_force_is_refused(
    organisation: UUID, keyring: Keyring, clock: SteppedClock, fill: Fill, verify: Verify
) -> None:
    good = fill(3)
    keyring.new_signing_key(organisation)
    other_id, other = keyring.signing_key(organisation)
    forged = sign_head(organisation, 3, bytes.fromhex(good.root), clock(), other_id, other)
    with pytest.raises(IntegrityBroken, match=f"{good.key_id} was in force"):
        verify(forged)


def test_the_new_key_cannot_sign_what_lies_before_its_time(
    organisation: UUID,
    keyring: Keyring,
    clock: SteppedClock,
    fill: Fill,
    rotate: Rotate,
    verify: Verify,
) -> None:
    early = fill(3)
    new_id = rotate().new
    fill(1)
    _, new = keyring.signing_key(organisation, new_id)
    forged = sign_head(organisation, 3, bytes.fromhex(early.root), clock(), new_id, new)
    with pytest.raises(IntegrityBroken, match=f"{early.key_id} was in force"):
        verify(forged)


def test_a_rotation_that_did_not_happen_leaves_the_old_key_in_force(
    database: Database, organisation: UUID, ledger: Ledger, fill: Fill, verify: Verify
) -> None:
    first = fill(1)

    with database.organisation(organisation) as connection:
        ledger.rotate_key(connection, organisation, REVIEWER)
        connection.rollback()
    assert fill(1).key_id == first.key_id
    assert verify(first).size == 2


def test_the_private_half_of_a_retired_key_is_destroyed(
    database: Database,
    organisation: UUID,
    ledger: Ledger,
    clock: SteppedClock,
    home: Path,
    fill: Fill,
    rotate: Rotate,
    verify: Verify,
) -> None:
    first = fill(2)
    turned = rotate()
    with database.organisation(organisation) as connection:
        assert ledger.retire_keys(connection, organisation) == (turned.old,)
        assert ledger.retire_keys(connection, organisation) == ()
    fresh = Keyring(home / "secrets")
    with pytest.raises(Unavailable):
        fresh.signing_key(organisation, turned.old)
    assert fill(1).key_id == turned.new
    with database.organisation(organisation) as connection:
        assert Ledger(fresh, clock).verify(connection, organisation, first).size == 4


def test_without_the_key_in_force_nothing_is_recorded(
    database: Database, organisation: UUID, clock: SteppedClock, home: Path, fill: Fill
) -> None:
    """Another key would break the chain; what is lost has to come back from the backup."""
    fill(1)
    elsewhere = Ledger(Keyring(home / "other"), clock)
    with (
        pytest.raises(Unavailable, match="restore the folder from its backup"),
        database.organisation(organisation) as connection,
    ):
        elsewhere.append(connection, organisation, [event()])


def test_a_rotation_cannot_be_erased_or_slipped_in_as_an_event(
    database: Database,
    organisation: UUID,
    ledger: Ledger,
    fill: Fill,
    rotate: Rotate,
    verify: Verify,
) -> None:
    fill(2)
    rotate()
    with database.organisation(organisation) as connection:
        assert ledger.forget(connection, organisation, [1, 2]) == 1
    assert verify().erased == 1
    slipped = Event(
        kind=EventKind.SIGNING_KEY_ROTATED,
        at=event().at,
        actor=REVIEWER,
        subject="x",
        data={"old": "x", "new": "y", "key": "z"},
    )
    with (
        pytest.raises(InvalidInput, match="rotate_key"),
        database.organisation(organisation) as connection,
    ):
        ledger.append(connection, organisation, [slipped])
    with database.organisation(organisation) as connection:
        connection.execute(
            text("update ledger_events set salt = null, body = null where position = 2")
        )
    with pytest.raises(IntegrityBroken, match="erased") as found:
        verify()
    assert found.value.position == 2


def test_a_rotation_whose_own_head_is_gone_is_named(
    database: Database, organisation: UUID, fill: Fill, rotate: Rotate, verify: Verify
) -> None:
    fill(2)
    rotate()
    fill(1)
    with database.owner() as connection:
        connection.execute(
            text("delete from ledger_heads where organisation_id = :o and size = 3"),
            {"o": organisation},
        )
    with pytest.raises(IntegrityBroken, match="did not sign its own rotation") as found:
        verify()
    assert found.value.position == 2
