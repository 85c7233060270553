"""What the bank writes into the ledger: ids, counts and a digest, never a list of values."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lapwing.bank.repository import Written
from lapwing.model.actors import Actor
from lapwing.model.events import Event, EventKind
from lapwing.model.indicators import BankList

MAX_RANGES = 100
"""Ranges of ids an event spells out; beyond this only the first and the last id stand in it."""


def list_created(listed: BankList, actor: Actor, generation: int) -> Event:
    data = {
        "name": listed.name,
        "kind": listed.kind.value,
        "source": listed.source,
        "basis": listed.basis,
        "category": listed.category,
        "verified": listed.verified,
        "known_distance": listed.known_distance,
        "near_distance": listed.near_distance,
        "action": listed.action.value,
        "valid_from": _text(listed.valid_from),
        "valid_until": _text(listed.valid_until),
        "generation": generation,
    }
    return Event(
        kind=EventKind.LIST_CREATED,
        at=listed.created_at,
        actor=actor,
        subject=str(listed.id),
        data=data,
    )


CHANGEABLE = ("action", "verified", "known_distance", "near_distance", "valid_from", "valid_until")


def list_changed(
    before: BankList, after: BankList, actor: Actor, at: datetime, generation: int, why: str
) -> Event:
    changed = [name for name in CHANGEABLE if getattr(before, name) != getattr(after, name)]
    data = {
        "name": after.name,
        "before": {name: _plain(getattr(before, name)) for name in changed},
        "after": {name: _plain(getattr(after, name)) for name in changed},
        "why": why,
        "generation": generation,
    }
    return Event(kind=EventKind.LIST_CHANGED, at=at, actor=actor, subject=str(after.id), data=data)


def indicators_added(
    listed: BankList, actor: Actor, at: datetime, generation: int, added: Sequence[Written]
) -> Event:
    data = _summary(listed, generation, added)
    return Event(
        kind=EventKind.INDICATORS_ADDED, at=at, actor=actor, subject=str(listed.id), data=data
    )


def indicators_withdrawn(
    listed: BankList,
    actor: Actor,
    at: datetime,
    generation: int,
    withdrawn: Sequence[Written],
    why: str,
) -> Event:
    data = _summary(listed, generation, withdrawn) | {"why": why}
    return Event(
        kind=EventKind.INDICATORS_WITHDRAWN, at=at, actor=actor, subject=str(listed.id), data=data
    )


def digest(written: Sequence[Written]) -> str:
    """SHA-256 over the rows by rising id: id (8 bytes), kind, 0x00, length (4 bytes), value."""
    state = hashlib.sha256()
    for row in sorted(written):
        state.update(row.id.to_bytes(8, "big"))
        state.update(row.kind.encode() + b"\x00")
        state.update(len(row.value).to_bytes(4, "big") + row.value)
    return state.hexdigest()


def _summary(listed: BankList, generation: int, written: Sequence[Written]) -> dict[str, Any]:
    ids = sorted(row.id for row in written)
    ranges = _ranges(ids)
    return {
        "list": listed.name,
        "generation": generation,
        "count": len(ids),
        "ids": ranges if len(ranges) <= MAX_RANGES else [[ids[0], ids[-1]]],
        "ids_complete": len(ranges) <= MAX_RANGES,
        "digest": digest(written),
    }


def _ranges(ids: Sequence[int]) -> list[list[int]]:
    """Rising ids as [first, last] of each unbroken run."""
    ranges: list[list[int]] = []
    for identity in ids:
        if ranges and identity == ranges[-1][1] + 1:
            ranges[-1][1] = identity
        else:
            ranges.append([identity, identity])
    return ranges


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
