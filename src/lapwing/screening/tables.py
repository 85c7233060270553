"""The tables of this room: what came in, what was found, what was decided. Rows never change."""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from lapwing.store.schema import metadata, moment


def _of_organisation() -> Column[object]:
    return Column("organisation_id", Uuid, ForeignKey("organisations.id"), nullable=False)


items = Table(
    "items",
    metadata,
    _of_organisation(),
    Column("id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    moment("at"),
    moment("received_at"),
    Column("account", Text),
    Column("facts", JSONB, nullable=False),
    UniqueConstraint("organisation_id", "source", "source_id"),
)

decisions = Table(
    "decisions",
    metadata,
    _of_organisation(),
    Column("id", Uuid, primary_key=True),
    Column("item_id", Uuid, nullable=False, unique=True),
    moment("at"),
    Column("actions", ARRAY(Text), nullable=False),
    Column("rules", ARRAY(Text), nullable=False),
    Column("why", ARRAY(Text), nullable=False),
    Column("pack", Text, nullable=False),
    Column("generation", BigInteger),
    Column("case_id", Uuid),
)

findings = Table(
    "findings",
    metadata,
    _of_organisation(),
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("item_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("family", Text, nullable=False),
    Column("score", REAL, nullable=False),
    Column("reasons", JSONB, nullable=False),
    Column("detector", Text, nullable=False),
    Column("version", Text, nullable=False),
    Index("findings_item", "item_id"),
)
