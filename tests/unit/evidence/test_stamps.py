"""Time stamps on heads, from an authority of the test's own: `openssl ts` on loopback."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from evidence_samples import Fill, SteppedClock, events
from sqlalchemy import text

from lapwing.evidence.heads import SignedHead, head_to_text
from lapwing.evidence.ledger import Ledger
from lapwing.evidence.repository import Stamp
from lapwing.evidence.stamps import JOB, MANY, STRETCH, Stamping, due
from lapwing.model.errors import IntegrityBroken, InvalidInput, Unavailable
from lapwing.store.database import Database
from lapwing.store.jobs import Worker, enqueue
from lapwing.store.keyring import Keyring
from time_authority import OPENSSL, TimeAuthority, make_certificates, time_authority

rfc3161 = pytest.importorskip("lapwing.evidence.rfc3161", exc_type=ImportError)
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="no openssl to be the authority")


@pytest.fixture
def tsa(tmp_path: Path) -> Iterator[TimeAuthority]:
    folder = tmp_path / "tsa"
    folder.mkdir()
    with time_authority(folder) as running:
        yield running


@pytest.fixture
def stamped(keyring: Keyring, clock: SteppedClock, tsa: TimeAuthority) -> Ledger:
    """A ledger whose heads are stamped."""
    return Ledger(keyring, clock, authority=rfc3161.TimestampAuthority.pinned(tsa.url, tsa.root))


@pytest.fixture
def stamping(database: Database, tsa: TimeAuthority) -> Stamping:
    return Stamping(database, rfc3161.TimestampAuthority.pinned(tsa.url, tsa.root))


def jobs(database: Database, organisation: UUID) -> list[timedelta]:
    """How long the queued stamps of an organisation wait."""
    with database.owner() as connection:
        return list(
            connection.execute(
                text(
                    "select execute_after - created from pgqueuer where entrypoint = :job"
                    " and convert_from(payload, 'UTF8') like :org order by 1"
                ),
                {"job": JOB, "org": f"%{organisation}%"},
            ).scalars()
        )


@needs_openssl
def test_the_newest_head_gets_a_stamp_that_verifies(
    database: Database,
    organisation: UUID,
    stamped: Ledger,
    stamping: Stamping,
    tsa: TimeAuthority,
    fill: Fill,
    tmp_path: Path,
) -> None:
    assert stamping.stamp(organisation) is None
    fill(3)
    head = fill(2)
    stamp = stamping.stamp(organisation)
    assert stamp is not None
    assert (stamp.size, stamp.authority) == (5, "CN=Test time authority")
    assert abs(stamp.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert stamping.stamp(organisation) == stamp
    assert tsa.asked == 1
    with database.organisation(organisation) as connection:
        checked = stamped.verify(connection, organisation)
        assert stamped.stamps(connection, organisation) == [(head, stamp)]
    assert (checked.stamps, checked.stamped_until) == (1, 5)
    note, reply = tmp_path / "head.txt", tmp_path / "head.tsr"
    note.write_text(head_to_text(head), encoding="utf-8")
    reply.write_bytes(stamp.response)
    command = ["ts", "-verify", "-data", note, "-in", reply, "-CAfile", tsa.root]
    said = subprocess.run([OPENSSL or "", *command], check=False, capture_output=True, text=True)
    assert "Verification: OK" in said.stdout + said.stderr


@needs_openssl
def test_a_worker_stamps_what_was_queued(
    database: Database, organisation: UUID, stamped: Ledger, stamping: Stamping
) -> None:
    with database.organisation(organisation) as connection:
        head = stamped.append(connection, organisation, events(3))
        enqueue(connection, JOB, {"organisation": str(organisation)})
    stop = threading.Event()
    worker = threading.Thread(target=Worker(database, stamping.handlers()).run, args=(stop,))
    worker.start()
    try:
        deadline = time.monotonic() + 30
        found: list[tuple[SignedHead, Stamp]] = []
        while not found and time.monotonic() < deadline:
            time.sleep(0.1)
            with database.organisation(organisation) as connection:
                found = stamped.stamps(connection, organisation)
    finally:
        stop.set()
        worker.join(30)
    assert [one for one, _ in found] == [head]


@needs_openssl
def test_without_an_authority_stamps_are_only_counted(
    database: Database, organisation: UUID, ledger: Ledger, stamping: Stamping, fill: Fill
) -> None:
    fill(3)
    stamping.stamp(organisation)
    with database.organisation(organisation) as connection:
        checked = ledger.verify(connection, organisation)
    assert (checked.stamps, checked.stamped_until) == (1, 0)


@needs_openssl
@pytest.mark.parametrize(
    "change",
    [
        "response = set_byte(response, octet_length(response) - 5,"
        " 255 - get_byte(response, octet_length(response) - 5))",
        "response = substring(response from 1 for 100)",
        "response = '\\x30'",
        "at = at - interval '1 day'",
    ],
)
def test_a_changed_stamp_is_found(
    database: Database,
    organisation: UUID,
    stamped: Ledger,
    stamping: Stamping,
    fill: Fill,
    change: str,
) -> None:
    fill(3)
    stamping.stamp(organisation)
    with database.owner() as connection:
        connection.execute(
            text(f"update ledger_stamps set {change} where organisation_id = :o"),
            {"o": organisation},
        )
    with (
        pytest.raises(IntegrityBroken, match="time stamp of the head of size 3"),
        database.organisation(organisation) as connection,
    ):
        stamped.verify(connection, organisation)


@needs_openssl
def test_a_stamp_moved_to_another_head_is_found(
    database: Database, organisation: UUID, stamped: Ledger, stamping: Stamping, fill: Fill
) -> None:
    fill(3)
    stamping.stamp(organisation)
    fill(2)
    with database.owner() as connection:
        connection.execute(
            text("update ledger_stamps set size = 5 where organisation_id = :o"),
            {"o": organisation},
        )
    with (
        pytest.raises(IntegrityBroken, match="of something else"),
        database.organisation(organisation) as connection,
    ):
        stamped.verify(connection, organisation)


@needs_openssl
def test_a_stamp_of_another_authority_is_refused(
    database: Database,
    organisation: UUID,
    stamped: Ledger,
    stamping: Stamping,
    tsa: TimeAuthority,
    fill: Fill,
    tmp_path: Path,
) -> None:
    fill(3)
    other = tmp_path / "other"
    other.mkdir()
    make_certificates(other)
    elsewhere = rfc3161.TimestampAuthority.pinned(tsa.url, other / "root.pem")
    with pytest.raises(Unavailable, match="no good"):
        Stamping(database, elsewhere).stamp(organisation)
    with database.organisation(organisation) as connection:
        assert stamped.stamps(connection, organisation) == []


@needs_openssl
def test_an_authority_that_answers_wrongly_is_not_believed(
    database: Database,
    organisation: UUID,
    stamping: Stamping,
    tsa: TimeAuthority,
    fill: Fill,
) -> None:
    fill(3)
    earlier: list[bytes] = []

    def once_more(query: bytes) -> tuple[int, bytes]:
        earlier.append(tsa.reply(query))
        return 200, earlier[0]

    answers = [
        (lambda query: (500, b""), "status 500"),
        (lambda query: (302, b""), "status 302"),
        (lambda query: (200, b""), "no good"),
        (lambda query: (200, b"\x30\x03\x02\x01\x00"), "no good"),
        (lambda query: (200, b"x" * 100_000), "status 200"),
        (lambda query: (200, tsa.reply(query)[:-3]), "no good"),
    ]
    for answer, said in answers:
        tsa.answer = answer
        with pytest.raises(Unavailable, match=said):
            stamping.stamp(organisation)
    tsa.answer = once_more
    assert stamping.stamp(organisation) is not None
    fill(1)
    with pytest.raises(Unavailable, match="no good"):
        stamping.stamp(organisation)


def test_an_authority_that_is_away_is_unavailable(
    database: Database, organisation: UUID, tsa: TimeAuthority, fill: Fill
) -> None:
    fill(1)
    away = rfc3161.TimestampAuthority.pinned("http://127.0.0.1:9/", tsa.root)
    with pytest.raises(Unavailable, match="does not answer"):
        Stamping(database, away).stamp(organisation)


@pytest.mark.parametrize(
    "url", ["", "ftp://a.example/", "http://", "file:///etc/passwd", "http://[/"]
)
def test_an_address_that_is_no_web_address_is_refused(tsa: TimeAuthority, url: str) -> None:
    with pytest.raises(InvalidInput, match="LAPWING_TSA_URL"):
        rfc3161.TimestampAuthority.pinned(url, tsa.root)


def test_a_root_that_is_no_certificate_is_refused(tsa: TimeAuthority) -> None:
    for root in (tsa.folder / "serial", tsa.folder / "missing"):
        with pytest.raises(InvalidInput, match="LAPWING_TSA_ROOT"):
            rfc3161.TimestampAuthority.pinned(tsa.url, root)


def test_a_stamp_is_asked_for_once_a_stretch(
    database: Database, organisation: UUID, stamped: Ledger, clock: SteppedClock
) -> None:
    def append() -> None:
        with database.organisation(organisation) as connection:
            stamped.append(connection, organisation, events(1))

    append()
    append()
    assert jobs(database, organisation) == [STRETCH]
    clock.move(minutes=11)
    append()
    clock.move(minutes=-60)
    append()
    assert jobs(database, organisation) == [STRETCH, STRETCH]


def test_what_a_new_head_calls_for(clock: SteppedClock) -> None:
    def head(size: int) -> SignedHead:
        return SignedHead(
            organisation=UUID(int=1), size=size, root="", at=clock(), key_id="", signature=""
        )

    first = head(3)
    assert [after for _, after in due(None, first)] == [STRETCH]
    assert list(due(first, head(4))) == []
    crossing = dict(due(head(MANY - 1), head(MANY)))
    assert crossing == {"size:1": timedelta(0)}
    clock.move(minutes=30)
    assert len(dict(due(first, head(2 * MANY)))) == 2
    assert list(due(msgspec.structs.replace(first, at=clock()), head(5))) == []


def test_a_ledger_without_an_authority_queues_nothing(
    database: Database, organisation: UUID, fill: Fill
) -> None:
    fill(3)
    assert jobs(database, organisation) == []
