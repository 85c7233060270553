"""Deletion on time: of a report's text, and of content whose preservation has ended."""

from __future__ import annotations

from uuid import UUID

from lapwing.model.actors import SYSTEM
from lapwing.model.events import EventKind
from lapwing.report import repository
from lapwing.report.desk import Office, event


def erase_due(office: Office, organisation: UUID) -> int:
    """Delete what is due, reports and vault content alike. Returns how many reports.

    That a report was made, when and with which number stays, with the authority's notification.
    """
    now = office.clock()
    with office.database.organisation(organisation) as connection:
        rows = repository.due(connection, now)
        for row in rows:
            repository.change(connection, row.id, typed=None, document=None, erased_at=now)
        office.ledger.append(
            connection,
            organisation,
            [event(EventKind.REPORT_ERASED, now, SYSTEM, row.id, row.case_id, {}) for row in rows],
        )
    with office.database.organisation(organisation) as connection:
        office.vault.sweep(connection, organisation, now)
    return len(rows)
