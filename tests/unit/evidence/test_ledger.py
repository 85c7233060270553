from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from evidence_samples import Fill, SteppedClock, event, events
from sqlalchemy import text

from lapwing.evidence.heads import check_head
from lapwing.evidence.ledger import Ledger
from lapwing.evidence.merkle import EMPTY_ROOT, leaf_hash, root_of
from lapwing.model.errors import InvalidInput, NotFound
from lapwing.model.events import Event
from lapwing.store.clock import new_id
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring


def rows(database: Database, organisation: UUID, table: str, order: str) -> list[dict[str, object]]:
    with database.organisation(organisation) as connection:
        found = connection.execute(text(f"select * from {table} order by {order}")).mappings()
        return [dict(row) for row in found]


def test_the_root_is_that_of_the_commitments_in_order(
    database: Database, organisation: UUID, fill: Fill, keyring: Keyring
) -> None:
    head = fill(1, 254, 1, 2, 300)
    stored = rows(database, organisation, "ledger_events", "position")
    assert [row["position"] for row in stored] == list(range(558))
    assert head.size == 558
    assert head.root == root_of([leaf_hash(bytes(row["commitment"])) for row in stored]).hex()  # type: ignore[call-overload]
    check_head(head, keyring.verify_keys(organisation))


def test_a_leaf_is_a_salted_commitment_to_canonical_json(
    database: Database, organisation: UUID, ledger: Ledger
) -> None:
    twin = event(1)
    with database.organisation(organisation) as connection:
        ledger.append(connection, organisation, [twin, twin])
    first, second = rows(database, organisation, "ledger_events", "position")
    assert first["body"] == second["body"]
    assert first["salt"] != second["salt"]
    assert first["commitment"] != second["commitment"]
    for row in (first, second):
        assert len(row["salt"]) == 16  # type: ignore[arg-type]
        assert hashlib.sha256(row["salt"] + row["body"]).digest() == row["commitment"]  # type: ignore[operator]
    body = first["body"]
    assert isinstance(body, bytes)
    assert msgspec.json.decode(body, type=Event) == twin
    assert list(msgspec.json.decode(body)) == ["actor", "at", "case", "data", "kind", "subject"]
    assert b'"nested":{"a":[1,null],"b":1}' in body


def test_positions_follow_from_the_head(
    database: Database, organisation: UUID, ledger: Ledger
) -> None:
    case = new_id()
    with database.organisation(organisation) as connection:
        ledger.append(connection, organisation, events(3))
        batch = [event(1), event(2, case=case), event(3)]
        head = ledger.append(connection, organisation, batch)
        [line] = ledger.events_of_case(connection, organisation, case)
    assert line.position == head.size - len(batch) + 1


def test_an_empty_append_changes_nothing(
    database: Database, organisation: UUID, ledger: Ledger
) -> None:
    with database.organisation(organisation) as connection:
        assert ledger.head(connection, organisation) is None
        empty = ledger.append(connection, organisation, [])
        assert (empty.size, empty.root) == (0, EMPTY_ROOT.hex())
        head = ledger.append(connection, organisation, events(2))
        assert ledger.append(connection, organisation, []) == head
        assert ledger.head(connection, organisation) == head
        assert ledger.verify(connection, organisation, empty).heads == 2


def test_head_times_never_go_back_although_the_clock_does(
    database: Database, organisation: UUID, ledger: Ledger, clock: SteppedClock, fill: Fill
) -> None:
    before = fill(1)
    clock.move(hours=-3)
    after = fill(1)
    assert after.at == before.at
    clock.move(hours=4)
    assert fill(1).at == clock.now
    with database.organisation(organisation) as connection:
        ledger.verify(connection, organisation)


