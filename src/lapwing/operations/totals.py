"""Totals over the whole house: how much work waits and how much is kept, of all organisations."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import text

from lapwing.store.database import Database
from lapwing.store.queue import QUEUE

_TOTALS = text("select name, label, value from lapwing_totals(:now)")
_JOBS = text(
    f"""
    select status::text, count(*) as number,
           extract(epoch from :now - min(execute_after))::float as age
      from {QUEUE.queue_table} where execute_after <= :now or status <> 'queued' group by status
    union all
    select 'waiting', count(*), null from {QUEUE.queue_table}
     where status = 'queued' and execute_after > :now
    """
)


class Totals(Struct, frozen=True, kw_only=True):
    """Ages are in seconds, None where there is nothing to have one."""

    cases: dict[str, int]
    """By state."""
    cases_overdue: int
    case_age: float | None
    """Since the oldest case without a verdict was opened."""
    ledger_leaves: int
    ledger_head_age: float | None
    """Since the newest head was signed."""
    vault_objects: int
    vault_due: int
    """Objects whose time is over and that are still there."""
    jobs: dict[str, int]
    """`queued` (due), `picked` (being done), `failed`, and `waiting` for their time."""
    job_age: float | None
    """Since the oldest due job was due."""


def totals(database: Database, now: datetime) -> Totals:
    """Two statements. Raises Unavailable when the database does not answer."""
    with database.anyone() as connection:
        rows = connection.execute(_TOTALS, {"now": now}).all()
        jobs = connection.execute(_JOBS, {"now": now}).all()
    plain = {row.name: row.value for row in rows if row.name != "cases"}
    return Totals(
        cases={row.label: int(row.value) for row in rows if row.name == "cases"},
        cases_overdue=int(plain["cases_overdue"]),
        case_age=plain["case_age"],
        ledger_leaves=int(plain["ledger_leaves"]),
        ledger_head_age=plain["ledger_head_age"],
        vault_objects=int(plain["vault_objects"]),
        vault_due=int(plain["vault_due"]),
        jobs={row.status: row.number for row in jobs},
        job_age=next((row.age for row in jobs if row.status == "queued"), None),
    )
