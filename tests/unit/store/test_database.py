"""Connections, scopes and migrations."""

from __future__ import annotations

import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from lapwing.model.errors import InvalidInput, Unavailable
from lapwing.store.database import Database

SCOPE = text("select current_user, current_setting('lapwing.organisation', true)")
MIGRATE = "import sys; from lapwing.store.database import Database; Database(sys.argv[1]).migrate()"


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def test_a_scope_is_one_role_and_one_organisation(database: Database, organisation: UUID) -> None:
    with database.organisation(organisation) as connection:
        assert connection.execute(SCOPE).one() == ("lapwing_app", str(organisation))
    with database.anyone() as connection:
        assert connection.execute(SCOPE).one() == ("lapwing_app", "")
    with database.index() as connection:
        assert connection.execute(SCOPE).one()[0] == "lapwing_index"


def test_no_scope_outlives_its_transaction_in_a_reused_connection(
    empty_database: str, organisation: UUID
) -> None:
    database = Database(empty_database, pool_size=1)
    database.migrate()
    sessions = set()
    with database.organisation(organisation) as connection:
        sessions.add(connection.execute(text("select pg_backend_pid()")).scalar_one())
        connection.rollback()
    with database.organisation(organisation) as connection:
        connection.execute(text("reset role"))
    with database.anyone() as connection:
        assert connection.execute(SCOPE).one() == ("lapwing_app", "")
        sessions.add(connection.execute(text("select pg_backend_pid()")).scalar_one())
    database.close()
    assert len(sessions) == 1


def test_migrating_again_changes_nothing(empty_database: str) -> None:
    database = Database(empty_database)
    database.migrate()
    with database.owner() as connection:
        before = connection.execute(text("select oid from pg_class order by oid")).scalars().all()
    database.migrate()
    with database.owner() as connection:
        after = connection.execute(text("select oid from pg_class order by oid")).scalars().all()
    database.close()
    assert before == after


