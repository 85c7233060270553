"""The database: engines for its three roles, and transactions scoped to one organisation.

Roles: the *owner* migrates and does nothing else; `lapwing_app` does the work behind row-level
security; `lapwing_index` reads lists and indicators of all organisations for the node's index.
Nothing here knows what the tables mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, TimeoutError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from lapwing.model.errors import InvalidInput, Unavailable
from lapwing.store.migrations.upgrade import bring_up_to_date
from lapwing.store.roles import APP_ROLE, INDEX_ROLE, make_roles

__all__ = ["APP_ROLE", "INDEX_ROLE", "Database", "note"]

_OUT_OF_ORDER = ("53", "57P", "58")
"""SQLSTATE classes of a server that lacks something (disk, memory, connections), is going down, or
cannot read its disk (PostgreSQL's documentation, appendix A)."""

# The role again for each transaction: one that code has reset must not outlive its transaction.
_SCOPE = text(
    f"select set_config('role', '{APP_ROLE}', true), "
    "set_config('lapwing.organisation', :organisation, true)"
)


_NOTE = "lapwing.note"


def note(connection: Connection, number: int) -> None:
    """Let those who `Database.hear` know this number once the transaction has committed.

    A later note of the same transaction takes its place.
    """
    connection.info[_NOTE] = number


class Database:
    """Engines over one PostgreSQL database. Safe to share between threads, not across forks.

    A pooler in front must keep sessions (not transactions) together. Errors leave out the
    parameters that were sent. Raises InvalidInput when the URL is not one of PostgreSQL.
    """

    def __init__(self, url: str | URL, *, pool_size: int = 8) -> None:
        self.url = _with_driver(url)
        self._owner = self._engine(pool_size=1, max_overflow=2)
        self._app = self._engine_as(APP_ROLE, pool_size)
        self._index = self._engine_as(INDEX_ROLE, 1)
        self._hearers: list[Callable[[int], None]] = []

    def migrate(self) -> None:
        """Bring the schema to the newest revision; waits while another process does the same.

        Raises Unavailable when the server is too old, its user may not do this, or the schema was
        made by a newer Lapwing.
        """
        with self._reach(self._owner) as connection:
            bring_up_to_date(connection)

    def make_roles(self) -> None:
        """Make the roles that tables grant to, and no table. Raises Unavailable."""
        with self._reach(self._owner) as connection:
            make_roles(connection)

    @contextmanager
    def organisation(self, organisation: UUID) -> Iterator[Connection]:
        """One transaction that sees and writes rows of this organisation only."""
        with self._reach(self._app) as connection:
            connection.info.pop(_NOTE, None)
            with connection.begin():
                connection.execute(_SCOPE, {"organisation": str(organisation)})
                yield connection
            noted = connection.info.pop(_NOTE, None)
            if noted is not None:
                for hear in self._hearers:
                    hear(noted)

    def hear(self, hearer: Callable[[int], None]) -> None:
        """Call this with what an `organisation` transaction noted, after it has committed and
        before its caller goes on."""
        self._hearers.append(hearer)

    @contextmanager
    def anyone(self) -> Iterator[Connection]:
        """One transaction before the caller is known: sees no tenant row at all."""
        with self._reach(self._app) as connection, connection.begin():
            connection.execute(_SCOPE, {"organisation": ""})
            yield connection

    @contextmanager
    def index(self) -> Iterator[Connection]:
        """One transaction that may only read lists and indicators, of every organisation."""
        with self._reach(self._index) as connection, connection.begin():
            yield connection

    @contextmanager
    def listening(self, channel: str) -> Iterator[psycopg.Connection[Any]]:
        """A connection of its own that hears `channel`, in autocommit, as the index's role.

        Raises Unavailable when the server does not answer, or has gone silent for seconds.
        """
        url = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            with psycopg.connect(
                url,
                autocommit=True,
                connect_timeout=5,
                tcp_user_timeout=3000,
                application_name="lapwing",
            ) as connection:
                connection.execute(f"set role {INDEX_ROLE}")
                connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                yield connection
        except psycopg.OperationalError as error:
            raise Unavailable(f"the database does not answer: {_first_line(error)}") from error

    @contextmanager
    def owner(self) -> Iterator[Connection]:
        """One transaction as the owner: for migrations, doctor and tests, never for a request."""
        with self._reach(self._owner) as connection, connection.begin():
            yield connection

    def server_version(self) -> int:
        """The server's major version."""
        with self._reach(self._owner) as connection:
            number = connection.execute(text("show server_version_num")).scalar_one()
            return int(number) // 10000

    def connections(self) -> tuple[int, int]:
        """How many connections of the work's pool are in use, and how many rest."""
        pool = self._app.pool
        return (pool.checkedout(), pool.checkedin()) if isinstance(pool, QueuePool) else (0, 0)

    def close(self) -> None:
        for engine in (self._app, self._index, self._owner):
            engine.dispose()

    def _engine(self, *, pool_size: int, max_overflow: int) -> Engine:
        return create_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": 10, "application_name": "lapwing"},
        )

    def _engine_as(self, role: str, pool_size: int) -> Engine:
        engine = self._engine(pool_size=pool_size, max_overflow=4)

        def take_role(connection: Any, record: ConnectionPoolEntry) -> None:
            # In autocommit: set inside a transaction, the pool's rollback would undo it.
            previous = connection.autocommit
            connection.autocommit = True
            connection.execute(f"set role {role}")
            connection.autocommit = previous

        event.listen(engine, "connect", take_role)
        return engine

    @contextmanager
    def _reach(self, engine: Engine) -> Iterator[Connection]:
        try:
            connection = engine.connect()
        except (OperationalError, TimeoutError) as error:
            raise Unavailable(f"the database does not answer: {_first_line(error)}") from error
        with connection:
            try:
                yield connection
            except (DBAPIError, psycopg.Error) as error:
                # What jobs write goes around SQLAlchemy, and so do its errors.
                raw = error.orig if isinstance(error, DBAPIError) else error
                if _is_gone(connection, error):
                    raise Unavailable(f"the database went away: {_first_line(error)}") from error
                code = getattr(raw, "sqlstate", None) or ""
                if code.startswith(_OUT_OF_ORDER):
                    raise Unavailable(f"the database cannot go on (SQLSTATE {code})") from error
                raise


def _with_driver(url: str | URL) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidInput(
            "not a database URL; it looks like postgresql://user:password@host/database",
            field="database_url",
        ) from None
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise InvalidInput(
            f"only PostgreSQL is supported, not {parsed.get_backend_name()!r}", field="database_url"
        )
    return parsed.set(drivername="postgresql+psycopg")


def _is_gone(connection: Connection, error: DBAPIError | psycopg.Error) -> bool:
    if isinstance(error, DBAPIError):
        return error.connection_invalidated
    raw = connection.connection.driver_connection
    if isinstance(raw, psycopg.Connection) and raw.closed:
        connection.invalidate(error)
        return True
    return False


def _first_line(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return (str(cause).splitlines() or [type(cause).__name__])[0]
