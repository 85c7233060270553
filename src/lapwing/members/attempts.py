"""How often a stranger may try: one leaking bucket a client, and one for all of them together.

A bucket's name is HMAC-SHA256 under a secret that lives outside the database for one day, so that
no address is stored, and none can be found again once the day is over. Only strangers are counted:
what is shown with a good key, a running session or a signing passkey passes whatever others do.
"""

from __future__ import annotations

import hmac
import math
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection, delete, extract, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from lapwing.members.tables import rate_buckets
from lapwing.model.errors import TooManyAttempts
from lapwing.store.clock import Clock
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring

KEPT = timedelta(days=1)
_SWEEP_EVERY = timedelta(hours=1)
_SWEPT = 10_000


class Limit(Struct, frozen=True):
    """`burst` attempts at once, then `per_minute`."""

    name: str
    burst: int
    per_minute: float


KEY_FAILURES = Limit("key failures", burst=200, per_minute=60)
LINKS = Limit("links", burst=30, per_minute=10)
PASSKEYS = Limit("passkeys", burst=60, per_minute=30)
RECOVERY = Limit("recovery", burst=10, per_minute=2)
RECOVERY_OF_ALL = Limit("recovery of all", burst=60, per_minute=30)
"""Keeps argon2 from taking the machine when many clients try."""
LIMITS = (KEY_FAILURES, LINKS, PASSKEYS, RECOVERY, RECOVERY_OF_ALL)


class Attempts:
    """Counts in the database, so that several processes and nodes count together."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._swept_at: datetime | None = None

    def spend(self, limit: Limit, client: str) -> None:
        """Count one attempt of a client. Raises TooManyAttempts, and then counts nothing."""
        now = self._clock()
        secret = self._keyring.daily_secret(now.date())
        name = hmac.digest(secret, f"{limit.name}\0{client}".encode(), "sha256")
        with self._database.anyone() as connection:
            if self._swept_at is None or now - self._swept_at >= _SWEEP_EVERY:
                self._swept_at = now
                _sweep(connection, now - KEPT)
            if not _fill(connection, name, limit, now):
                wait = math.ceil(60 / limit.per_minute)
                raise TooManyAttempts(f"too many attempts; try again in {wait} s", retry_after=wait)


def _fill(connection: Connection, name: bytes, limit: Limit, now: datetime) -> bool:
    """One drop more. False, and unchanged, where the bucket would run over."""
    drop = upsert(rate_buckets).values(name=name, level=1.0, at=now)
    passed = func.greatest(extract("epoch", now - rate_buckets.c.at), 0)
    left = func.greatest(rate_buckets.c.level - passed * (limit.per_minute / 60), 0)
    done = connection.execute(
        drop.on_conflict_do_update(
            index_elements=["name"],
            set_={"level": left + 1, "at": now},
            where=left + 1 <= limit.burst,
        ).returning(rate_buckets.c.level)
    )
    return done.first() is not None


def _sweep(connection: Connection, before: datetime) -> None:
    old = (
        select(rate_buckets.c.name)
        .where(rate_buckets.c.at < before)
        .limit(_SWEPT)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(rate_buckets).where(rate_buckets.c.name.in_(old.scalar_subquery())))
