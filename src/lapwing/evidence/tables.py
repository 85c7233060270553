"""The tables of this room; made by the store's migrations."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects import postgresql

from lapwing.store.schema import metadata, moment, tenant

ledger_events = Table(
    "ledger_events",
    metadata,
    tenant(),
    Column("position", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    moment("at"),
    Column("subject", Text, nullable=False),
    Column("case_id", postgresql.UUID(as_uuid=True)),
    Column("salt", LargeBinary),
    Column("body", LargeBinary),
    Column("commitment", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organisation_id", "position"),
)

ledger_tiles = Table(
    "ledger_tiles",
    metadata,
    tenant(),
    Column("level", SmallInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organisation_id", "level", "number"),
)

ledger_heads = Table(
    "ledger_heads",
    metadata,
    tenant(),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    moment("at"),
    Column("key_id", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organisation_id", "size"),
)

ledger_stamps = Table(
    "ledger_stamps",
    metadata,
    tenant(),
    Column("size", BigInteger, nullable=False),
    moment("at"),
    Column("authority", Text, nullable=False),
    Column("response", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organisation_id", "size"),
)

vault_objects = Table(
    "vault_objects",
    metadata,
    tenant(),
    Column("id", postgresql.UUID(as_uuid=True), primary_key=True),
    Column("case_id", postgresql.UUID(as_uuid=True), nullable=False),
    Column("item_id", postgresql.UUID(as_uuid=True), nullable=False),
    Column("role", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("mime", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("path", Text, nullable=False),
    Column("cover_path", Text),
    Column("basis", Text, nullable=False),
    moment("kept_at"),
    moment("delete_at"),
    moment("deleted_at", nullable=True),
    Column("legal_hold", Text),
)

vault_uncovers = Table(
    "vault_uncovers",
    metadata,
    tenant(),
    Column("id", postgresql.UUID(as_uuid=True), primary_key=True),
    Column("object_id", postgresql.UUID(as_uuid=True), nullable=False),
    Column("member_id", postgresql.UUID(as_uuid=True), nullable=False),
    moment("at"),
    moment("expires_at"),
    Column("served", Integer, nullable=False),
)