def test_processes_that_migrate_at_once_wait_for_each_other(empty_database: str) -> None:
    migrating = [
        subprocess.Popen([sys.executable, "-c", MIGRATE, empty_database], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    told = [process.communicate(timeout=120)[1].decode() for process in migrating]
    assert [process.returncode for process in migrating] == [0, 0, 0], told
    with psycopg.connect(plain(empty_database)) as connection:
        assert connection.execute("select count(*) from alembic_version").fetchone() == (1,)


def test_a_migration_waits_for_one_that_is_under_way(empty_database: str) -> None:
    database = Database(empty_database)
    with psycopg.connect(plain(empty_database)) as busy:
        busy.execute("select pg_advisory_lock(%s)", [0x6C617077696E67])
        migration = threading.Thread(target=database.migrate)
        migration.start()
        migration.join(0.5)
        assert migration.is_alive()
        assert busy.execute("select to_regclass('public.organisations')").fetchone() == (None,)
    migration.join(60)
    assert not migration.is_alive()
    with database.owner() as connection:
        assert connection.execute(text("select to_regclass('organisations')")).scalar_one()
    database.close()


def test_a_database_of_a_newer_lapwing_is_left_alone(empty_database: str) -> None:
    database = Database(empty_database)
    database.migrate()
    with database.owner() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(Unavailable, match="newer Lapwing"):
        database.migrate()
    database.close()


@pytest.fixture
def users(database_server: str) -> Iterator[str]:
    """A prefix for login roles and databases that are dropped afterwards."""
    prefix = f"lapwing_test_{secrets.token_hex(4)}"
    yield prefix
    with psycopg.connect(plain(database_server), autocommit=True) as connection:
        for kind, catalogue, name in (
            ("database", "pg_database", "datname"),
            ("role", "pg_roles", "rolname"),
        ):
            rows = connection.execute(
                f"select {name} from {catalogue} where {name} like %s", [prefix + "%"]
            ).fetchall()
            for (found,) in rows:
                connection.execute(f"drop {kind} {found}")


def as_user(server: str, users: str, options: str, *, owns: bool = True) -> str:
    """Make a login role (and a database, its own or not) and return its URL."""
    user, password = f"{users}_u", secrets.token_hex(8)
    with psycopg.connect(plain(server), autocommit=True) as connection:
        connection.execute(f"create role {user} login password '{password}' {options}")
        connection.execute(f"grant {user} to current_user")
        connection.execute(f"create database {users}_d" + (f" owner {user}" if owns else ""))
    url = make_url(server).set(username=user, password=password, database=f"{users}_d")
    return url.render_as_string(hide_password=False)


def test_an_owner_without_superuser_rights_can_migrate_and_work(
    database_server: str, users: str, database: Database, organisation: UUID
) -> None:
    """The roles exist already: another database of the server has made them."""
    url = as_user(database_server, users, "")
    with psycopg.connect(plain(database_server), autocommit=True) as connection:
        connection.execute(f"grant lapwing_app, lapwing_index to {users}_u")
    with_own = Database(url)
    with_own.migrate()
    with with_own.organisation(organisation) as connection:
        assert connection.execute(SCOPE).one() == ("lapwing_app", str(organisation))
    with with_own.index() as connection:
        assert connection.execute(text("select count(*) from lists")).scalar_one() == 0
    with_own.close()


def test_an_owner_that_may_not_become_the_roles_is_told_what_to_run(
    database_server: str, users: str, database: Database
) -> None:
    refused = Database(as_user(database_server, users, "nocreaterole"))
    with pytest.raises(Unavailable, match=rf"grant lapwing_app, lapwing_index to {users}_u"):
        refused.migrate()
    refused.close()


def test_a_user_that_does_not_own_the_database_is_told_so(
    database_server: str, users: str, database: Database
) -> None:
    url = as_user(database_server, users, "", owns=False)
    with psycopg.connect(plain(database_server), autocommit=True) as connection:
        connection.execute(f"grant lapwing_app, lapwing_index to {users}_u")
    refused = Database(url)
    with pytest.raises(Unavailable, match="must own the database"):
        refused.migrate()
    refused.close()


def test_a_database_that_is_not_utf8_is_refused(database_server: str, users: str) -> None:
    with psycopg.connect(plain(database_server), autocommit=True) as connection:
        connection.execute(
            f"create database {users}_l encoding 'LATIN1' locale 'C' template template0"
        )
    url = make_url(database_server).set(database=f"{users}_l")
    refused = Database(url)
    with pytest.raises(Unavailable, match="LATIN1"):
        refused.migrate()
    refused.close()


def test_a_database_that_does_not_answer_is_unavailable() -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(Unavailable, match="does not answer"), nowhere.anyone():
        pass


def test_a_session_that_is_cut_is_unavailable_and_the_next_works(empty_database: str) -> None:
    database = Database(empty_database, pool_size=1)
    database.migrate()

    def be_cut() -> None:
        with database.owner() as connection:
            pid = connection.execute(text("select pg_backend_pid()")).scalar_one()
            with psycopg.connect(plain(empty_database), autocommit=True) as other:
                other.execute("select pg_terminate_backend(%s)", [pid])
            connection.execute(text("select 1"))

    with pytest.raises(Unavailable, match="went away"):
        be_cut()
    with database.owner() as connection:
        assert connection.execute(text("select 1")).scalar_one() == 1
    database.close()


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://h/d", "not a url"])
def test_only_postgresql_is_a_database(url: str) -> None:
    with pytest.raises(InvalidInput):
        Database(url)


def test_an_error_leaves_out_the_parameters_that_were_sent(database: Database) -> None:
    def look_up() -> None:
        with database.anyone() as connection:
            connection.execute(text("select :value from nowhere"), {"value": "sent-value"})

    with pytest.raises(DBAPIError, match="nowhere") as error:
        look_up()
    assert "sent-value" not in str(error.value)


@pytest.mark.parametrize("sqlstate", ["53100", "53300", "57P03", "58030"])
def test_a_server_that_lacks_something_is_unavailable_whoever_asks(
    database: Database, sqlstate: str
) -> None:
    """Also where jobs are written, around SQLAlchemy."""
    statement = f"do $$ begin raise exception 'x' using errcode = '{sqlstate}'; end $$"
    with pytest.raises(Unavailable, match=sqlstate), database.anyone() as connection:
        connection.execute(text(statement))
    with pytest.raises(Unavailable, match=sqlstate), database.anyone() as connection:
        connection.connection.driver_connection.execute(statement)  # type: ignore[union-attr]


def test_a_connection_lost_around_sqlalchemy_is_unavailable_and_not_used_again(
    database: Database,
) -> None:
    end = "select pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(Unavailable), database.owner() as connection:
        connection.connection.driver_connection.execute(end)  # type: ignore[union-attr]
    with database.owner() as connection:
        assert connection.execute(text("select 1")).scalar_one() == 1
