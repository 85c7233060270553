"""SQL of passkeys, recovery codes, challenges and failures, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, column, delete, func, insert, select
from sqlalchemy import update as change
from sqlalchemy.dialects.postgresql import insert as upsert

from lapwing.members.records import Passkey
from lapwing.members.tables import challenges, passkeys, recovery_codes, sign_in_failures
from lapwing.model.organisations import Member


def passkey_holder(connection: Connection, credential_id: bytes) -> UUID | None:
    """The organisation of a passkey. Works before the caller is known."""
    found = func.lapwing_passkey_holder(credential_id).table_valued(column("organisation_id"))
    row = connection.execute(select(found.c.organisation_id)).first()
    return None if row is None else UUID(str(row[0]))


def recovery_holder(connection: Connection, selector: str) -> UUID | None:
    """The organisation of an unused recovery code. Works before the caller is known."""
    found = func.lapwing_recovery_holder(selector).table_valued(column("organisation_id"))
    row = connection.execute(select(found.c.organisation_id)).first()
    return None if row is None else UUID(str(row[0]))


def add_passkey(connection: Connection, member: Member, passkey: Passkey) -> bool:
    """False where the credential is registered already, whoever's it is."""
    done = connection.execute(
        upsert(passkeys)
        .values(
            organisation_id=member.organisation,
            id=passkey.id,
            member_id=member.id,
            credential_id=passkey.credential_id,
            public_key=passkey.public_key,
            sign_count=passkey.sign_count,
            transports=list(passkey.transports),
            backed_up=passkey.backed_up,
            name=passkey.name,
            created_at=passkey.created_at,
        )
        .on_conflict_do_nothing(index_elements=["credential_id"])
        .returning(passkeys.c.id)
    )
    return done.first() is not None


def passkeys_of(connection: Connection, member: UUID) -> list[Passkey]:
    """Those in use, oldest first."""
    rows = connection.execute(
        select(passkeys)
        .where(passkeys.c.member_id == member, passkeys.c.removed_at.is_(None))
        .order_by(passkeys.c.created_at, passkeys.c.id)
    )
    return [_passkey(row) for row in rows.mappings()]


def passkey_counts(connection: Connection) -> Mapping[UUID, int]:
    """How many passkeys each member has; who has none is left out."""
    rows = connection.execute(
        select(passkeys.c.member_id, func.count())
        .where(passkeys.c.removed_at.is_(None))
        .group_by(passkeys.c.member_id)
    )
    return {UUID(str(member)): int(count) for member, count in rows}


def passkey_of_credential(connection: Connection, credential_id: bytes) -> Passkey | None:
    row = connection.execute(
        select(passkeys).where(
            passkeys.c.credential_id == credential_id, passkeys.c.removed_at.is_(None)
        )
    )
    found = row.mappings().first()
    return None if found is None else _passkey(found)


def use_passkey(
    connection: Connection, passkey: UUID, sign_count: int, backed_up: bool, now: datetime
) -> bool:
    """Note a use. False where the counter has not grown (WebAuthn level 3, §6.1.1), or it is gone.

    Authenticators without a counter always say 0.
    """
    stored = passkeys.c.sign_count
    grown = stored < sign_count if sign_count else stored == 0
    done = connection.execute(
        change(passkeys)
        .where(
            passkeys.c.id == passkey,
            passkeys.c.removed_at.is_(None),
            grown,
        )
        .values(sign_count=sign_count, backed_up=backed_up, last_used_at=now)
    )
    return done.rowcount == 1


def remove_passkey(
    connection: Connection, member: UUID, passkey: UUID, now: datetime
) -> Passkey | None:
    row = connection.execute(
        change(passkeys)
        .where(
            passkeys.c.id == passkey,
            passkeys.c.member_id == member,
            passkeys.c.removed_at.is_(None),
        )
        .values(removed_at=now)
        .returning(passkeys)
    )
    found = row.mappings().first()
    return None if found is None else _passkey(found)


