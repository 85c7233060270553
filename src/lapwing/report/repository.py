"""SQL of this room. Every function runs in the caller's transaction, behind row-level security."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, text, update

from lapwing.model.organisations import Member, Role
from lapwing.report.records import FileState, ReportState, ReportStatus
from lapwing.report.tables import report_files, reports

_STATUS = """
  select r.*, c.number as case_number, d.name as drafter, k.name as confirmer,
         (select count(*) from report_files f where f.report_id = r.id) as files
    from reports r
    join cases c on c.id = r.case_id
    join members d on d.id = r.drafted_by
    left join members k on k.id = r.confirmed_by
"""


def only_one(connection: Connection, report: UUID) -> bool:
    """Whether this transaction is the one that works on the report, until it ends."""
    return bool(
        connection.execute(
            text("select pg_try_advisory_xact_lock(hashtextextended('lapwing.report:' || :r, 0))"),
            {"r": str(report)},
        ).scalar_one()
    )


def live(connection: Connection, case: UUID, authority: str) -> Any:
    """The row of a case's report that is not withdrawn, locked; None where there is none."""
    return connection.execute(
        select(reports)
        .where(
            reports.c.case_id == case,
            reports.c.authority == authority,
            reports.c.state != ReportState.WITHDRAWN,
        )
        .with_for_update()
    ).first()


def locked(connection: Connection, report: UUID) -> Any:
    """The row of a report, kept still until the transaction ends; None where there is none."""
    return connection.execute(
        select(reports).where(reports.c.id == report).with_for_update()
    ).first()


def add(connection: Connection, organisation: UUID, **columns: object) -> None:
    connection.execute(insert(reports).values(organisation_id=organisation, **columns))


def change(connection: Connection, report: UUID, **columns: object) -> None:
    connection.execute(update(reports).where(reports.c.id == report).values(**columns))


def change_mine(connection: Connection, report: UUID, run: int, **columns: object) -> bool:
    """Change the report only while this worker's run is the newest. False: another took over."""
    done = connection.execute(
        update(reports).where(reports.c.id == report, reports.c.run == run).values(**columns)
    )
    return done.rowcount == 1


def set_files(
    connection: Connection, organisation: UUID, report: UUID, objects: Sequence[UUID]
) -> None:
    """The files that go along, none of them uploaded."""
    connection.execute(delete(report_files).where(report_files.c.report_id == report))
    if objects:
        connection.execute(
            insert(report_files),
            [
                {
                    "organisation_id": organisation,
                    "report_id": report,
                    "number": number,
                    "object_id": one,
                    "state": FileState.PLANNED,
                }
                for number, one in enumerate(objects)
            ],
        )


def files_planned_again(connection: Connection, report: UUID) -> None:
    """The authority threw the open report away, and with it what was uploaded."""
    connection.execute(
        update(report_files)
        .where(report_files.c.report_id == report)
        .values(state=FileState.PLANNED, remote_file_id=None)
    )


def file_step(
    connection: Connection, report: UUID, number: int, state: FileState, remote_file_id: str
) -> None:
    connection.execute(
        update(report_files)
        .where(report_files.c.report_id == report, report_files.c.number == number)
        .values(state=state, remote_file_id=remote_file_id)
    )


def statuses(
    connection: Connection, *, case: UUID | None = None, limit: int = 200
) -> list[ReportStatus]:
    """Newest first; withdrawn ones too."""
    where = "where r.case_id = :case" if case is not None else ""
    rows = connection.execute(
        text(f"{_STATUS} {where} order by r.drafted_at desc, r.id desc limit :limit"),
        {"case": case, "limit": limit} if case is not None else {"limit": limit},
    )
    return [_status(row) for row in rows]


def status(connection: Connection, report: UUID) -> ReportStatus | None:
    row = connection.execute(text(f"{_STATUS} where r.id = :id"), {"id": report}).first()
    return None if row is None else _status(row)


def member(connection: Connection, member: UUID) -> Member:
    """The member who confirmed a report, also once they are disabled."""
    row = connection.execute(
        text("select organisation_id, id, name, role, created_at from members where id = :m"),
        {"m": member},
    ).one()
    return Member(
        id=row.id,
        organisation=row.organisation_id,
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
    )


def fallback(connection: Connection, organisation: UUID) -> str | None:
    """The name of the member who is asked when a clock is about to lapse, while they are there."""
    found: str | None = connection.execute(
        text(
            """select m.name from organisations o join members m on m.id = o.fallback_member
                where o.id = :o and m.disabled_at is null"""
        ),
        {"o": organisation},
    ).scalar_one_or_none()
    return found


def receipt(connection: Connection, report: UUID) -> bytes | None:
    """The authority's notification of a filed report, as received."""
    found = connection.execute(
        select(reports.c.receipt).where(reports.c.id == report)
    ).scalar_one_or_none()
    return None if found is None else bytes(found)


def unreported(connection: Connection, authority: str, limit: int) -> list[Any]:
    """Cases whose standing verdict asks for a report that is not filed: those in which a child is
    in danger first, then the longest known."""
    return list(
        connection.execute(
            text(
                """select c.id, c.number, c.title, first.at as known_at, first.name as known_by,
                          c.danger_at, r.state
                     from cases c
                     cross join lateral (
                       select v.at, m.name from verdicts v join members m on m.id = v.member_id
                        where v.case_id = c.id and v.outcome in ('confirmed', 'welfare')
                        order by v.at, v.id limit 1) first
                     left join reports r
                       on r.case_id = c.id and r.authority = :authority
                      and r.state <> 'withdrawn'
                    where c.outcome in ('confirmed', 'welfare')
                      and (r.state is null or r.state <> 'filed')
                    order by c.danger_at is null, first.at, c.number limit :limit"""
            ),
            {"authority": authority, "limit": limit},
        )
    )


def due(connection: Connection, now: datetime) -> list[Any]:
    """Reports whose text has to be deleted, locked."""
    return list(
        connection.execute(
            select(reports)
            .where(reports.c.keep_until <= now, reports.c.erased_at.is_(None))
            .with_for_update(skip_locked=True)
        )
    )


def _status(row: Any) -> ReportStatus:
    return ReportStatus(
        id=row.id,
        case=row.case_id,
        case_number=row.case_number,
        authority=row.authority,
        state=ReportState(row.state),
        drafted_by=row.drafter,
        drafted_at=row.drafted_at,
        confirmed_by=row.confirmer,
        confirmed_at=row.confirmed_at,
        endpoint=row.endpoint,
        remote_id=row.remote_id,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        filed_at=row.filed_at,
        files=row.files,
        keep_until=row.keep_until,
        erased_at=row.erased_at,
        last_answer=row.last_answer,
        request_id=row.request_id,
    )
