"""The jobs behind screening, as handlers for `lapwing.store.jobs.Worker`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from lapwing.evidence.vault import STRAYS_SPARED, Vault
from lapwing.screening.keeping import SWEEP
from lapwing.store.clock import Clock
from lapwing.store.database import Database
from lapwing.store.jobs import Handler, enqueue

STRAYS = "vault.strays"
"""Job that deletes sealed blobs which a killed process left without a row."""


def handlers(database: Database, vault: Vault, clock: Clock) -> Mapping[str, Handler]:
    """Handlers by entry point; each bears being called twice."""

    def sweep(payload: dict[str, str]) -> None:
        """Delete on time what the vault may no longer hold."""
        organisation = UUID(payload["organisation"])
        with database.organisation(organisation) as connection:
            vault.sweep(connection, organisation, clock())

    def strays(payload: dict[str, str]) -> None:
        for organisation in vault.organisations():
            with database.organisation(organisation) as connection:
                vault.sweep_strays(connection, organisation)

    return {SWEEP: sweep, STRAYS: strays}


def queue_after_start(database: Database, now: datetime) -> None:
    """Queue what a process that was killed before may have left to do. Raises Unavailable."""
    due = now + STRAYS_SPARED + timedelta(minutes=5)
    with database.anyone() as connection:
        enqueue(connection, STRAYS, {}, run_after=due - now, dedupe=f"{due:%Y%m%dT%H}")
