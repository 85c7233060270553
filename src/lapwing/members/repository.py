"""SQL of this room. Every function works inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, column, func, insert, select, table, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from lapwing.members.tables import (
    api_keys,
    member_sessions,
    members,
    organisations,
    sign_in_links,
)
from lapwing.model.organisations import ApiKey, Member, Organisation, OrganisationKind, Role, Scope
from lapwing.model.permissions import Permission

_lists = table("lists", column("id"))


def add_organisation(connection: Connection, organisation: Organisation) -> bool:
    """False where the name is taken."""
    statement = upsert(organisations).values(
        id=organisation.id,
        name=organisation.name,
        kind=organisation.kind.value,
        country=organisation.country,
        keep_content=organisation.keep_content,
        keep_days=organisation.keep_days,
        scan_private=organisation.scan_private,
        media_hosts=list(organisation.media_hosts),
        created_at=organisation.created_at,
    )
    done = connection.execute(
        statement.on_conflict_do_nothing(index_elements=["name"]).returning(organisations.c.id)
    )
    return done.first() is not None


def organisation(
    connection: Connection, identity: UUID, *, lock: bool = False
) -> Organisation | None:
    statement = select(organisations).where(organisations.c.id == identity)
    row = connection.execute(statement.with_for_update() if lock else statement).mappings().first()
    return None if row is None else _organisation(row)


def organisation_named(connection: Connection, name: str) -> Organisation | None:
    row = connection.execute(select(organisations).where(organisations.c.name == name))
    found = row.mappings().first()
    return None if found is None else _organisation(found)


def all_organisations(connection: Connection) -> list[Organisation]:
    """Every row the transaction's role sees, oldest first."""
    rows = connection.execute(select(organisations).order_by(organisations.c.created_at))
    return [_organisation(row) for row in rows.mappings()]


def change_organisation(connection: Connection, changed: Organisation) -> bool:
    """False where the name is taken."""
    try:
        with connection.begin_nested():
            done = connection.execute(
                update(organisations)
                .where(organisations.c.id == changed.id)
                .values(
                    name=changed.name,
                    kind=changed.kind.value,
                    country=changed.country,
                    keep_content=changed.keep_content,
                    keep_days=changed.keep_days,
                    scan_private=changed.scan_private,
                    media_hosts=list(changed.media_hosts),
                    fallback_member=changed.fallback_member,
                )
            )
    except IntegrityError:
        return False
    return done.rowcount == 1


def add_member(connection: Connection, member: Member) -> bool:
    """False where the name is taken."""
    statement = upsert(members).values(
        organisation_id=member.organisation,
        id=member.id,
        name=member.name,
        role=member.role.value,
        created_at=member.created_at,
    )
    done = connection.execute(
        statement.on_conflict_do_nothing(index_elements=["organisation_id", "name"]).returning(
            members.c.id
        )
    )
    return done.first() is not None


def member(connection: Connection, identity: UUID) -> Member | None:
    """A member who has not been disabled."""
    return _one_member(connection, members.c.id == identity)


def member_named(connection: Connection, name: str) -> Member | None:
    """A member who has not been disabled."""
    return _one_member(connection, members.c.name == name)


def _one_member(connection: Connection, condition: Any) -> Member | None:
    statement = select(members).where(condition, members.c.disabled_at.is_(None))
    row = connection.execute(statement).mappings().first()
    return None if row is None else member_of_row(row)


def all_members(connection: Connection) -> list[Member]:
    rows = connection.execute(
        select(members).where(members.c.disabled_at.is_(None)).order_by(members.c.created_at)
    )
    return [member_of_row(row) for row in rows.mappings()]


def member_names(connection: Connection) -> dict[UUID, str]:
    """Names of all members, of disabled ones too: what they did is still theirs."""
    rows = connection.execute(select(members.c.id, members.c.name))
    return {UUID(str(identity)): str(name) for identity, name in rows}


def lock_members(connection: Connection) -> None:
    """Until the transaction ends nobody else changes who may do what in this organisation."""
    connection.execute(select(organisations.c.id).with_for_update())


