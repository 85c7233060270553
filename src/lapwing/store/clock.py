"""The real clock and the real source of ids; services take them as arguments."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from lapwing.model.ids import uuid7

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def new_id(at: datetime | None = None) -> UUID:
    """A fresh UUIDv7."""
    return uuid7(at or utc_now(), os.urandom(10))
