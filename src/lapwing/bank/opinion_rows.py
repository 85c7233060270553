"""The SQL of opinions. Row-level security decides which rows there are; no rule lives here."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from lapwing.bank.opinion_records import Opinion, Says
from lapwing.bank.tables import opinions


def add(connection: Connection, organisation: UUID, given: Opinion) -> None:
    connection.execute(
        insert(opinions).values(
            organisation_id=organisation,
            id=given.id,
            indicator_id=given.indicator,
            says=given.says.value,
            partner=given.partner,
            member_id=given.member,
            trusted=given.trusted,
            why=given.why,
            at=given.at,
        )
    )


def opinions_of(connection: Connection, indicator: int) -> list[Opinion]:
    """Retracted ones too, oldest first."""
    rows = connection.execute(
        select(opinions)
        .where(opinions.c.indicator_id == indicator)
        .order_by(opinions.c.at, opinions.c.id)
    )
    return [_opinion(row) for row in rows]


def standing_of(
    connection: Connection, indicator: int, member: UUID, partner: str | None
) -> Opinion | None:
    """What this voice says now: the partner's, or the member's own."""
    query = select(opinions).where(
        opinions.c.indicator_id == indicator, opinions.c.retracted_at.is_(None)
    )
    if partner is None:
        query = query.where(opinions.c.partner.is_(None), opinions.c.member_id == member)
    else:
        query = query.where(opinions.c.partner == partner)
    row = connection.execute(query).first()
    return _opinion(row) if row else None


def one(connection: Connection, identity: UUID) -> Opinion | None:
    row = connection.execute(select(opinions).where(opinions.c.id == identity)).first()
    return _opinion(row) if row else None


def retract(connection: Connection, identity: UUID, member: UUID, why: str, at: datetime) -> None:
    connection.execute(
        update(opinions)
        .where(opinions.c.id == identity, opinions.c.retracted_at.is_(None))
        .values(retracted_by=member, retracted_at=at, retracted_why=why)
    )


def _opinion(row: Row[Any]) -> Opinion:
    values = dict(row._mapping)
    del values["organisation_id"]
    return Opinion(
        indicator=values.pop("indicator_id"),
        member=values.pop("member_id"),
        says=Says(values.pop("says")),
        **values,
    )
