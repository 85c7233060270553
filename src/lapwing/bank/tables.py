"""The tables of this room; made by the store's migrations."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects import postgresql

from lapwing.store.schema import metadata, moment, tenant

lists = Table(
    "lists",
    metadata,
    tenant(),
    Column("id", postgresql.UUID(as_uuid=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("known_distance", SmallInteger, nullable=False),
    Column("near_distance", SmallInteger, nullable=False),
    moment("valid_from", nullable=True),
    moment("valid_until", nullable=True),
    moment("created_at"),
)

bank_generation = Table(
    "bank_generation",
    metadata,
    Column("only_row", Boolean, primary_key=True),
    Column("generation", BigInteger, nullable=False),
)

indicators = Table(
    "indicators",
    metadata,
    tenant(),
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("list_id", postgresql.UUID(as_uuid=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("quality", SmallInteger),
    Column("category", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("basis", Text, nullable=False),
    moment("added_at"),
    moment("valid_from", nullable=True),
    moment("valid_until", nullable=True),
    moment("withdrawn_at", nullable=True),
    Column("withdrawn_why", Text),
    Column("generation", BigInteger, nullable=False),
)
