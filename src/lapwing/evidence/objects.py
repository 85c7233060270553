"""What the vault holds, as others may see it, and the SQL behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from lapwing.evidence.tables import vault_objects, vault_uncovers


class VaultRole(StrEnum):
    CONTENT = "content"
    IDENTITY = "identity"
    """The identity envelope that came beside an item."""


class VaultObject(Struct, frozen=True, kw_only=True):
    """A sealed object. `basis` is the law/ row that allows keeping it; `size` is in bytes.

    `sha256` is hex: of the content, or, for an identity envelope, of its sealed form, for a hash of
    a few personal words could be guessed.
    """

    id: UUID
    case: UUID
    item: UUID
    role: VaultRole
    mime: str
    size: int
    sha256: str
    basis: str
    kept_at: datetime
    delete_at: datetime
    deleted_at: datetime | None = None
    covered: bool = False
    """Whether there is a cover to show in its place."""
    legal_hold: str | None = None
    """Why it is not deleted although its time may be over."""


class Uncover(Struct, frozen=True, kw_only=True):
    """A member's press on "uncover": until `expires_at` that member may see the clear content."""

    id: UUID
    object: UUID
    member: UUID
    at: datetime
    expires_at: datetime
    served: int = 0


class StoredObject(NamedTuple):
    """A vault object with the places of its blobs."""

    shown: VaultObject
    path: str
    cover_path: str | None


def add_object(connection: Connection, organisation: UUID, stored: StoredObject) -> bool:
    """False when the item already has an object of this role, which then stays."""
    shown = stored.shown
    done = connection.execute(
        upsert(vault_objects)
        .values(
            organisation_id=organisation,
            id=shown.id,
            case_id=shown.case,
            item_id=shown.item,
            role=shown.role.value,
            sha256=bytes.fromhex(shown.sha256),
            mime=shown.mime,
            size=shown.size,
            path=stored.path,
            cover_path=stored.cover_path,
            basis=shown.basis,
            kept_at=shown.kept_at,
            delete_at=shown.delete_at,
        )
        .on_conflict_do_nothing(index_elements=["organisation_id", "item_id", "role"])
        .returning(vault_objects.c.id)
    )
    return done.first() is not None


def object_of_item(
    connection: Connection, organisation: UUID, item: UUID, role: VaultRole
) -> StoredObject | None:
    row = connection.execute(
        select(vault_objects).where(
            vault_objects.c.organisation_id == organisation,
            vault_objects.c.item_id == item,
            vault_objects.c.role == role.value,
        )
    ).first()
    return None if row is None else _object(row)


def object_with_id(
    connection: Connection, organisation: UUID, identity: UUID
) -> StoredObject | None:
    row = connection.execute(
        select(vault_objects).where(
            vault_objects.c.organisation_id == organisation, vault_objects.c.id == identity
        )
    ).first()
    return None if row is None else _object(row)


def objects_of_case(connection: Connection, case: UUID) -> list[StoredObject]:
    found = connection.execute(
        select(vault_objects)
        .where(vault_objects.c.case_id == case)
        .order_by(vault_objects.c.kept_at, vault_objects.c.id)
    )
    return [_object(row) for row in found]


