"""SQL of the ledger. Every function works inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from lapwing.evidence.heads import SignedHead
from lapwing.evidence.leaves import Sealed
from lapwing.evidence.tables import ledger_events, ledger_heads, ledger_stamps, ledger_tiles
from lapwing.evidence.tiles import Coordinate
from lapwing.model.events import EventKind

_lock = text("select pg_advisory_xact_lock(hashtextextended('lapwing.ledger:' || :o, 0))")

# Arrays of a thousand values cost the driver more than the insert costs the server, so the fixed
# parts travel as one string each and the rest as one JSON document.
_insert_events = text(
    """insert into ledger_events
         (organisation_id, position, kind, at, subject, case_id, salt, body, commitment)
       select :o, :first + row - 1, kind, at, subject, case_id,
              substr(:salts, cast(row - 1 as integer) * 16 + 1, 16),
              substr(:bodies, start + 1, length),
              substr(:commitments, cast(row - 1 as integer) * 32 + 1, 32)
         from rows from (
           json_to_recordset(:plain) as (kind text, at timestamptz, subject text, case_id uuid,
                                         start integer, length integer)
         ) with ordinality
           as leaf (kind, at, subject, case_id, start, length, row)"""
)


_select_tiles = text(
    """select tile.level, tile.number, tile.hashes
         from unnest(cast(:levels as smallint[]), cast(:numbers as bigint[])) wanted (level, number)
         join ledger_tiles tile
           on tile.organisation_id = :o
              and tile.level = wanted.level and tile.number = wanted.number"""
)

_put_tiles = text(
    """insert into ledger_tiles (organisation_id, level, number, hashes)
       select :o, level, number, hashes
         from unnest(cast(:levels as smallint[]), cast(:numbers as bigint[]),
                     cast(:hashes as bytea[])) as tile (level, number, hashes)
       on conflict (organisation_id, level, number) do update set hashes = excluded.hashes"""
)

_extent = text(
    """with newest as (
         select * from ledger_heads where organisation_id = :o order by size desc limit 1)
       select :o as organisation_id, newest.size, newest.root, newest.at, newest.key_id,
              newest.signature, events.last, tile.level, tile.number, tile.hashes
         from (select max(position) as last from ledger_events where organisation_id = :o) events
         left join newest on true
         left join ledger_tiles tile on tile.organisation_id = :o
              and (tile.level not between 0 and 6 or tile.number < 0
                   or tile.number >= coalesce(newest.size, 0) >> (8 * (tile.level + 1)))"""
)


class Extent(NamedTuple):
    """The newest head, the last event's position, and all tiles from the head's edge on."""

    head: SignedHead | None
    last: int | None
    tiles: dict[Coordinate, bytes]


class Leaf(NamedTuple):
    """One row of ledger_events as read back. `salt` and `body` are None once erased."""

    position: int
    kind: str
    at: datetime
    subject: str
    case_id: UUID | None
    salt: bytes | None
    body: bytes | None
    commitment: bytes


class Stamp(NamedTuple):
    """What a time-stamping authority said of the head of `size`: that it was there at `at`.

    `authority` is the name in its certificate, `response` its answer (RFC 3161, DER).
    """

    size: int
    at: datetime
    authority: str
    response: bytes


Newest = tuple[SignedHead, Leaf | None]
"""A head and the event it ends with; None at the head of an empty tree."""


def lock(connection: Connection, organisation: UUID) -> None:
    """Hold the organisation's ledger until the transaction ends; other appends wait."""
    connection.execute(_lock, {"o": str(organisation)})


