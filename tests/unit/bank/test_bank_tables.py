"""The tables written here are those that the migrations make."""

from __future__ import annotations

import pytest
from sqlalchemy import Table, inspect
from sqlalchemy.dialects import postgresql

from lapwing.bank.tables import (
    bank_changes,
    bank_generation,
    hosted_findings,
    hosted_queries,
    indicator_marks,
    indicators,
    lists,
    match_history,
    opinions,
    quarantines,
)
from lapwing.store.database import Database

DIALECT = postgresql.dialect()


@pytest.mark.parametrize(
    "table",
    [
        lists,
        indicators,
        bank_generation,
        bank_changes,
        indicator_marks,
        opinions,
        quarantines,
        match_history,
        hosted_queries,
        hosted_findings,
    ],
    ids=lambda t: t.name,
)
def test_a_table_equals_the_one_in_the_database(database: Database, table: Table) -> None:
    with database.owner() as connection:
        there = inspect(connection).get_columns(table.name)
    written = [(c.name, c.type.compile(DIALECT), c.nullable) for c in table.columns]
    assert written == [(c["name"], c["type"].compile(DIALECT), c["nullable"]) for c in there]
