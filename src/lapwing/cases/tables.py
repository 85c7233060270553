"""The tables of this room. Rows are written here only; a ledger event goes with every change."""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from lapwing.store.schema import metadata, moment, tenant


def _of_case() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["organisation_id", "case_id"], ["cases.organisation_id", "cases.id"]
    )


cases = Table(
    "cases",
    metadata,
    Column("organisation_id", Uuid, ForeignKey("organisations.id"), nullable=False),
    Column("id", Uuid, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("priority", REAL, nullable=False),
    Column("title", Text, nullable=False),
    moment("opened_at"),
    moment("updated_at"),
    moment("due_at", nullable=True),
    moment("danger_at", nullable=True),
    Column("danger_why", Text),
    Column("claimed_by", Uuid),
    moment("claimed_at", nullable=True),
    Column("outcome", Text),
    moment("appealed_at", nullable=True),
    UniqueConstraint("organisation_id", "id"),
    UniqueConstraint("organisation_id", "number"),
    ForeignKeyConstraint(
        ["organisation_id", "claimed_by"], ["members.organisation_id", "members.id"]
    ),
    Index("cases_queue", "organisation_id", "state", text("priority desc"), "opened_at"),
)

case_subjects = Table(
    "case_subjects",
    metadata,
    tenant(),
    Column("case_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("open", Boolean, nullable=False, server_default=text("true")),
    _of_case(),
    Index(
        "case_subjects_open",
        "organisation_id",
        "kind",
        "value",
        unique=True,
        postgresql_where=text("open"),
    ),
    Index("case_subjects_subject", "organisation_id", "kind", "value"),
)

case_items = Table(
    "case_items",
    metadata,
    tenant(),
    Column("case_id", Uuid, primary_key=True),
    Column("item_id", Uuid, primary_key=True),
    moment("added_at"),
    _of_case(),
    Index("case_items_item", "item_id"),
)

verdicts = Table(
    "verdicts",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, CheckConstraint("length(trim(reason)) > 0"), nullable=False),
    moment("at"),
    _of_case(),
    ForeignKeyConstraint(
        ["organisation_id", "member_id"], ["members.organisation_id", "members.id"]
    ),
    Index("verdicts_case", "case_id"),
)
