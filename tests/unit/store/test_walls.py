"""Row-level security: what the application's roles can reach, asked of PostgreSQL itself."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from tenant_rows import ROWS, insert

from lapwing.store.clock import new_id
from lapwing.store.database import Database

TENANT_TABLES = text(
    """
    select c.table_name from information_schema.columns c
      join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = 'public' and c.column_name = 'organisation_id'
       and t.table_type = 'BASE TABLE'
    """
)
# Tables that hold nothing of any organisation, and the queue, whose jobs hold only ids.
SHARED = {
    "alembic_version",
    "bank_changes",
    "bank_generation",
    "challenges",
    "rate_buckets",
    "pgqueuer",
    "pgqueuer_log",
    "pgqueuer_statistics",
    "pgqueuer_schedules",
}


@pytest.fixture(scope="module")
def tenant_tables(database: Database) -> list[str]:
    with database.owner() as connection:
        return sorted(connection.execute(TENANT_TABLES).scalars())


@pytest.fixture
def filled(database: Database, organisation: UUID) -> UUID:
    """An organisation with a row in every tenant table."""
    values = {"organisation": organisation, "one": new_id(), "other": new_id()}
    with database.organisation(organisation) as connection:
        for table in ROWS:
            connection.execute(text(insert(table)), values)
    return organisation


def test_every_table_is_a_tenants_or_known_to_be_shared(
    database: Database, tenant_tables: list[str]
) -> None:
    with database.owner() as connection:
        tables = set(
            connection.execute(
                text(
                    "select relname from pg_class where relkind in ('r', 'p', 'f')"
                    " and relnamespace = 'public'::regnamespace"
                )
            ).scalars()
        )
    assert tables - set(tenant_tables) - SHARED == {"organisations"}


def test_every_tenant_table_has_a_row_to_test_its_wall_with(tenant_tables: list[str]) -> None:
    assert sorted(ROWS) == tenant_tables, "add the new table to tests/unit/store/tenant_rows.py"


def test_every_tenant_table_has_row_security_and_one_policy_for_the_application(
    database: Database, tenant_tables: list[str]
) -> None:
    with database.owner() as connection:
        secured = set(
            connection.execute(text("select relname from pg_class where relrowsecurity")).scalars()
        )
        policies = connection.execute(
            text(
                "select tablename, qual, with_check, permissive, cmd from pg_policies "
                "where roles && array['lapwing_app', 'public']::name[]"
            )
        ).all()
    own = "(organisation_id = lapwing_organisation())"
    assert set(tenant_tables) | {"organisations"} == secured
    expected = [(table, own, own, "PERMISSIVE", "ALL") for table in tenant_tables]
    itself = "(id = lapwing_organisation())"
    expected.append(("organisations", itself, itself, "PERMISSIVE", "ALL"))
    assert sorted(tuple(policy) for policy in policies) == sorted(expected)


def test_an_organisation_sees_its_own_row_in_every_table(
    database: Database, filled: UUID, tenant_tables: list[str]
) -> None:
    with database.organisation(filled) as connection:
        for table in tenant_tables:
            count = connection.execute(text(f"select count(*) from {table}")).scalar_one()
            assert count == 1, table
        assert connection.execute(text("select id from organisations")).scalar_one() == filled


def test_another_organisation_sees_none_of_them_without_any_filter(
    database: Database, filled: UUID, other_organisation: UUID, tenant_tables: list[str]
) -> None:
    with database.organisation(other_organisation) as connection:
        for table in tenant_tables:
            rows = connection.execute(text(f"select * from {table}")).all()
            assert rows == [], table
        known = connection.execute(text("select id from organisations")).scalars().all()
    assert known == [other_organisation]


def test_without_a_caller_there_is_nothing_to_see(
    database: Database, filled: UUID, tenant_tables: list[str]
) -> None:
    with database.anyone() as connection:
        for table in [*tenant_tables, "organisations"]:
            assert connection.execute(text(f"select * from {table}")).all() == [], table


@pytest.mark.parametrize("table", sorted(ROWS))
def test_a_row_cannot_be_written_for_another_organisation(
    database: Database, filled: UUID, other_organisation: UUID, table: str
) -> None:
    values = {"organisation": filled, "one": new_id(), "other": new_id()}

    def write() -> None:
        with database.organisation(other_organisation) as connection:
            connection.execute(text(insert(table)), values)

    with pytest.raises(ProgrammingError, match="violates row-level security policy"):
        write()


def test_a_row_of_another_organisation_cannot_be_changed_or_given_away(
    database: Database, filled: UUID, other_organisation: UUID, tenant_tables: list[str]
) -> None:
    """Where the application may update a table at all."""
    changed = 0
    with database.owner() as connection:
        updatable = (
            connection.execute(
                text(
                    "select t from unnest(cast(:tables as text[])) t "
                    "where has_column_privilege('lapwing_app', t, 'organisation_id', 'update')"
                ),
                {"tables": tenant_tables},
            )
            .scalars()
            .all()
        )
    assert len(updatable) > 5
    for table in updatable:
        with database.organisation(other_organisation) as connection:
            changed += connection.execute(
                text(f"update {table} set organisation_id = :mine"), {"mine": other_organisation}
            ).rowcount
    assert changed == 0


def test_rows_refer_to_other_rows_of_their_own_organisation_only(database: Database) -> None:
    """A foreign key to a tenant table that leaves out the organisation could cross the wall."""
    with database.owner() as connection:
        crossing = (
            connection.execute(
                text(
                    """
                select k.conrelid::regclass::text || '.' || k.conname from pg_constraint k
                 where k.contype = 'f' and k.connamespace = 'public'::regnamespace
                   and k.confrelid <> 'organisations'::regclass
                   -- What others call organisation_id is an organisation's own id.
                   and k.conrelid <> 'organisations'::regclass
                   and not exists (
                     select from pg_attribute a
                      where a.attrelid = k.conrelid and a.attnum = any(k.conkey)
                        and a.attname = 'organisation_id')
                """
                )
            )
            .scalars()
            .all()
        )
    assert crossing == []


def test_the_roles_have_no_power_of_their_own(database: Database) -> None:
    with database.owner() as connection:
        rows = connection.execute(
            text(
                "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin "
                "from pg_roles where rolname like 'lapwing\\_app' or rolname = 'lapwing_index'"
            )
        ).all()
        owned = (
            connection.execute(
                text(
                    "select relname from pg_class c join pg_roles r on r.oid = c.relowner "
                    "where r.rolname in ('lapwing_app', 'lapwing_index')"
                )
            )
            .scalars()
            .all()
        )
    assert len(rows) == 2
    assert not any(power for row in rows for power in row[1:])
    assert owned == []


def test_the_index_role_sees_lists_and_indicators_of_all_and_nothing_else(
    database: Database, filled: UUID, tenant_tables: list[str]
) -> None:
    with database.owner() as connection:
        readable = (
            connection.execute(
                text(
                    "select relname from pg_class where relnamespace = 'public'::regnamespace "
                    "and relkind in ('r', 'v', 'm', 'p') "
                    "and has_any_column_privilege('lapwing_index', oid, 'select')"
                )
            )
            .scalars()
            .all()
        )
        writable = (
            connection.execute(
                text(
                    "select relname from pg_class where relnamespace = 'public'::regnamespace "
                    "and relkind in ('r', 'v', 'p') "
                    "and has_table_privilege('lapwing_index', oid, 'insert, update, delete')"
                )
            )
            .scalars()
            .all()
        )
    assert sorted(readable) == [
        "bank_changes",
        "bank_generation",
        "indicator_marks",
        "indicators",
        "lists",
    ]
    assert writable == []
    with database.index() as connection:
        for table in ("lists", "indicators", "indicator_marks"):
            owners = connection.execute(text(f"select organisation_id from {table}")).scalars()
            assert filled in set(owners)


def test_only_these_functions_step_over_the_wall_and_strangers_cannot_call_them(
    database: Database,
) -> None:
    with database.owner() as connection:
        found = connection.execute(
            text(
                "select proname, has_function_privilege('public', oid, 'execute'), "
                "has_function_privilege('lapwing_app', oid, 'execute'), proconfig "
                "from pg_proc where prosecdef and pronamespace = 'public'::regnamespace "
                "order by proname"
            )
        ).all()
    assert [tuple(row[:3]) for row in found] == [
        ("lapwing_clocks", False, True),
        ("lapwing_key_holder", False, True),
        ("lapwing_link_holder", False, True),
        ("lapwing_mark_change", False, False),
        ("lapwing_passkey_holder", False, True),
        ("lapwing_recovery_holder", False, True),
        ("lapwing_session_holder", False, True),
        ("lapwing_spent_link_holder", False, True),
        ("lapwing_totals", False, True),
    ]
    assert all("search_path=pg_catalog, public" in row[3] for row in found)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("ledger_events", "commitment"),
        ("ledger_heads", "root"),
        ("verdicts", "outcome"),
        ("findings", "score"),
        ("decisions", "actions"),
        ("passkeys", "public_key"),
        ("recovery_codes", "secret_hash"),
        ("confirmations", "data"),
        ("confirmations", "proposed_by"),
        ("opinions", "says"),
        ("quarantines", "facts"),
    ],
)
def test_what_was_recorded_cannot_be_rewritten(
    database: Database, filled: UUID, table: str, column: str
) -> None:
    def rewrite(statement: str) -> None:
        with database.organisation(filled) as connection:
            connection.execute(text(statement))

    with pytest.raises(ProgrammingError, match="permission denied"):
        rewrite(f"update {table} set {column} = {column}")
    with pytest.raises(ProgrammingError, match="permission denied"):
        rewrite(f"delete from {table}")
