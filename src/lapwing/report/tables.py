"""The tables of this room, as the store's migrations make them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text, Uuid

from lapwing.store.schema import metadata, moment, tenant

reports = Table(
    "reports",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("verdict_id", Uuid, nullable=False),
    Column("authority", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("drafted_by", Uuid, nullable=False),
    moment("drafted_at"),
    Column("typed", LargeBinary),
    Column("confirmed_by", Uuid),
    moment("confirmed_at", nullable=True),
    Column("document", LargeBinary),
    Column("endpoint", Text),
    Column("remote_id", BigInteger),
    Column("run", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    moment("next_attempt_at", nullable=True),
    moment("finishing_at", nullable=True),
    Column("last_answer", Text),
    Column("request_id", Text),
    moment("filed_at", nullable=True),
    Column("receipt", LargeBinary),
    Column("withdrawn_by", Uuid),
    moment("withdrawn_at", nullable=True),
    Column("why", Text),
    moment("keep_until", nullable=True),
    moment("erased_at", nullable=True),
)

report_files = Table(
    "report_files",
    metadata,
    tenant(),
    Column("report_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("object_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("remote_file_id", Text),
)
