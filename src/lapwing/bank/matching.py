"""Hashes against an organisation's lists, answered in full: for members and their own machines.

The answer tells distance, source and list, so it must never reach a hosted caller from outside
(DESIGN, Do no harm 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

import numpy as np
from msgspec import Struct

from lapwing.bank.canonical import canonical_value, guessed_kind, shown_value
from lapwing.bank.index.hits import HASH_WIDTHS, Hit
from lapwing.bank.index.view import BankView
from lapwing.model.errors import InvalidInput, LimitExceeded
from lapwing.model.indicators import IndicatorKind, ListKind

MAX_HASHES = 10_000
"""Hashes a call."""


class MatchLevel(StrEnum):
    KNOWN = "known"
    NEAR = "near"
    """Looks alike, or stands on a list that is not verified or only asks for review."""
    HARMLESS = "harmless"
    """Equal to an entry of an allow list."""


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
    """Every match of every hash, ordered by query, distance, indicator.

    Raises InvalidInput naming the first hash that cannot be used (`hashes[3].hash`), and
    LimitExceeded beyond 10,000 hashes.
    """
    if len(hashes) > MAX_HASHES:
        raise LimitExceeded(f"more than {MAX_HASHES} hashes in one call", field="hashes")
    asked: dict[IndicatorKind, list[tuple[int, bytes]]] = {}
    for number, query in enumerate(hashes):
        kind, value = _read(number, query)
        asked.setdefault(kind, []).append((number, value))
    found: list[Match] = []
    for kind, values in asked.items():
        hits = _hits(view, kind, [value for _, value in values])
        for hit in hits:
            number, value = values[hit.query]
            found.append(_match(view, hashes[number], number, shown_value(kind, value), hit))
    return sorted(found, key=lambda match: (match.query, match.distance, match.indicator))


def _hits(view: BankView, kind: IndicatorKind, values: list[bytes]) -> list[Hit]:
    if kind is not IndicatorKind.PDQ:
        return view.exact(kind, values)
    return view.near(np.frombuffer(b"".join(values), np.uint8).reshape(len(values), -1))


def _read(number: int, query: HashQuery) -> tuple[IndicatorKind, bytes]:
    place = f"hashes[{number}]"
    try:
        kind = guessed_kind(query.hash) if query.kind is None else query.kind
        if kind not in HASH_WIDTHS:
            raise InvalidInput("a link or domain is screened, not matched as a hash", field="kind")
        if query.quality is not None and not 0 <= query.quality <= 100:
            raise InvalidInput("must lie between 0 and 100", field="quality")
        return kind, canonical_value(kind, query.hash)
    except InvalidInput as error:
        field = "hash" if error.field == "value" else error.field
        raise InvalidInput(error.message, field=f"{place}.{field}") from error


def _match(view: BankView, query: HashQuery, number: int, value: str, hit: Hit) -> Match:
    if hit.list.kind is ListKind.ALLOW:
        level = MatchLevel.HARMLESS
    elif hit.known(query.quality):
        level = MatchLevel.KNOWN
    else:
        level = MatchLevel.NEAR
    return Match(
        query=number,
        hash=value,
        kind=hit.kind,
        level=level,
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
