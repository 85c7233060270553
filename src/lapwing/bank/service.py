"""The bank: an organisation's lists, and what is on them.

Every change is one transaction: rows, bank generation and ledger leaf stand together or not at
all. It never decides whose lists count in a match; that is the view's work (`bank/index`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy import Connection

from lapwing.bank import events, marks, repository
from lapwing.bank.canonical import canonical_value, possible_kinds, shown_value
from lapwing.bank.changes import (
    Added,
    ListChange,
    NewList,
    Withdrawn,
    changed_list,
    check_new_list,
    check_words,
)
from lapwing.bank.entries import Entry, entry_for
from lapwing.bank.repository import Written
from lapwing.evidence.ledger import Ledger
from lapwing.model.actors import Actor
from lapwing.model.errors import Conflict, InvalidInput, NotFound
from lapwing.model.indicators import (
    DEFAULT_ACTION,
    BankList,
    Indicator,
    IndicatorKind,
    ListKind,
    Mark,
    NewIndicator,
)
from lapwing.model.refusals import Refusal, refusal_of
from lapwing.store.clock import Clock, new_id
from lapwing.store.database import Database

__all__ = ["Added", "Bank", "ListChange", "NewList", "Withdrawn"]

CHUNK = 10_000
"""Indicators a statement."""
MAX_PAGE = 1_000

Value = str | tuple[IndicatorKind, str]
"""A value with its kind, or alone where it can only mean one listed indicator."""


Overrides = Callable[[Connection, Collection[tuple[str, str]]], frozenset[tuple[str, str]]]
"""Which of these (kind, value) of allow entries two members have agreed on."""


class Bank:
    """Safe to share between threads. Writers of all organisations wait for one another."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        clock: Clock,
        overrides: Overrides | None = None,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._clock = clock
        self._overrides = overrides or _no_overrides

    def create_list(self, organisation: UUID, actor: Actor, new: NewList) -> BankList:
        """Make an empty list.

        Raises InvalidInput naming the field, Conflict when the name is taken.
        """
        check_new_list(new)
        at = self._clock()
        listed = BankList(
            id=new_id(at),
            organisation=organisation,
            created_at=at,
            **{name: getattr(new, name) for name in new.__struct_fields__ if name != "action"},
            action=new.action or DEFAULT_ACTION[new.kind],
        )
        with self._database.organisation(organisation) as connection:
            if not repository.add_list(connection, listed):
                raise Conflict(f"there is a list named {new.name!r} already")
            generation = repository.raise_generation(connection)
            event = events.list_created(listed, actor, generation)
            self._ledger.append(connection, organisation, [event])
        return listed

    def change_list(
        self, organisation: UUID, actor: Actor, list_id: UUID, change: ListChange
    ) -> BankList:
        """Change what a match on the list asks for, how far it reaches or when it is valid.

        Acts on the next match. Raises NotFound, InvalidInput naming the field.
        """
        with self._database.organisation(organisation) as connection:
            generation = repository.hold_generation(connection)
            before, at = _list_named(connection, list_id), self._clock()
            after = changed_list(before, change, at)
            if after is before:
                return before
            repository.change_list(connection, after)
            generation = repository.raise_generation(connection)
            event = events.list_changed(before, after, actor, at, generation, change.why)
            self._ledger.append(connection, organisation, [event])
        return after

    def indicator(self, organisation: UUID, identity: int) -> Indicator:
        """One indicator, withdrawn or not. Raises NotFound."""
        with self._database.organisation(organisation) as connection:
            found = repository.indicator(connection, identity)
        if found is None:
            raise NotFound("there is no such indicator")
        return found

    def overridden(self, organisation: UUID, entry: Indicator) -> bool:
        """Whether two members have agreed that this allow entry beats verified lists."""
        with self._database.organisation(organisation) as connection:
            named = (entry.kind.value, entry.value)
            return named in self._overrides(connection, [named])

    def override(
        self, connection: Connection, organisation: UUID, kind: str, value: str, *, stands: bool
    ) -> None:
        """Let the organisation's allow entries of this hash beat verified lists, or no longer.

        In the transaction of the second member's answer; the caller has checked that there is one.
        """
        of_kind = IndicatorKind(kind)
        ids = marks.allow_entries(connection, of_kind, canonical_value(of_kind, value))
        if ids:
            generation = repository.raise_generation(connection)
            on, off = (Mark.CONFIRMED, Mark(0)) if stands else (Mark(0), Mark.CONFIRMED)
            marks.mark(connection, organisation, ids, generation=generation, on=on, off=off)

    def lists(self, organisation: UUID) -> list[BankList]:
        """The organisation's lists, oldest first."""
        with self._database.organisation(organisation) as connection:
            return repository.bank_lists(connection)

    def list_named(self, organisation: UUID, name_or_id: str | UUID) -> BankList:
        """The list of this name or id. Raises NotFound."""
        with self._database.organisation(organisation) as connection:
            return _list_named(connection, name_or_id)

    def add(
        self,
        organisation: UUID,
        actor: Actor,
        list_id: UUID,
        entries: Iterable[NewIndicator],
    ) -> Added:
        """Put indicators on a list; they match as soon as this returns.

        An entry that stands on the list already is counted as repeated and stays as it is. One
        that cannot be used is refused with its reason, its `line` counting entries from 1, and
        the rest goes on. Raises NotFound for a list that is not the organisation's.
        """
        listed = self.list_named(organisation, list_id)
        accepted, refused = _sorted_out(listed, entries)
        at = self._clock()
        written: list[Written] = []
        with self._database.organisation(organisation) as connection:
            generation = repository.hold_generation(connection)
            for start in range(0, len(accepted), CHUNK):
                chunk = accepted[start : start + CHUNK]
                written += repository.add_indicators(
                    connection, listed, chunk, at=at, generation=generation + 1
                )
            if written:
                generation = repository.raise_generation(connection)
                self._mark_overrides(connection, listed, written, generation)
                event = events.indicators_added(listed, actor, at, generation, written)
                self._ledger.append(connection, organisation, [event])
        return Added(
            ids=tuple(row.id for row in written),
            repeated=len(accepted) - len(written),
            refused=tuple(refused),
            generation=generation,
        )

    def withdraw(
        self,
        organisation: UUID,
        actor: Actor,
        list_id: UUID,
        *,
        ids: Sequence[int] = (),
        values: Sequence[Value] = (),
        why: str,
    ) -> Withdrawn:
        """Take indicators off a list; they stop matching as soon as this returns.

        Raises NotFound for the list, InvalidInput for an empty `why` or an unusable value,
        Conflict when a value without its kind stands on the list under more than one.
        """
        check_words(why, "why")
        wanted = [_readings(value) for value in values]
        at = self._clock()
        written: list[Written] = []
        with self._database.organisation(organisation) as connection:
            listed = _list_named(connection, list_id)
            generation = repository.hold_generation(connection)
            found, missing = _standing(connection, listed, values, wanted)
            chosen = sorted({*ids, *found})
            if chosen:
                written = repository.withdraw(
                    connection, listed.id, chosen, why=why, at=at, generation=generation + 1
                )
            if written:
                generation = repository.raise_generation(connection)
                event = events.indicators_withdrawn(listed, actor, at, generation, written, why)
                self._ledger.append(connection, organisation, [event])
        done = {row.id for row in written}
        missing = [str(identity) for identity in ids if identity not in done] + missing
        return Withdrawn(
            ids=tuple(row.id for row in written), missing=tuple(missing), generation=generation
        )

    def indicators(
        self,
        organisation: UUID,
        list_id: UUID,
        limit: int = 100,
        after: int = 0,
        *,
        withdrawn: bool = False,
    ) -> list[Indicator]:
        """A page of a list by id: up to `limit` (at most 1,000) with an id above `after`.

        Raises NotFound for a list that is not the organisation's.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"must lie between 1 and {MAX_PAGE}", field="limit")
        with self._database.organisation(organisation) as connection:
            listed = _list_named(connection, list_id)
            return repository.indicators_of(
                connection, listed.id, limit=limit, after=after, withdrawn=withdrawn
            )

    def _mark_overrides(
        self, connection: Connection, listed: BankList, written: Sequence[Written], generation: int
    ) -> None:
        """What two members agreed on before its entry was there, or was there again, holds."""
        if listed.kind is not ListKind.ALLOW:
            return
        named = {(row.kind.value, shown_value(row.kind, row.value)): row.id for row in written}
        standing = self._overrides(connection, list(named))
        if standing:
            ids = [named[entry] for entry in standing]
            marks.mark(
                connection, listed.organisation, ids, generation=generation, on=Mark.CONFIRMED
            )


def _no_overrides(
    connection: Connection, entries: Collection[tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    return frozenset()


def _list_named(connection: Connection, name_or_id: str | UUID) -> BankList:
    listed = None
    identity = name_or_id if isinstance(name_or_id, UUID) else _as_uuid(name_or_id)
    if identity is not None:
        listed = repository.list_by_id(connection, identity)
    if listed is None and isinstance(name_or_id, str):
        listed = repository.list_by_name(connection, name_or_id)
    if listed is None:
        raise NotFound(f"there is no list {str(name_or_id)!r}")
    return listed


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _sorted_out(
    listed: BankList, entries: Iterable[NewIndicator]
) -> tuple[list[Entry], list[Refusal]]:
    accepted: list[Entry] = []
    refused: list[Refusal] = []
    for number, new in enumerate(entries, 1):
        try:
            accepted.append(entry_for(listed, new))
        except InvalidInput as error:
            refused.append(refusal_of(error, line=number))
    return accepted, refused


def _readings(value: Value) -> list[tuple[IndicatorKind, bytes]]:
    """What a value to be withdrawn may stand for."""
    if isinstance(value, tuple):
        kind, text = value
        return [(kind, canonical_value(kind, text))]
    kinds = possible_kinds(value)
    if not kinds:
        raise InvalidInput(f"{value!r} is no hash, link or domain", field="values")
    return [(kind, canonical_value(kind, value)) for kind in kinds]


def _standing(
    connection: Connection,
    listed: BankList,
    values: Sequence[Value],
    wanted: Sequence[Sequence[tuple[IndicatorKind, bytes]]],
) -> tuple[list[int], list[str]]:
    """Ids of the values that stand on the list, and the values that do not."""
    every = [reading for readings in wanted for reading in readings]
    found = {
        (row.kind, row.value): row.id
        for row in repository.live_values(connection, listed.id, every)
    }
    ids: list[int] = []
    missing: list[str] = []
    for value, readings in zip(values, wanted, strict=True):
        standing = [reading for reading in readings if reading in found]
        if len(standing) > 1:
            kinds = " and ".join(kind for kind, _ in standing)
            raise Conflict(f"{shown_value(*standing[0])} is listed as {kinds}; say which")
        if standing:
            ids.append(found[standing[0]])
        else:
            missing.append(value if isinstance(value, str) else value[1])
    return ids, missing
