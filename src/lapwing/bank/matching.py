"""Hashes against an organisation's lists, answered in full: for members and their own machines.

The answer tells distance, source and list, so it must never reach a hosted caller from outside
(DESIGN, Do no harm 10).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import numpy as np
from msgspec import Struct

from lapwing.bank.canonical import canonical_value, guessed_kind
from lapwing.bank.index.hits import HASH_WIDTHS, PERCEPTUAL, Hit
from lapwing.bank.index.view import BankView
from lapwing.model.errors import InvalidInput, LimitExceeded
from lapwing.model.indicators import CountReason, IndicatorKind, ListAction, ListKind

MAX_HASHES = 10_000
"""Hashes a call."""
PDQ_BYTES = 32


class MatchLevel(StrEnum):
    KNOWN = "known"
    NEAR = "near"
    """Looks alike, or stands on a list that is not verified or only asks for review."""
    HARMLESS = "harmless"
    """Equal to an entry of an allow list."""
    NONE = "none"
    """Listed, but it does not count; `reason` says why."""


class HashQuery(Struct, frozen=True, kw_only=True):
    """A hash to look up. `kind` may be left out for MD5 and SHA-1, whose length tells them."""

    hash: str
    kind: IndicatorKind | None = None
    quality: int | None = None
    """PDQ quality of the picture asked about; without it a PDQ match is never *known*."""


class Match(Struct, frozen=True, kw_only=True):
    """One listed indicator that equals or resembles the hash asked."""

    query: int
    """Place of the hash in the call, from 0."""
    hash: str
    kind: IndicatorKind
    level: MatchLevel
    counted: bool
    """Whether it takes part in what follows; where not, `reason` says why."""
    reason: CountReason | None
    """Why it does not count, or for less than the list says; null where it counts in full."""
    asks: ListAction
    """What the list asks for on this match."""
    distance: int
    """Bits of 256; 0 when equal."""
    quality: int | None
    """PDQ quality of the listed picture, where its source gave it."""
    value: str
    """The listed hash."""
    indicator: int
    list: UUID
    list_name: str
    verified: bool
    source: str
    category: str
    generation: int
    """Bank generation that answered."""


def match_hashes(view: BankView, hashes: Sequence[HashQuery]) -> list[Match]:
    """Every match of every hash, ordered by query, distance, indicator; those that do not count
    too, with the reason.

    Each hash is judged by itself: an allow entry answers for a verified list only where both are
    of the hash that was asked. Raises InvalidInput naming the first hash that cannot be used
    (`hashes[3].hash`), and LimitExceeded beyond 10,000 hashes.
    """
    by_query = hits_by_query(view, hashes, every=True)
    found: list[Match] = []
    for number in sorted(by_query):
        query = hashes[number]
        hits = sorted(by_query[number], key=lambda hit: (hit.distance, hit.indicator))
        allows = _allowed(hits, query.quality)
        found += [_match(view, query, number, hit, allows) for hit in hits]
    return found


def hits_by_query(
    view: BankView, hashes: Sequence[HashQuery], *, every: bool = False
) -> dict[int, list[Hit]]:
    """The hits of each hash that has any, by its place; with `every`, also those that do not
    count. Raises as `match_hashes`."""
    by_query: dict[int, list[Hit]] = {}
    for numbers, hits in _found(view, hashes, every=every):
        for hit in hits:
            by_query.setdefault(numbers[hit.query], []).append(hit)
    return by_query


def asked_of(
    by_query: Mapping[int, Sequence[Hit]],
    hashes: Sequence[HashQuery],
    flooded: Collection[int] = (),
) -> list[ListAction | None]:
    """For each hash what the lists ask for together; None where nothing that counts matches.

    `flooded` are indicators that have become so only now.
    """
    asked: list[ListAction | None] = [None] * len(hashes)
    for number, hits in by_query.items():
        quality = hashes[number].quality
        asking = [
            min(hit.asks(quality), ListAction.HOLD, key=lambda action: action.rank)
            if hit.indicator in flooded
            else hit.asks(quality)
            for hit in hits
            if hit.list.kind is not ListKind.ALLOW
        ]
        if asking and not _allowed(hits, quality):
            asked[number] = max(asking, key=lambda action: action.rank)
    return asked


def matches_of(by_query: Mapping[int, Sequence[Hit]]) -> Counter[tuple[UUID, int]]:
    """How often each (list, indicator) was hit, allow lists aside."""
    return Counter(
        (hit.list.id, hit.indicator)
        for hits in by_query.values()
        for hit in hits
        if hit.list.kind is not ListKind.ALLOW
    )


def _found(
    view: BankView, hashes: Sequence[HashQuery], *, every: bool
) -> Iterator[tuple[list[int], list[Hit]]]:
    """By kind of hash: the places of the hashes in the call, and the hits."""
    if len(hashes) > MAX_HASHES:
        raise LimitExceeded(f"more than {MAX_HASHES} hashes in one call", field="hashes")
    asked: dict[IndicatorKind, tuple[list[int], list[bytes]]] = {}
    for number, query in enumerate(hashes):
        kind, value = _read(number, query)
        pair = asked.get(kind)
        if pair is None:
            pair = asked[kind] = ([], [])
        pair[0].append(number)
        pair[1].append(value)
    for kind, (numbers, values) in asked.items():
        if kind in PERCEPTUAL:
            octets = np.frombuffer(b"".join(values), np.uint8).reshape(len(values), -1)
            hits = view.near(np.ascontiguousarray(octets[:, :PDQ_BYTES]), kind, every=every)
        else:
            hits = view.exact(kind, values, every=every)
        if hits:
            yield numbers, hits


def _read(number: int, query: HashQuery) -> tuple[IndicatorKind, bytes]:
    try:
        kind = guessed_kind(query.hash) if query.kind is None else query.kind
        if kind not in HASH_WIDTHS:
            raise InvalidInput("a link or domain is screened, not matched as a hash", field="kind")
        if query.quality is not None and not 0 <= query.quality <= 100:
            raise InvalidInput("must lie between 0 and 100", field="quality")
        return kind, canonical_value(kind, query.hash)
    except InvalidInput as error:
        field = "hash" if error.field == "value" else error.field
        raise InvalidInput(error.message, field=f"hashes[{number}].{field}") from error


def _allowed(hits: Sequence[Hit], quality: int | None) -> bool:
    """Whether an allow entry beats all other lists: a verified one only with a second member."""
    counted = [hit for hit in hits if hit.out is None]
    allowed = [hit for hit in counted if hit.list.kind is ListKind.ALLOW]
    if not allowed:
        return False
    return any(hit.confirmed for hit in allowed) or not any(hit.known(quality) for hit in counted)


def _match(view: BankView, query: HashQuery, number: int, hit: Hit, allows: bool) -> Match:
    reason, level = hit.reason(query.quality), MatchLevel.NEAR
    counted = hit.out is None
    if hit.list.kind is ListKind.ALLOW:
        level = MatchLevel.HARMLESS
        if counted and not allows:
            counted, reason = False, CountReason.ALLOW_ENTRY_UNCONFIRMED
    elif counted and allows:
        counted, reason = False, CountReason.ALLOW_ENTRY
    elif hit.known(query.quality):
        level = MatchLevel.KNOWN
    return Match(
        query=number,
        hash=query.hash.strip().lower(),
        kind=hit.kind,
        level=level if counted else MatchLevel.NONE,
        counted=counted,
        reason=reason,
        asks=hit.asks(query.quality) if counted else ListAction.NONE,
        distance=hit.distance,
        quality=hit.quality,
        value=hit.value,
        indicator=hit.indicator,
        list=hit.list.id,
        list_name=hit.list.name,
        verified=hit.list.verified,
        source=hit.source,
        category=hit.category,
        generation=view.generation,
    )