def due_objects(
    connection: Connection, organisation: UUID, now: datetime, limit: int
) -> list[StoredObject]:
    """Objects whose time is over, locked; those another sweep holds are left to it."""
    found = connection.execute(
        select(vault_objects)
        .where(
            vault_objects.c.organisation_id == organisation,
            vault_objects.c.delete_at <= now,
            vault_objects.c.deleted_at.is_(None),
            vault_objects.c.legal_hold.is_(None),
        )
        .order_by(vault_objects.c.delete_at)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return [_object(row) for row in found]


def paths_on_record(connection: Connection, organisation: UUID, paths: Sequence[str]) -> set[str]:
    """Those of these paths that objects which are not deleted have."""
    mine = vault_objects.c.organisation_id == organisation
    there = vault_objects.c.deleted_at.is_(None)
    known: set[str] = set()
    for column in (vault_objects.c.path, vault_objects.c.cover_path):
        found = connection.execute(select(column).where(mine, there, column.in_(paths)))
        known.update(path for path in found.scalars() if path is not None)
    return known


def mark_deleted(
    connection: Connection, organisation: UUID, identities: list[UUID], at: datetime
) -> None:
    connection.execute(
        update(vault_objects)
        .where(vault_objects.c.organisation_id == organisation, vault_objects.c.id.in_(identities))
        .values(deleted_at=at)
    )


def hold_objects(connection: Connection, case: UUID, why: str | None) -> list[VaultObject]:
    """Set or lift the hold on a case's content that is still there; returns what changed."""
    found = connection.execute(
        update(vault_objects)
        .where(
            vault_objects.c.case_id == case,
            vault_objects.c.deleted_at.is_(None),
            vault_objects.c.legal_hold.is_distinct_from(why),
        )
        .values(legal_hold=why)
        .returning(vault_objects)
    )
    return [_object(row).shown for row in found]


def keep_until(connection: Connection, case: UUID, until: datetime) -> list[VaultObject]:
    """Move the deletion of a case's content that comes earlier; returns what changed."""
    found = connection.execute(
        update(vault_objects)
        .where(
            vault_objects.c.case_id == case,
            vault_objects.c.deleted_at.is_(None),
            vault_objects.c.delete_at < until,
        )
        .values(delete_at=until)
        .returning(vault_objects)
    )
    return [_object(row).shown for row in found]


def add_uncover(connection: Connection, organisation: UUID, uncover: Uncover) -> None:
    connection.execute(
        insert(vault_uncovers).values(
            organisation_id=organisation,
            id=uncover.id,
            object_id=uncover.object,
            member_id=uncover.member,
            at=uncover.at,
            expires_at=uncover.expires_at,
            served=uncover.served,
        )
    )


def current_uncover(
    connection: Connection, organisation: UUID, object_id: UUID, member: UUID, now: datetime
) -> datetime | None:
    """When the member's uncover of this object expires; None when there is none."""
    return connection.execute(
        select(func.max(vault_uncovers.c.expires_at)).where(
            vault_uncovers.c.organisation_id == organisation,
            vault_uncovers.c.object_id == object_id,
            vault_uncovers.c.member_id == member,
            vault_uncovers.c.at <= now,
            vault_uncovers.c.expires_at > now,
        )
    ).scalar()


def count_uncovers(
    connection: Connection, organisation: UUID, member: UUID, since: datetime
) -> int:
    return connection.execute(
        select(func.count())
        .select_from(vault_uncovers)
        .where(
            vault_uncovers.c.organisation_id == organisation,
            vault_uncovers.c.member_id == member,
            vault_uncovers.c.at > since,
        )
    ).scalar_one()


def serve(
    connection: Connection, organisation: UUID, object_id: UUID, member: UUID, now: datetime
) -> Uncover | None:
    """Count one more serving on the member's newest uncover that has not expired, if any."""
    newest = (
        select(vault_uncovers.c.id)
        .where(
            vault_uncovers.c.organisation_id == organisation,
            vault_uncovers.c.object_id == object_id,
            vault_uncovers.c.member_id == member,
            vault_uncovers.c.at <= now,
            vault_uncovers.c.expires_at > now,
        )
        .order_by(vault_uncovers.c.expires_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    row = connection.execute(
        update(vault_uncovers)
        .where(vault_uncovers.c.organisation_id == organisation, vault_uncovers.c.id == newest)
        .values(served=vault_uncovers.c.served + 1)
        .returning(vault_uncovers)
    ).first()
    if row is None:
        return None
    return Uncover(
        id=row.id,
        object=row.object_id,
        member=row.member_id,
        at=row.at,
        expires_at=row.expires_at,
        served=row.served,
    )


def _object(row: Row[*tuple[Any, ...]]) -> StoredObject:
    return StoredObject(
        VaultObject(
            id=row.id,
            case=row.case_id,
            item=row.item_id,
            role=VaultRole(row.role),
            mime=row.mime,
            size=row.size,
            sha256=bytes(row.sha256).hex(),
            basis=row.basis,
            kept_at=row.kept_at,
            delete_at=row.delete_at,
            deleted_at=row.deleted_at,
            covered=row.cover_path is not None and row.deleted_at is None,
            legal_hold=row.legal_hold,
        ),
        row.path,
        row.cover_path,
    )
