"""What the application's database role cannot do to a ledger, tried in SQL."""

from __future__ import annotations

from uuid import UUID

import pytest
from evidence_samples import Fill
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from lapwing.evidence.ledger import Ledger
from lapwing.store.database import Database


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger_events set commitment = decode(repeat('00', 32), 'hex')",
        "update ledger_events set position = position + 100",
        "update ledger_events set at = now()",
        "update ledger_events set kind = 'case.closed'",
        "update ledger_events set subject = 'other'",
        "update ledger_events set case_id = null",
        "update ledger_events set salt = null, body = null, at = now()",
        "update ledger_heads set root = decode(repeat('00', 32), 'hex')",
        "update ledger_heads set signature = decode(repeat('00', 64), 'hex')",
        "update ledger_heads set at = now()",
        "update ledger_stamps set at = now()",
        "delete from ledger_stamps",
        "truncate ledger_stamps",
        "delete from ledger_events",
        "delete from ledger_heads",
        "delete from ledger_tiles",
        "truncate ledger_events",
        "truncate ledger_heads",
        "truncate ledger_tiles",
        "alter table ledger_events disable trigger only_erase",
    ],
)
def test_the_application_cannot_rewrite_the_ledger(
    database: Database, organisation: UUID, fill: Fill, statement: str
) -> None:
    fill(3)
    with (
        pytest.raises(DBAPIError, match=r"permission denied|must be owner"),
        database.organisation(organisation) as connection,
    ):
        connection.execute(text(statement))


@pytest.mark.parametrize(
    "change",
    [
        "salt = decode(repeat('00', 16), 'hex')",
        "body = 'other'",
        "salt = null",
        "body = null",
        "salt = null, body = 'other'",
    ],
)
def test_the_application_cannot_put_other_words_into_an_event(
    database: Database, organisation: UUID, fill: Fill, change: str
) -> None:
    fill(3)
    with (
        pytest.raises(DBAPIError, match="only be erased, both together"),
        database.organisation(organisation) as connection,
    ):
        connection.execute(text(f"update ledger_events set {change} where position = 1"))


def test_the_application_can_erase_an_event(
    database: Database, organisation: UUID, fill: Fill, ledger: Ledger
) -> None:
    fill(3)
    with database.organisation(organisation) as connection:
        connection.execute(
            text("update ledger_events set salt = null, body = null where position = 1")
        )
    with database.organisation(organisation) as connection:
        assert ledger.verify(connection, organisation).erased == 1


def test_an_erased_event_cannot_be_filled_again(
    database: Database, organisation: UUID, fill: Fill, ledger: Ledger
) -> None:
    fill(1)
    with database.organisation(organisation) as connection:
        ledger.forget(connection, organisation, [0])
    with (
        pytest.raises(DBAPIError, match="only be erased"),
        database.organisation(organisation) as connection,
    ):
        connection.execute(
            text("update ledger_events set salt = decode(repeat('00', 16), 'hex'), body = '{}'")
        )
