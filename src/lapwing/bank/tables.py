"""The tables of this room; made by the store's migrations."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Identity,
    Integer,
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
    Column("action", Text, nullable=False),
    moment("changed_at", nullable=True),
)

bank_generation = Table(
    "bank_generation",
    metadata,
    Column("only_row", Boolean, primary_key=True),
    Column("generation", BigInteger, nullable=False),
)

bank_changes = Table(
    "bank_changes",
    metadata,
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("mark", postgresql.UUID(as_uuid=True), nullable=False),
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
    Column("media", BigInteger),
    moment("dated", nullable=True),
)

indicator_marks = Table(
    "indicator_marks",
    metadata,
    Column("organisation_id", postgresql.UUID(as_uuid=True), primary_key=True),
    Column("indicator_id", BigInteger, primary_key=True, autoincrement=False),
    Column("marks", SmallInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),
)

opinions = Table(
    "opinions",
    metadata,
    tenant(),
    Column("id", postgresql.UUID(as_uuid=True), primary_key=True),
    Column("indicator_id", BigInteger, nullable=False),
    Column("says", Text, nullable=False),
    Column("partner", Text),
    Column("member_id", postgresql.UUID(as_uuid=True), nullable=False),
    Column("trusted", Boolean, nullable=False),
    Column("why", Text, nullable=False),
    moment("at"),
    moment("retracted_at", nullable=True),
    Column("retracted_by", postgresql.UUID(as_uuid=True)),
    Column("retracted_why", Text),
)

quarantines = Table(
    "quarantines",
    metadata,
    tenant(),
    Column("id", postgresql.UUID(as_uuid=True), primary_key=True),
    Column("indicator_id", BigInteger, nullable=False),
    Column("list_id", postgresql.UUID(as_uuid=True), nullable=False),
    Column("cause", Text, nullable=False),
    Column("facts", postgresql.JSONB, nullable=False),
    moment("opened_at"),
    Column("confirmed_by", postgresql.UUID(as_uuid=True)),
    moment("confirmed_at", nullable=True),
    Column("confirmed_why", Text),
    Column("released_by", postgresql.UUID(as_uuid=True)),
    moment("released_at", nullable=True),
    Column("released_why", Text),
)

match_history = Table(
    "match_history",
    metadata,
    Column("organisation_id", postgresql.UUID(as_uuid=True), primary_key=True),
    Column("list_id", postgresql.UUID(as_uuid=True), primary_key=True),
    Column("indicator_id", BigInteger, primary_key=True, autoincrement=False),
    Column("hour", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("rate", Double, nullable=False),
    Column("hours", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("allowed", Double, nullable=False),
)

hosted_queries = Table(
    "hosted_queries",
    metadata,
    Column("organisation_id", postgresql.UUID(as_uuid=True), primary_key=True),
    Column("key_id", postgresql.UUID(as_uuid=True), primary_key=True),
    Column("code", postgresql.BIT(256), primary_key=True),
    Column("matched", Boolean, nullable=False),
    moment("at"),
)

hosted_findings = Table(
    "hosted_findings",
    metadata,
    tenant(),
    Column("id", postgresql.UUID(as_uuid=True), primary_key=True),
    Column("key_id", postgresql.UUID(as_uuid=True), nullable=False),
    Column("pattern", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("count", Integer, nullable=False),
    moment("first_at"),
    moment("last_at"),
    Column("seen_by", postgresql.UUID(as_uuid=True)),
    moment("seen_at", nullable=True),
    Column("seen_why", Text),
)