def add_leaves(
    connection: Connection, organisation: UUID, first: int, leaves: Sequence[Sealed]
) -> None:
    """Insert leaves at positions `first`, `first + 1`, …"""
    plain = []
    start = 0
    for leaf in leaves:
        event, length = leaf.event, len(leaf.body)
        plain.append(
            {
                "kind": event.kind,
                "at": event.at,
                "subject": event.subject,
                "case_id": event.case,
                "start": start,
                "length": length,
            }
        )
        start += length
    connection.execute(
        _insert_events,
        {
            "o": organisation,
            "first": first,
            "plain": msgspec.json.encode(plain).decode(),
            "salts": b"".join(leaf.salt for leaf in leaves),
            "bodies": b"".join(leaf.body for leaf in leaves),
            "commitments": b"".join(leaf.commitment for leaf in leaves),
        },
    )


def leaves(connection: Connection, organisation: UUID, start: int, end: int) -> list[Leaf]:
    """The rows with positions in [start, end), in order."""
    found = connection.execute(
        select(*_leaf_columns)
        .where(
            ledger_events.c.organisation_id == organisation,
            ledger_events.c.position >= start,
            ledger_events.c.position < end,
        )
        .order_by(ledger_events.c.position)
    )
    return [_leaf(row) for row in found]


def leaves_of_case(connection: Connection, organisation: UUID, case: UUID) -> list[Leaf]:
    found = connection.execute(
        select(*_leaf_columns)
        .where(ledger_events.c.organisation_id == organisation, ledger_events.c.case_id == case)
        .order_by(ledger_events.c.position)
    )
    return [_leaf(row) for row in found]


def leaf_at(connection: Connection, organisation: UUID, position: int) -> Leaf | None:
    found = leaves(connection, organisation, position, position + 1)
    return found[0] if found else None


def extent(connection: Connection, organisation: UUID) -> Extent:
    """How far the ledger reaches, read in one statement while others may append."""
    rows = connection.execute(_extent, {"o": organisation}).all()
    head = None if rows[0].size is None else _head(rows[0])
    tiles = {(row.level, row.number): bytes(row.hashes) for row in rows if row.hashes is not None}
    return Extent(head=head, last=rows[0].last, tiles=tiles)


def erase(connection: Connection, organisation: UUID, positions: Collection[int]) -> int:
    """Clear salt and body, which cannot be undone. Returns how many still had them.

    The rotation of a signing key stays: it names keys and no person, and proves later heads.
    """
    done = connection.execute(
        update(ledger_events)
        .where(
            ledger_events.c.organisation_id == organisation,
            ledger_events.c.position == func.any(list(positions)),
            ledger_events.c.body.is_not(None),
            ledger_events.c.kind != EventKind.SIGNING_KEY_ROTATED,
        )
        .values(salt=None, body=None)
    )
    return done.rowcount


def tiles(
    connection: Connection, organisation: UUID, wanted: Iterable[Coordinate]
) -> dict[Coordinate, bytes]:
    """Those of the wanted tiles that are stored."""
    places = sorted(wanted)
    if not places:
        return {}
    found = connection.execute(
        _select_tiles,
        {
            "o": organisation,
            "levels": [level for level, _ in places],
            "numbers": [number for _, number in places],
        },
    )
    return {(row.level, row.number): bytes(row.hashes) for row in found}


def tile_range(
    connection: Connection, organisation: UUID, level: int, start: int, end: int
) -> dict[int, bytes]:
    """The stored tiles of a level with numbers in [start, end)."""
    found = connection.execute(
        select(ledger_tiles.c.number, ledger_tiles.c.hashes).where(
            ledger_tiles.c.organisation_id == organisation,
            ledger_tiles.c.level == level,
            ledger_tiles.c.number >= start,
            ledger_tiles.c.number < end,
        )
    )
    return {row.number: bytes(row.hashes) for row in found}


def put_tiles(
    connection: Connection, organisation: UUID, changed: Mapping[Coordinate, bytes]
) -> None:
    connection.execute(
        _put_tiles,
        {
            "o": organisation,
            "levels": [level for level, _ in changed],
            "numbers": [number for _, number in changed],
            "hashes": list(changed.values()),
        },
    )


