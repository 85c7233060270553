"""What the rooms' `tables.py` share: one MetaData and the column shapes used everywhere.

The tables themselves are made by `migrations/`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import Column, DateTime, MetaData
from sqlalchemy.dialects import postgresql

metadata = MetaData()


def tenant() -> Column[object]:
    """The organisation that a row belongs to; row-level security compares it."""
    return Column("organisation_id", postgresql.UUID(as_uuid=True), nullable=False)


def moment(name: str, *, nullable: bool = False) -> Column[object]:
    """An aware UTC timestamp column."""
    return Column(name, DateTime(timezone=True), nullable=nullable)