def permit_member(connection: Connection, changed: Member) -> None:
    connection.execute(
        update(members)
        .where(members.c.id == changed.id)
        .values(
            role=changed.role.value,
            granted=[one.value for one in changed.granted],
            denied=[one.value for one in changed.denied],
        )
    )


def disable_member(connection: Connection, identity: UUID, at: datetime) -> bool:
    """Close the door behind a member: no session and no unused link outlives this."""
    done = connection.execute(
        update(members)
        .where(members.c.id == identity, members.c.disabled_at.is_(None))
        .values(disabled_at=at)
    )
    connection.execute(
        update(member_sessions)
        .where(member_sessions.c.member_id == identity, member_sessions.c.ended_at.is_(None))
        .values(ended_at=at)
    )
    connection.execute(
        update(sign_in_links)
        .where(sign_in_links.c.member_id == identity, sign_in_links.c.used_at.is_(None))
        .values(used_at=at)
    )
    return done.rowcount == 1


def key_holder(connection: Connection, secret: bytes) -> UUID | None:
    """The organisation of an API key that is not revoked. Works before the caller is known."""
    return _holder(connection, func.lapwing_key_holder(secret))


def _holder(connection: Connection, look_up: Any) -> UUID | None:
    found = look_up.table_valued(column("organisation_id"))
    row = connection.execute(select(found.c.organisation_id)).first()
    return None if row is None else UUID(str(row[0]))


def add_key(connection: Connection, key: ApiKey, secret: bytes, created_by: str) -> None:
    connection.execute(
        insert(api_keys).values(
            organisation_id=key.organisation,
            id=key.id,
            name=key.name,
            secret_hash=secret,
            scopes=[scope.value for scope in key.scopes],
            lists=list(key.lists),
            created_by=created_by,
            created_at=key.created_at,
            per_minute=key.per_minute,
        )
    )


def key_of_secret(connection: Connection, secret: bytes) -> ApiKey | None:
    row = connection.execute(
        select(api_keys).where(api_keys.c.secret_hash == secret, api_keys.c.revoked_at.is_(None))
    )
    found = row.mappings().first()
    return None if found is None else _key(found)


def see_key(connection: Connection, key: UUID, now: datetime) -> None:
    """Note that a key is in use."""
    connection.execute(update(api_keys).where(api_keys.c.id == key).values(last_used_at=now))


def all_keys(connection: Connection) -> list[ApiKey]:
    """Revoked ones too, oldest first."""
    rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id))
    return [_key(row) for row in rows.mappings()]


def revoke_key(connection: Connection, identity: UUID, at: datetime) -> ApiKey | None:
    """The key as revoked; None where there is none or it was revoked before."""
    row = connection.execute(
        update(api_keys)
        .where(api_keys.c.id == identity, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(api_keys)
    )
    found = row.mappings().first()
    return None if found is None else _key(found)


def known_lists(connection: Connection, wanted: Iterable[UUID]) -> frozenset[UUID]:
    """Which of these lists the organisation has."""
    rows = connection.execute(select(_lists.c.id).where(_lists.c.id.in_(list(wanted))))
    return frozenset(UUID(str(row[0])) for row in rows)


def _organisation(row: RowMapping) -> Organisation:
    return Organisation(
        id=row["id"],
        name=row["name"],
        kind=OrganisationKind(row["kind"]),
        country=row["country"],
        created_at=row["created_at"],
        keep_content=row["keep_content"],
        keep_days=row["keep_days"],
        scan_private=row["scan_private"],
        media_hosts=tuple(row["media_hosts"]),
        fallback_member=row["fallback_member"],
    )


def member_of_row(row: RowMapping) -> Member:
    return Member(
        id=row["id"],
        organisation=row["organisation_id"],
        name=row["name"],
        role=Role(row["role"]),
        created_at=row["created_at"],
        granted=tuple(Permission(one) for one in row["granted"]),
        denied=tuple(Permission(one) for one in row["denied"]),
    )


def _key(row: RowMapping) -> ApiKey:
    return ApiKey(
        id=row["id"],
        organisation=row["organisation_id"],
        name=row["name"],
        scopes=tuple(Scope(scope) for scope in row["scopes"]),
        lists=tuple(row["lists"]),
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
        per_minute=row["per_minute"],
    )
