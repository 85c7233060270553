"""A clock for tests that wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class MovedClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **parts: float) -> None:
        self.now += timedelta(**parts)
