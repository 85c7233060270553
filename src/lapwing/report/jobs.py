"""The jobs of this room, as handlers for `lapwing.store.jobs.Worker`."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from lapwing.report.alarm import WATCH, sound
from lapwing.report.desk import Office
from lapwing.report.erasing import erase_due
from lapwing.report.filing import Filing
from lapwing.report.queueing import FILE, SWEEP
from lapwing.store.jobs import Handler


def handlers(office: Office, filing: Filing) -> Mapping[str, Handler]:
    """Handlers by entry point; each bears being called twice."""

    def file(payload: dict[str, str]) -> None:
        """File a report that a member has confirmed, or go on where it broke off."""
        filing.run(UUID(payload["organisation"]), UUID(payload["report"]))

    def sweep(payload: dict[str, str]) -> None:
        """Delete on time what this room may no longer hold."""
        erase_due(office, UUID(payload["organisation"]))

    def watch(payload: dict[str, str]) -> None:
        """Say in the log which legal clocks press."""
        sound(office.database, office.clock())

    return {FILE: file, SWEEP: sweep, WATCH: watch}
