"""Everything an owner of the database can do to a ledger is found, and its place is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest
from evidence_samples import Fill, SteppedClock
from sqlalchemy import text

from lapwing.evidence import verification
from lapwing.evidence.heads import SignedHead
from lapwing.evidence.ledger import Ledger
from lapwing.evidence.verification import Verification
from lapwing.model.errors import IntegrityBroken, InvalidInput
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring

Verify = Callable[..., Verification]
Damage = Callable[..., None]


@pytest.fixture
def verify(database: Database, organisation: UUID, ledger: Ledger) -> Verify:
    def run(kept: SignedHead | None = None) -> Verification:
        with database.organisation(organisation) as connection:
            return ledger.verify(connection, organisation, kept)

    return run


@pytest.fixture
def damage(database: Database, organisation: UUID) -> Damage:
    """Run SQL as the owner, who is above row-level security; `:o` is the organisation."""

    def run(sql: str, **values: Any) -> None:
        with database.owner() as connection:
            connection.execute(text("alter table ledger_events disable trigger only_erase"))
            done = connection.execute(text(sql), {"o": organisation, **values})
            connection.execute(text("alter table ledger_events enable trigger only_erase"))
            assert done.rowcount > 0

    return run


def broken(verify: Verify, kept: SignedHead | None = None) -> IntegrityBroken:
    with pytest.raises(IntegrityBroken) as found:
        verify(kept)
    return found.value


def test_an_untouched_ledger_verifies(
    verify: Verify, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "CHUNK", 256)
    kept = fill(3, 300)
    head = fill(1000, 1, 1)
    checked = verify(kept)
    assert (checked.size, checked.heads, checked.erased) == (1305, 5, 0)
    assert (checked.head, checked.kept) == (head, kept)


def test_progress_is_told(
    database: Database, organisation: UUID, ledger: Ledger, fill: Fill
) -> None:
    fill(600)
    seen: list[tuple[int, int]] = []
    with database.organisation(organisation) as connection:
        ledger.verify(connection, organisation, progress=lambda *step: seen.append(step))
    assert seen[-1] == (600, 600)


@pytest.mark.parametrize(
    ("column", "position"),
    [("salt", 0), ("body", 255), ("body", 256), ("commitment", 511), ("commitment", 599)],
)
def test_a_flipped_bit_in_an_event_is_named(
    verify: Verify, fill: Fill, damage: Damage, column: str, position: int
) -> None:
    fill(300, 300)
    damage(
        f"update ledger_events set {column} = set_bit({column}, :b, 1 - get_bit({column}, :b))"
        " where organisation_id = :o and position = :p",
        b=position % 128,
        p=position,
    )
    assert broken(verify).position == position


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'case.closed'",
        "at = at + interval '1 microsecond'",
        "subject = subject || ' '",
        "case_id = gen_random_uuid()",
        "salt = null",
        "body = null",
    ],
)
def test_a_changed_column_of_an_event_is_named(
    verify: Verify, fill: Fill, damage: Damage, change: str
) -> None:
    fill(20)
    damage(f"update ledger_events set {change} where organisation_id = :o and position = 11")
    assert broken(verify).position == 11


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("number", [0, 1])
def test_a_flipped_bit_in_a_tile_is_named(
    verify: Verify, fill: Fill, damage: Damage, level: int, number: int
) -> None:
    fill(256 * 256 + 300)
    bit = 32 * 8 * 1 + 3 if (level, number) != (1, 1) else 3
    damage(
        "update ledger_tiles set hashes = set_bit(hashes, :b, 1 - get_bit(hashes, :b))"
        " where organisation_id = :o and level = :l and number = :n",
        b=bit,
        l=level,
        n=number,
    )
    node = bit // 256 + number * 256
    assert broken(verify).position == node * 256**level


def test_every_head_is_checked(verify: Verify, fill: Fill, damage: Damage) -> None:
    fill(5, 5, 5)
    for column in ("root", "signature"):
        flip = (
            f"update ledger_heads set {column} = set_bit({column}, 9, 1 - get_bit({column}, 9))"
            " where organisation_id = :o and size = 10"
        )
        damage(flip)
        assert "size 10" in broken(verify).message
        damage(flip)
    damage("update ledger_heads set at = at - interval '1 s' where organisation_id = :o")
    assert "signature" in broken(verify).message
    damage("update ledger_heads set at = at + interval '1 s' where organisation_id = :o")
    damage("update ledger_heads set key_id = 'ffffffffffffffff' where organisation_id = :o")
    assert "unknown key" in broken(verify).message


def test_a_removed_event_is_named(verify: Verify, fill: Fill, damage: Damage) -> None:
    fill(20)
    damage("delete from ledger_events where organisation_id = :o and position = 12")
    assert broken(verify).position == 12


def test_exchanged_events_are_named(verify: Verify, fill: Fill, damage: Damage) -> None:
    fill(20)
    for old, new in ((4, 1000), (9, 4), (1000, 9)):
        damage(
            "update ledger_events set position = :n where organisation_id = :o and position = :p",
            n=new,
            p=old,
        )
    assert broken(verify).position == 4


def test_an_event_beyond_the_newest_head_is_named(
    verify: Verify, fill: Fill, damage: Damage
) -> None:
    fill(20, 5)
    damage("delete from ledger_heads where organisation_id = :o and size = 25")
    assert broken(verify).position == 20


def test_hashes_beyond_the_newest_head_are_named(
    verify: Verify, fill: Fill, damage: Damage
) -> None:
    fill(300)
    damage(
        "update ledger_tiles set hashes = hashes || decode(repeat('00', 32), 'hex')"
        " where organisation_id = :o and level = 0 and number = 1"
    )
    assert broken(verify).position == 300
    damage("delete from ledger_tiles where organisation_id = :o and level = 0 and number = 1")
    assert broken(verify).position == 256


@pytest.mark.parametrize("level", [-1, 0, 3, 7, 9])
def test_a_tile_that_belongs_nowhere_is_found(
    verify: Verify, fill: Fill, damage: Damage, level: int
) -> None:
    fill(300)
    damage("insert into ledger_tiles values (:o, :l, 5, decode(repeat('00', 32), 'hex'))", l=level)
    assert broken(verify).position == 300


def test_an_event_rewritten_with_its_leaf_is_found_by_the_heads(
    verify: Verify, fill: Fill, damage: Damage
) -> None:
    fill(10, 10)
    damage(
        "update ledger_events set salt = decode(repeat('00', 16), 'hex'),"
        " commitment = sha256(decode(repeat('00', 16), 'hex') || body)"
        " where organisation_id = :o and position = 13"
    )
    damage(
        "update ledger_tiles t set hashes = overlay(hashes placing"
        " sha256('\\x00' || e.commitment) from 13 * 32 + 1)"
        " from ledger_events e where e.organisation_id = :o and e.position = 13"
        " and t.organisation_id = :o and t.level = 0"
    )
    error = broken(verify)
    assert error.position == 10
    assert "size 20" in error.message


def erase_ledger(damage: Damage) -> None:
    for table in ("ledger_events", "ledger_tiles", "ledger_heads"):
        damage(f"delete from {table} where organisation_id = :o")


def test_a_ledger_cut_short_is_found_against_a_kept_head(
    verify: Verify, fill: Fill, damage: Damage
) -> None:
    fill(10)
    kept = fill(5)
    damage("delete from ledger_events where organisation_id = :o and position >= 10")
    damage(
        "update ledger_tiles set hashes = substring(hashes from 1 for 320)"
        " where organisation_id = :o and level = 0"
    )
    damage("delete from ledger_heads where organisation_id = :o and size > 10")
    assert verify().size == 10
    error = broken(verify, kept)
    assert error.position == 10
    assert "cut short" in error.message


def test_a_ledger_signed_anew_is_found_against_a_kept_head(
    verify: Verify, fill: Fill, damage: Damage
) -> None:
    kept = fill(10)
    erase_ledger(damage)
    fill(10, 4)
    assert verify().size == 14
    assert "rewritten" in broken(verify, kept).message


def test_a_ledger_signed_anew_with_new_keys_is_found_against_a_kept_head(
    database: Database,
    organisation: UUID,
    fill: Fill,
    damage: Damage,
    home: Any,
    clock: SteppedClock,
) -> None:
    kept = fill(10)
    erase_ledger(damage)
    forger = Ledger(Keyring(home / "forged"), clock)
    with database.organisation(organisation) as connection:
        forger.append(connection, organisation, [])
        forger.verify(connection, organisation)
        with pytest.raises(IntegrityBroken, match="signing keys were replaced"):
            forger.verify(connection, organisation, kept)


def test_a_kept_head_must_be_of_this_organisation_and_signed(
    verify: Verify, fill: Fill, other_organisation: UUID
) -> None:
    kept = fill(10)
    with pytest.raises(InvalidInput):
        verify(msgspec.structs.replace(kept, organisation=other_organisation))
    with pytest.raises(IntegrityBroken, match="kept head does not verify"):
        verify(msgspec.structs.replace(kept, size=9))


def test_appends_during_a_verification_do_not_disturb_it(
    database: Database,
    organisation: UUID,
    ledger: Ledger,
    fill: Fill,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verification, "CHUNK", 256)
    fill(600)
    with database.organisation(organisation) as connection:
        checked = ledger.verify(
            connection, organisation, progress=lambda done, total: fill(7) and None
        )
    assert checked.size == 600
