"""The table of this room, as the migration makes it."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from lapwing.store.schema import metadata, moment, tenant

confirmations = Table(
    "confirmations",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("proposed_by", Uuid, nullable=False),
    moment("proposed_at"),
    moment("expires_at"),
    Column("confirmed_by", Uuid),
    moment("confirmed_at", nullable=True),
    Column("refused_by", Uuid),
    moment("refused_at", nullable=True),
    Column("withdrawn_by", Uuid),
    moment("withdrawn_at", nullable=True),
    Column("why", Text),
)
