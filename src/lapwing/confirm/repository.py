"""SQL of this room. Every function works inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from msgspec.structs import asdict
from sqlalchemy import Connection, RowMapping, insert, select, update

from lapwing.confirm.records import Confirmation
from lapwing.confirm.tables import confirmations


def add(connection: Connection, made: Confirmation) -> None:
    values = asdict(made)
    values["organisation_id"] = values.pop("organisation")
    connection.execute(insert(confirmations).values(values))


def one(connection: Connection, identity: UUID, *, lock: bool = False) -> Confirmation | None:
    """Locked, whoever answers at the same time waits for the end of this transaction."""
    statement = select(confirmations).where(confirmations.c.id == identity)
    row = connection.execute(statement.with_for_update() if lock else statement)
    found = row.mappings().first()
    return None if found is None else _confirmation(found)


def answer(
    connection: Connection,
    identity: UUID,
    how: str,
    member: UUID,
    at: datetime,
    why: str | None = None,
) -> Confirmation:
    """Write an answer into a row that the caller has locked; `how` is confirmed, refused or
    withdrawn."""
    values: dict[str, object] = {f"{how}_by": member, f"{how}_at": at}
    if why is not None:
        values["why"] = why
    row = connection.execute(
        update(confirmations)
        .where(confirmations.c.id == identity)
        .values(values)
        .returning(confirmations)
    )
    return _confirmation(row.mappings().one())


def waiting(connection: Connection, now: datetime) -> list[Confirmation]:
    """Proposals that wait for a second member, those that lapse first first."""
    rows = connection.execute(
        select(confirmations)
        .where(
            confirmations.c.confirmed_at.is_(None),
            confirmations.c.refused_at.is_(None),
            confirmations.c.withdrawn_at.is_(None),
            confirmations.c.expires_at > now,
        )
        .order_by(confirmations.c.expires_at, confirmations.c.id)
    )
    return [_confirmation(row) for row in rows.mappings()]


def latest(connection: Connection, limit: int) -> list[Confirmation]:
    """Of every state, newest first."""
    rows = connection.execute(
        select(confirmations)
        .order_by(confirmations.c.proposed_at.desc(), confirmations.c.id.desc())
        .limit(limit)
    )
    return [_confirmation(row) for row in rows.mappings()]


def standing(
    connection: Connection, kind: str, subjects: Collection[str]
) -> dict[str, Confirmation]:
    """The newest confirmation of each subject that was confirmed and not withdrawn."""
    rows = connection.execute(
        select(confirmations)
        .where(
            confirmations.c.kind == kind,
            confirmations.c.subject.in_(list(subjects)),
            confirmations.c.confirmed_at.is_not(None),
            confirmations.c.withdrawn_at.is_(None),
        )
        .order_by(confirmations.c.confirmed_at)
    )
    return {row["subject"]: _confirmation(row) for row in rows.mappings()}


def _confirmation(row: RowMapping) -> Confirmation:
    values = dict(row)
    values["organisation"] = values.pop("organisation_id")
    return Confirmation(**values)
