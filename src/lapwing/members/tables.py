"""The tables of this room, as the migrations make them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY

from lapwing.store.schema import metadata, moment, tenant

organisations = Table(
    "organisations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("keep_content", Text),
    Column("keep_days", Integer),
    Column("scan_private", Text),
    Column("media_hosts", ARRAY(Text), nullable=False),
    moment("created_at"),
    Column("fallback_member", Uuid),
)

members = Table(
    "members",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    moment("created_at"),
    moment("disabled_at", nullable=True),
    Column("granted", ARRAY(Text), nullable=False),
    Column("denied", ARRAY(Text), nullable=False),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    tenant(),
    Column("member_id", Uuid, nullable=False),
    moment("created_at"),
    moment("expires_at"),
    moment("used_at", nullable=True),
    Column("made_by", Uuid),
)

member_sessions = Table(
    "member_sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    tenant(),
    Column("member_id", Uuid, nullable=False),
    moment("created_at"),
    moment("expires_at"),
    moment("ended_at", nullable=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("name", Text),
    Column("via", Text, nullable=False),
    moment("last_seen_at", nullable=True),
    moment("stepped_up_at", nullable=True),
    Column("let_in_by", Uuid),
)

api_keys = Table(
    "api_keys",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("lists", ARRAY(Uuid), nullable=False),
    Column("created_by", Text, nullable=False),
    moment("created_at"),
    moment("revoked_at", nullable=True),
    moment("last_used_at", nullable=True),
    Column("per_minute", Integer),
)

passkeys = Table(
    "passkeys",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True),
    Column("member_id", Uuid, nullable=False),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("transports", ARRAY(Text), nullable=False),
    Column("backed_up", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    moment("created_at"),
    moment("last_used_at", nullable=True),
    moment("removed_at", nullable=True),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    tenant(),
    Column("selector", Text, primary_key=True),
    Column("member_id", Uuid, nullable=False),
    Column("secret_hash", Text, nullable=False),
    moment("created_at"),
    moment("used_at", nullable=True),
    moment("replaced_at", nullable=True),
    Column("failures", Integer, nullable=False),
    moment("next_try_at", nullable=True),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    tenant(),
    Column("member_id", Uuid, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    moment("last_at"),
)

challenges = Table(
    "challenges",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    moment("expires_at"),
)

rate_buckets = Table(
    "rate_buckets",
    metadata,
    Column("name", LargeBinary, primary_key=True),
    Column("level", Double, nullable=False),
    moment("at"),
)
