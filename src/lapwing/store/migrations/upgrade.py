"""Bringing a database to this Lapwing's schema, once, whoever else tries at the same time."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from lapwing.model.errors import Unavailable
from lapwing.store.roles import ROLES, make_roles

OLDEST_SERVER = 150000

_LOCK = text("select pg_advisory_lock(:key)")
_UNLOCK = text("select pg_advisory_unlock(:key)")
_KEY = {"key": 0x6C617077696E67}  # "lapwing"


def bring_up_to_date(connection: Connection) -> None:
    """Migrate as the connected owner. Each revision is one transaction: whole or not at all.

    Raises Unavailable when the server or its user cannot serve, or a newer Lapwing was here.
    """
    _check_server(connection)
    connection.execute(_LOCK, _KEY)
    connection.commit()
    try:
        make_roles(connection)
        _upgrade(connection)
    finally:
        # After an error the transaction is dead, and only a session that is gone frees the lock.
        if not connection.invalidated:
            connection.rollback()
            connection.execute(_UNLOCK, _KEY)
            connection.commit()


def newest_revision() -> str | None:
    """The revision that this Lapwing's tables have."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def knows(revision: str) -> bool:
    """Whether this Lapwing has that revision, so that it can bring such tables up to date."""
    found = ScriptDirectory.from_config(_config()).walk_revisions()
    return any(one.revision == revision for one in found)


def _config() -> Config:
    config = Config()
    folder = str(Path(__file__).parent)
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    try:
        for role in ROLES:
            connection.execute(text(f"grant usage on schema public to {role}"))
        command.upgrade(config, "head")
        connection.commit()
    except CommandError as error:
        if not isinstance(error.__cause__, ResolutionError):
            raise
        raise Unavailable(
            "the database was migrated by a newer Lapwing; use that one, or restore a backup"
        ) from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != "42501":  # insufficient_privilege
            raise
        raise Unavailable(
            f"the database user may not make Lapwing's tables ({error.orig}); "
            "it must own the database"
        ) from error


def _check_server(connection: Connection) -> None:
    version, encoding = connection.execute(
        text(
            "select current_setting('server_version_num')::int, current_setting('server_encoding')"
        )
    ).one()
    connection.rollback()
    if version < OLDEST_SERVER:
        raise Unavailable(f"PostgreSQL {version // 10000} is too old; Lapwing needs 15 or newer")
    if encoding != "UTF8":
        raise Unavailable(f"the database's encoding is {encoding}; Lapwing needs UTF8")
