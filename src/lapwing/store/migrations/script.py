"""How a migration runs SQL: as a script of many statements, in the migration's own transaction."""

from __future__ import annotations

import psycopg
from alembic import op


def run(script: str) -> None:
    """Run the statements; no parameters, so that a percent sign is only a percent sign."""
    raw = op.get_bind().connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError("migrations run through psycopg")
    raw.execute(script.encode())