def test_a_rolled_back_append_leaves_nothing(
    database: Database, organisation: UUID, ledger: Ledger, fill: Fill
) -> None:
    kept = fill(300)
    with database.organisation(organisation) as connection:
        ledger.append(connection, organisation, events(700))
        connection.get_transaction().rollback()  # type: ignore[union-attr]
    head = fill(5)
    assert head.size == 305
    with database.organisation(organisation) as connection:
        assert ledger.verify(connection, organisation, kept).size == 305


def test_a_process_killed_in_the_middle_leaves_nothing(
    database: Database, organisation: UUID, ledger: Ledger, keyring: Keyring, fill: Fill
) -> None:
    fill(10)
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from uuid import UUID
from lapwing.evidence.ledger import Ledger
from lapwing.store.clock import utc_now
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring
from evidence_samples import events
organisation = UUID({str(organisation)!r})
database = Database({database.url.render_as_string(hide_password=False)!r})
with database.organisation(organisation) as connection:
    Ledger(Keyring(Path({str(keyring.folder)!r})), utc_now).append(
        connection, organisation, events(1000))
    print("appended", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"appended\n"
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
    deadline = time.monotonic() + 20
    head = fill(1)
    assert time.monotonic() < deadline
    assert head.size == 11
    with database.organisation(organisation) as connection:
        assert ledger.verify(connection, organisation).size == 11


def test_concurrent_appends_neither_skip_nor_double_a_position(
    database: Database, organisation: UUID, other_organisation: UUID, ledger: Ledger
) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(4)

    def work(where: UUID) -> None:
        try:
            start.wait(10)
            for _ in range(12):
                with database.organisation(where) as connection:
                    ledger.append(connection, where, events(37))
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)

    threads = [
        threading.Thread(target=work, args=(where,))
        for where in (organisation, organisation, organisation, other_organisation)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    for where, count in ((organisation, 3 * 12 * 37), (other_organisation, 12 * 37)):
        stored = rows(database, where, "ledger_events", "position")
        assert [row["position"] for row in stored] == list(range(count))
        with database.organisation(where) as connection:
            assert ledger.verify(connection, where).size == count


def test_an_inclusion_proof_holds_under_its_head_and_no_other(
    database: Database, organisation: UUID, ledger: Ledger, fill: Fill
) -> None:
    old = fill(290)
    new = fill(10)
    with database.organisation(organisation) as connection:
        for position in (0, 255, 256, 289):
            proof = ledger.prove(connection, organisation, position)
            assert proof.holds_under(new)
            assert not proof.holds_under(old)
            assert ledger.prove(connection, organisation, position, old.size).holds_under(old)
        assert not msgspec.structs.replace(proof, commitment="00" * 32).holds()
        assert not msgspec.structs.replace(proof, position=0).holds()


def test_a_proof_of_a_size_between_heads_is_given_too(
    database: Database, organisation: UUID, ledger: Ledger, fill: Fill
) -> None:
    fill(300)
    with database.organisation(organisation) as connection:
        assert ledger.prove(connection, organisation, 17, 123).holds()


@pytest.mark.parametrize(("position", "size"), [(5, None), (-1, None), (3, 3), (0, 6), (0, -1)])
def test_what_is_not_in_the_ledger_has_no_proof(
    database: Database,
    organisation: UUID,
    ledger: Ledger,
    fill: Fill,
    position: int,
    size: int | None,
) -> None:
    fill(5)
    with database.organisation(organisation) as connection, pytest.raises(NotFound):
        ledger.prove(connection, organisation, position, size)


def test_growth_between_any_two_heads_is_provable(
    database: Database, organisation: UUID, ledger: Ledger, fill: Fill
) -> None:
    heads = [fill(batch) for batch in (1, 6, 249, 1, 300)]
    with database.organisation(organisation) as connection:
        for old in heads:
            for new in heads:
                if old.size > new.size:
                    continue
                proof = ledger.prove_growth(connection, organisation, old.size, new.size)
                assert proof.holds()
                assert (proof.old_root, proof.new_root) == (old.root, new.root)
        with pytest.raises(NotFound):
            ledger.prove_growth(connection, organisation, 7, 6)


def test_another_organisation_sees_no_head_event_or_proof(
    database: Database, organisation: UUID, other_organisation: UUID, ledger: Ledger, fill: Fill
) -> None:
    fill(3)
    case = new_id()
    with database.organisation(organisation) as connection:
        ledger.append(connection, organisation, [event(case=case)])
    with database.organisation(other_organisation) as connection:
        assert ledger.head(connection, organisation) is None
        assert ledger.events_of_case(connection, organisation, case) == []
        assert ledger.forget(connection, organisation, [0, 1]) == 0
        assert ledger.verify(connection, organisation).size == 0
        with pytest.raises(NotFound):
            ledger.prove(connection, organisation, 0)


def test_a_forgotten_event_leaves_every_proof_whole(
    database: Database, organisation: UUID, ledger: Ledger, fill: Fill
) -> None:
    head = fill(300)
    case = new_id()
    with database.organisation(organisation) as connection:
        ledger.append(connection, organisation, [event(case=case)])
        before = ledger.prove(connection, organisation, 7)
        assert ledger.forget(connection, organisation, [7, 8, 300]) == 3
        assert ledger.forget(connection, organisation, [7, 9999]) == 0
    with database.organisation(organisation) as connection:
        assert ledger.prove(connection, organisation, 7) == before
        checked = ledger.verify(connection, organisation, head)
        [line] = ledger.events_of_case(connection, organisation, case)
    assert (checked.erased, checked.size) == (3, 301)
    assert (line.text, line.data, line.actor) == ("erased on time", {}, "")
    erased = rows(database, organisation, "ledger_events", "position")[7]
    assert erased["salt"] is None
    assert erased["body"] is None


def test_the_timeline_tells_a_case_in_order(
    database: Database, organisation: UUID, ledger: Ledger
) -> None:
    case, other = new_id(), new_id()
    batch = [event(1, case=case), event(2), event(3, case=other), event(4, case=case)]
    with database.organisation(organisation) as connection:
        ledger.append(connection, organisation, batch)
        first, second = ledger.events_of_case(connection, organisation, case)
    assert (first.position, second.position) == (0, 3)
    assert first.actor == "Rosa Reviewer"
    assert first.event == "case.noted"
    assert first.text == "A note was made: note 1"
    assert first.data["number"] == 1
    assert first.at == batch[0].at


def test_events_that_cannot_be_recorded_are_refused(
    database: Database, organisation: UUID, ledger: Ledger
) -> None:
    whole = event()
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the point of the test
    for field, bad in (
        ("at", msgspec.structs.replace(whole, at=naive)),
        ("data", msgspec.structs.replace(whole, data={"object": object()})),
        ("data", msgspec.structs.replace(whole, data={"text": "\ud800"})),
        ("subject", msgspec.structs.replace(whole, subject="a\0b")),
    ):
        with (
            database.organisation(organisation) as connection,
            pytest.raises(InvalidInput) as refusal,
        ):
            ledger.append(connection, organisation, [whole, bad])
        assert refusal.value.field == field
    with database.organisation(organisation) as connection:
        assert ledger.head(connection, organisation) is None


def test_text_of_every_kind_comes_back_as_it_was(
    database: Database, organisation: UUID, ledger: Ledger
) -> None:
    odd = "quotes ' \" \\ braces {} , NULL : :o %s % \u00e4 \u4e2d \U0001f426 \u2028"
    strange = msgspec.structs.replace(
        event(case=new_id()), subject=odd, at=datetime.max.replace(tzinfo=UTC), data={odd: odd}
    )
    assert strange.case is not None
    with database.organisation(organisation) as connection:
        ledger.append(connection, organisation, [strange])
        [line] = ledger.events_of_case(connection, organisation, strange.case)
        ledger.verify(connection, organisation)
    assert line.data == {odd: odd}
