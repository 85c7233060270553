"""SQL of one-time sign-in links. Every function works inside the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, column, func, insert, select, update

from lapwing.members.tables import sign_in_links
from lapwing.model.organisations import Member


class UsedLink(Struct, frozen=True, kw_only=True):
    """`made_by` is the member who asked for the link, None the machine's operator."""

    member: UUID
    made_by: UUID | None


def add_link(
    connection: Connection,
    member: Member,
    token: bytes,
    at: datetime,
    expires_at: datetime,
    *,
    made_by: UUID | None = None,
) -> None:
    connection.execute(
        insert(sign_in_links).values(
            token_hash=token,
            organisation_id=member.organisation,
            member_id=member.id,
            created_at=at,
            expires_at=expires_at,
            made_by=made_by,
        )
    )


def link_holder(connection: Connection, token: bytes, now: datetime) -> UUID | None:
    """The organisation of an unused, unexpired link. Works before the caller is known."""
    found = func.lapwing_link_holder(token, now).table_valued(column("organisation_id"))
    row = connection.execute(select(found.c.organisation_id)).first()
    return None if row is None else UUID(str(row[0]))


def spent_link_holder(connection: Connection, token: bytes) -> tuple[UUID, UUID] | None:
    """Organisation and member of a link that was used. Works before the caller is known."""
    found = func.lapwing_spent_link_holder(token).table_valued(
        column("organisation_id"), column("member_id")
    )
    row = connection.execute(select(found.c.organisation_id, found.c.member_id)).first()
    return None if row is None else (UUID(str(row[0])), UUID(str(row[1])))


def use_link(connection: Connection, token: bytes, now: datetime) -> UsedLink | None:
    """Use a link up; None for all but the first of any who try at once."""
    row = connection.execute(
        update(sign_in_links)
        .where(
            sign_in_links.c.token_hash == token,
            sign_in_links.c.used_at.is_(None),
            sign_in_links.c.expires_at > now,
        )
        .values(used_at=now)
        .returning(sign_in_links.c.member_id, sign_in_links.c.made_by)
    ).first()
    return None if row is None else UsedLink(member=row[0], made_by=row[1])