def replace_recovery_codes(
    connection: Connection, member: Member, hashes: Mapping[str, str], now: datetime
) -> None:
    """New codes, selector to hash of the secret; the old ones end."""
    connection.execute(
        change(recovery_codes)
        .where(
            recovery_codes.c.member_id == member.id,
            recovery_codes.c.used_at.is_(None),
            recovery_codes.c.replaced_at.is_(None),
        )
        .values(replaced_at=now)
    )
    connection.execute(
        insert(recovery_codes),
        [
            {
                "organisation_id": member.organisation,
                "selector": selector,
                "member_id": member.id,
                "secret_hash": hashed,
                "created_at": now,
            }
            for selector, hashed in hashes.items()
        ],
    )


def recovery_codes_left(connection: Connection, member: UUID) -> int:
    counted = connection.execute(
        select(func.count())
        .select_from(recovery_codes)
        .where(
            recovery_codes.c.member_id == member,
            recovery_codes.c.used_at.is_(None),
            recovery_codes.c.replaced_at.is_(None),
        )
    )
    return int(counted.scalar_one())


def try_recovery_code(
    connection: Connection, selector: str
) -> tuple[UUID, str, int, datetime | None] | None:
    """(member, hash, failures, next try) of a code, locked; None where it is used or replaced."""
    row = connection.execute(
        select(
            recovery_codes.c.member_id,
            recovery_codes.c.secret_hash,
            recovery_codes.c.failures,
            recovery_codes.c.next_try_at,
        )
        .where(
            recovery_codes.c.selector == selector,
            recovery_codes.c.used_at.is_(None),
            recovery_codes.c.replaced_at.is_(None),
        )
        .with_for_update()
    ).first()
    return None if row is None else (row[0], row[1], row[2], row[3])


def delay_recovery_code(connection: Connection, selector: str, until: datetime) -> None:
    """Count one more failure, and let the next try wait."""
    connection.execute(
        change(recovery_codes)
        .where(recovery_codes.c.selector == selector)
        .values(failures=recovery_codes.c.failures + 1, next_try_at=until)
    )


def use_recovery_code(connection: Connection, selector: str, now: datetime) -> bool:
    """False for all but the first of any who try at once."""
    done = connection.execute(
        change(recovery_codes)
        .where(
            recovery_codes.c.selector == selector,
            recovery_codes.c.used_at.is_(None),
            recovery_codes.c.replaced_at.is_(None),
        )
        .values(used_at=now)
    )
    return done.rowcount == 1


def count_failure(
    connection: Connection, organisation: UUID, member: UUID, method: str, now: datetime
) -> int:
    """Failures in a row, this one included."""
    statement = upsert(sign_in_failures).values(
        organisation_id=organisation, member_id=member, method=method, failures=1, last_at=now
    )
    counted = connection.execute(
        statement.on_conflict_do_update(
            index_elements=["member_id", "method"],
            set_={"failures": sign_in_failures.c.failures + 1, "last_at": now},
        ).returning(sign_in_failures.c.failures)
    )
    return int(counted.scalar_one())


def forget_failures(connection: Connection, member: UUID, method: str) -> None:
    connection.execute(
        change(sign_in_failures)
        .where(sign_in_failures.c.member_id == member, sign_in_failures.c.method == method)
        .values(failures=0)
    )


def add_challenge(
    connection: Connection, digest: bytes, expires_at: datetime, now: datetime
) -> None:
    """Works before the caller is known. Sweeps expired challenges away on the way."""
    connection.execute(delete(challenges).where(challenges.c.expires_at <= now))
    connection.execute(insert(challenges).values(digest=digest, expires_at=expires_at))


def use_challenge(connection: Connection, digest: bytes, now: datetime) -> bool:
    """Works before the caller is known. False for all but the first of any who try at once."""
    done = connection.execute(
        delete(challenges).where(challenges.c.digest == digest, challenges.c.expires_at > now)
    )
    return done.rowcount == 1


def _passkey(row: RowMapping) -> Passkey:
    return Passkey(
        id=row["id"],
        member=row["member_id"],
        name=row["name"],
        credential_id=row["credential_id"],
        public_key=row["public_key"],
        sign_count=row["sign_count"],
        transports=tuple(row["transports"]),
        backed_up=row["backed_up"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
    )
