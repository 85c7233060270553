"""A clock that is set wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

from lapwing.store.clock import utc_now


class LeapingClock:
    """The machine's clock, set wrong by `off`."""

    def __init__(self) -> None:
        self.off = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.off