def latest_head(connection: Connection, organisation: UUID) -> SignedHead | None:
    row = connection.execute(
        select(ledger_heads)
        .where(ledger_heads.c.organisation_id == organisation)
        .order_by(ledger_heads.c.size.desc())
        .limit(1)
    ).first()
    return None if row is None else _head(row)


def newest(connection: Connection, organisation: UUID) -> Newest | None:
    """The newest head and the event it ends with, in one statement."""
    row = connection.execute(
        select(ledger_heads, *(column.label(f"leaf_{column.name}") for column in _leaf_columns))
        .outerjoin(
            ledger_events,
            (ledger_events.c.organisation_id == ledger_heads.c.organisation_id)
            & (ledger_events.c.position == ledger_heads.c.size - 1),
        )
        .where(ledger_heads.c.organisation_id == organisation)
        .order_by(ledger_heads.c.size.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    leaf = [row._mapping[f"leaf_{column.name}"] for column in _leaf_columns]
    return _head(row), None if leaf[0] is None else Leaf(*leaf)


def head_of_size(connection: Connection, organisation: UUID, size: int) -> SignedHead | None:
    row = connection.execute(
        select(ledger_heads).where(
            ledger_heads.c.organisation_id == organisation, ledger_heads.c.size == size
        )
    ).first()
    return None if row is None else _head(row)


def heads(connection: Connection, organisation: UUID, after: int, upto: int) -> list[SignedHead]:
    """Heads with sizes in (after, upto], smallest first."""
    found = connection.execute(
        select(ledger_heads)
        .where(
            ledger_heads.c.organisation_id == organisation,
            ledger_heads.c.size > after,
            ledger_heads.c.size <= upto,
        )
        .order_by(ledger_heads.c.size)
    )
    return [_head(row) for row in found]


def stamps(connection: Connection, organisation: UUID, after: int, upto: int) -> list[Stamp]:
    """Stamps of heads with sizes in (after, upto], smallest first."""
    found = connection.execute(
        select(*_stamp_columns)
        .where(
            ledger_stamps.c.organisation_id == organisation,
            ledger_stamps.c.size > after,
            ledger_stamps.c.size <= upto,
        )
        .order_by(ledger_stamps.c.size)
    )
    return [Stamp(*row) for row in found]


def latest_stamp(connection: Connection, organisation: UUID) -> Stamp | None:
    row = connection.execute(
        select(*_stamp_columns)
        .where(ledger_stamps.c.organisation_id == organisation)
        .order_by(ledger_stamps.c.size.desc())
        .limit(1)
    ).first()
    return None if row is None else Stamp(*row)


def add_stamp(connection: Connection, organisation: UUID, stamp: Stamp) -> None:
    """Keep a stamp; the first one of a head stays."""
    connection.execute(
        insert(ledger_stamps)
        .values(organisation_id=organisation, **stamp._asdict())
        .on_conflict_do_nothing()
    )


def add_head(connection: Connection, head: SignedHead) -> None:
    connection.execute(
        ledger_heads.insert().values(
            organisation_id=head.organisation,
            size=head.size,
            root=bytes.fromhex(head.root),
            at=head.at,
            key_id=head.key_id,
            signature=bytes.fromhex(head.signature),
        )
    )


_stamp_columns = (
    ledger_stamps.c.size,
    ledger_stamps.c.at,
    ledger_stamps.c.authority,
    ledger_stamps.c.response,
)

_leaf_columns = (
    ledger_events.c.position,
    ledger_events.c.kind,
    ledger_events.c.at,
    ledger_events.c.subject,
    ledger_events.c.case_id,
    ledger_events.c.salt,
    ledger_events.c.body,
    ledger_events.c.commitment,
)


def _leaf(row: Row[*tuple[Any, ...]]) -> Leaf:
    return Leaf(*row)


def _head(row: Row[*tuple[Any, ...]]) -> SignedHead:
    return SignedHead(
        organisation=row.organisation_id,
        size=row.size,
        root=bytes(row.root).hex(),
        at=row.at,
        key_id=row.key_id,
        signature=bytes(row.signature).hex(),
    )
