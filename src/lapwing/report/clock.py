"""The legal clock of a case: what the law asks, since when, and whether it is met. Pure.

Knowledge begins with a named member's verdict. Where the law gives no number of hours ("as soon as
reasonably possible"), Lapwing's own marks say when to remind: they are house rules, not law.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from lapwing.law.registry import row, rules
from lapwing.law.rows import Certainty, LawRow, Topic
from lapwing.model.cases import Outcome
from lapwing.model.organisations import Organisation, OrganisationKind

AUTHORITY = "NCMEC CyberTipline"
KEPT_UNDER = "us.keep_content"
"""The row of law that says how long a CyberTipline report is preserved."""
REMIND_AFTER = timedelta(hours=4)
LATE_AFTER = timedelta(hours=24)
DANGER_LATE_AFTER = timedelta(hours=1)
"""Where a child is in danger now, the reminder comes at once and an hour later it is late."""

REPORTABLE = frozenset({Outcome.CONFIRMED, Outcome.WELFARE})
"""Verdicts on which a report may be filed."""


class ClockState(StrEnum):
    NOT_STARTED = "not_started"
    """No verdict that asks for a report."""
    RUNNING = "running"
    REMIND = "remind"
    LATE = "late"
    MET = "met"


class LegalClock(Struct, frozen=True, kw_only=True):
    """`duty` names the row of law; None where none was read for this organisation's country."""

    state: ClockState
    duty: str | None
    says: str
    """The duty in plain words, or that none is on record."""
    report_to: str | None = None
    deadline: str | None = None
    started_at: datetime | None = None
    met_at: datetime | None = None
    late_at: datetime | None = None
    """When Lapwing calls it late; None where nothing is owed, or it is met."""
    certain: bool = False
    """Whether the row was read in the primary text."""


def legal_clock(
    organisation: Organisation,
    started_at: datetime | None,
    filed_at: datetime | None,
    now: datetime,
    *,
    danger: bool = False,
) -> LegalClock:
    """The clock of a case that has been known since `started_at`: the first verdict that asked for
    a report. A second verdict does not turn the clock back. `danger`: a child is in danger now."""
    duty = duty_of(organisation)
    meets = duty is None or AUTHORITY in (duty.report_to or "")
    owed = started_at if duty is not None else None
    met = filed_at if meets else None
    late_at = owed + late_after(danger=danger) if owed is not None and met is None else None
    return LegalClock(
        state=state_of(owed, met, now, danger=danger),
        duty=duty.id if duty else None,
        says=_says(organisation, duty, meets),
        report_to=duty.report_to if duty else None,
        deadline=duty.deadline if duty else None,
        started_at=started_at,
        met_at=filed_at,
        late_at=late_at,
        certain=duty is not None and duty.certainty is Certainty.READ,
    )


def duty_of(organisation: Organisation) -> LawRow | None:
    """The duty to report of that kind of organisation in its country; what was read goes first."""
    return duty_in(organisation.kind, organisation.country)


def duty_in(kind: OrganisationKind, country: str) -> LawRow | None:
    """The duty to report of this kind of organisation in this country."""
    found = [
        one
        for one in rules()
        if one.topic is Topic.REPORTING_DUTY
        and one.country == country
        and kind in one.organisation_kinds
    ]
    return min(found, key=lambda one: one.certainty is not Certainty.READ, default=None)


def kept_for() -> timedelta:
    """How long a filed report and its content are preserved."""
    days = row(KEPT_UNDER).keep_days
    return timedelta(days=days or 0)


def late_after(*, danger: bool) -> timedelta:
    return DANGER_LATE_AFTER if danger else LATE_AFTER


def state_of(
    started: datetime | None, filed_at: datetime | None, now: datetime, *, danger: bool = False
) -> ClockState:
    """Where a clock stands that began at `started`."""
    if filed_at is not None:
        return ClockState.MET
    if started is None:
        return ClockState.NOT_STARTED
    waited = now - started
    if waited >= late_after(danger=danger):
        return ClockState.LATE
    return ClockState.REMIND if danger or waited >= REMIND_AFTER else ClockState.RUNNING


def _says(organisation: Organisation, duty: LawRow | None, meets: bool) -> str:
    if duty is None:
        return (
            f"No duty to report is on record for a {organisation.kind.value} in "
            f"{organisation.country}; a report to the {AUTHORITY} would be voluntary."
        )
    said = duty.statement.strip()
    return said if meets else f"{said} A report to the {AUTHORITY} does not meet this duty."
