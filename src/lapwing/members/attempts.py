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

    def spend(self, limit: Limit, client: str, cost: float = 1.0) -> None:
        """Count an attempt of a client. Raises TooManyAttempts, and then counts nothing."""
        if not self._count(limit, client, min(cost, float(limit.burst)), limit.burst, None):
            wait = math.ceil(60 * cost / limit.per_minute)
            raise TooManyAttempts(f"too many attempts; try again in {wait} s", retry_after=wait)

    def charge(self, limit: Limit, client: str, cost: float) -> None:
        """Count what cannot be refused any more, at most a minute's worth of it beyond the limit:
        the next attempts wait for it."""
        self._count(limit, client, cost, None, limit.burst + limit.per_minute)

    def _count(
        self, limit: Limit, client: str, cost: float, most: float | None, cap: float | None
    ) -> bool:
        now = self._clock()
        secret = self._keyring.daily_secret(now.date())
        name = hmac.digest(secret, f"{limit.name}\0{client}".encode(), "sha256")
        with self._database.anyone() as connection:
            if self._swept_at is None or now - self._swept_at >= _SWEEP_EVERY:
                self._swept_at = now
                _sweep(connection, now - KEPT)
            return _fill(connection, name, limit, now, cost, most, cap)


def _fill(
    connection: Connection,
    name: bytes,
    limit: Limit,
    now: datetime,
    cost: float,
    most: float | None,
    cap: float | None,
) -> bool:
    """`cost` drops more. False, and unchanged, where the bucket would hold more than `most`; with
    `cap` it is filled up to that, whatever it holds."""
    passed = func.greatest(extract("epoch", now - rate_buckets.c.at), 0)
    left = func.greatest(rate_buckets.c.level - passed * (limit.per_minute / 60), 0)
    level = left + cost if cap is None else func.greatest(left, func.least(left + cost, cap))
    drop = upsert(rate_buckets).values(name=name, level=cost, at=now)
    done = connection.execute(
        drop.on_conflict_do_update(
            index_elements=["name"],
            set_={"level": level, "at": now},
            where=None if most is None else left + cost <= most,
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
