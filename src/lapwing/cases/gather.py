"""Gathering: screened items that need a person join the open case on their subject, or open one.

A batch costs the same few statements whether one item or a thousand needs a person. Nothing here
judges; nothing here reaches the ledger (the caller appends the events in the same transaction).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from lapwing.cases import repository
from lapwing.cases.records import Decided, Gathered
from lapwing.cases.repository import NewCase
from lapwing.cases.subjects import priority_of, subjects_of, title_of
from lapwing.model.actors import SYSTEM
from lapwing.model.cases import Subject
from lapwing.model.events import Event, EventKind
from lapwing.model.findings import Finding
from lapwing.store.clock import new_id

LISTED_ITEMS = 100
"""An event names this many items; its count is whole."""


class _Group:
    """The items of one batch that share a primary subject."""

    def __init__(self, primary: Subject | None) -> None:
        self.primary = primary
        self.others: dict[Subject, None] = {}
        self.items: list[UUID] = []
        self.findings: list[Finding] = []

    def add(self, decided: Decided, others: Sequence[Subject]) -> None:
        self.items.append(decided.item.id)
        self.findings.extend(decided.findings)
        self.others.update(dict.fromkeys(others))


def gather(
    connection: Connection, organisation: UUID, decided: Sequence[Decided], at: datetime
) -> Gathered:
    """Put every item whose decision asks for a person into a case.

    An item without any subject gets a case of its own. Takes the organisation's case lock when
    there is something to gather, so that two batches at once never open two cases on one subject.
    """
    groups = _group(decided)
    if not groups:
        return Gathered(case_of={}, events=[], opened=0, extended=0)
    repository.lock(connection, organisation)
    primaries = [group.primary for group in groups if group.primary is not None]
    standing = repository.open_cases(connection, primaries)
    number = repository.last_number(connection)
    opened: list[tuple[NewCase, _Group]] = []
    extended: list[tuple[NewCase, _Group]] = []
    for group in groups:
        case = standing.get(group.primary) if group.primary is not None else None
        target = opened if case is None else extended
        if case is None:
            number += 1
        row = NewCase(
            id=case or new_id(at),
            number=number,
            priority=priority_of(group.findings),
            title=title_of(group.findings),
        )
        target.append((row, group))
    earlier = repository.earlier_cases(
        connection, [group.primary for _, group in opened if group.primary is not None]
    )
    return _write(connection, organisation, opened, extended, earlier, at)


def _group(decided: Sequence[Decided]) -> list[_Group]:
    groups: dict[Subject | UUID, _Group] = {}
    for one in decided:
        if not one.for_people:
            continue
        subjects = subjects_of(one.item, one.findings)
        primary = subjects[0] if subjects else None
        group = groups.setdefault(primary or one.item.id, _Group(primary))
        group.add(one, subjects[1:])
    return list(groups.values())


def _write(
    connection: Connection,
    organisation: UUID,
    opened: list[tuple[NewCase, _Group]],
    extended: list[tuple[NewCase, _Group]],
    earlier: dict[Subject, UUID],
    at: datetime,
) -> Gathered:
    if opened:
        repository.insert_cases(connection, organisation, [case for case, _ in opened], at)
    if extended:
        repository.raise_cases(connection, [case for case, _ in extended], at)
    everything = opened + extended
    subjects = [
        (case.id, group.primary, True) for case, group in opened if group.primary is not None
    ]
    subjects += [(case.id, other, False) for case, group in everything for other in group.others]
    if subjects:
        repository.insert_subjects(connection, organisation, subjects)
    case_of = {item: case.id for case, group in everything for item in group.items}
    repository.insert_items(connection, organisation, case_of, at)
    events = [_opened(case, group, earlier, at) for case, group in opened]
    events += [_event(EventKind.CASE_EXTENDED, case, group, at, {}) for case, group in extended]
    return Gathered(case_of=case_of, events=events, opened=len(opened), extended=len(extended))


def _opened(case: NewCase, group: _Group, earlier: dict[Subject, UUID], at: datetime) -> Event:
    data: dict[str, object] = {"number": case.number, "title": case.title}
    if group.primary is not None:
        data["about"] = {"kind": group.primary.kind.value, "value": group.primary.value}
        if group.primary in earlier:
            data["earlier"] = str(earlier[group.primary])
    return _event(EventKind.CASE_OPENED, case, group, at, data)


def _event(
    kind: EventKind, case: NewCase, group: _Group, at: datetime, data: dict[str, object]
) -> Event:
    return Event(
        kind=kind,
        at=at,
        actor=SYSTEM,
        subject=str(case.id),
        case=case.id,
        data={
            **data,
            "count": len(group.items),
            "items": [str(item) for item in group.items[:LISTED_ITEMS]],
        },
    )
