"""The SQL of the hosted matcher's memory. Runs in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, Row, text

KEPT = 20_000
"""Questions of a key that are remembered; those that matched go last."""


class Near(Struct, frozen=True):
    """What a key asked within a day that resembles a question of now, the questions of now aside.

    `matched_codes`: up to three that matched, the nearest first, in hex.
    """

    variants: int
    matched: int
    matched_codes: tuple[str, ...]


class ProbingFinding(Struct, frozen=True, kw_only=True):
    """Questions of a hosted caller that looked like probing, of one key and day.

    `pattern`: `variants` (very many variations of one picture) or `straddling` (many that match
    beside many that do not).
    """

    id: UUID
    key: UUID
    key_name: str
    pattern: str
    day: date
    count: int
    first_at: datetime
    last_at: datetime
    seen_by: UUID | None
    seen_at: datetime | None
    seen_why: str | None


def lock(connection: Connection, key: UUID) -> None:
    """Calls of one key wait for one another, so that each sees what was asked before."""
    connection.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"hosted {key}"},
    )


_NEAR = text(
    """
    select n.number, count(*) as variants, count(*) filter (where q.matched) as matched,
           (array_agg(q.code::text order by bit_count(q.code # n.code)) filter (where q.matched))
             [1:3] as codes
      from (select number, code::bit(256) as code
              from unnest(cast(:numbers as int[]), cast(:codes as text[])) as asked (number, code)
           ) n
      join hosted_queries q
        on q.key_id = :key and q.at > :since and bit_count(q.code # n.code) <= :radius
       and q.code::text <> all(cast(:codes as text[]))
     group by n.number
    """
)


def near(
    connection: Connection, key: UUID, codes: Mapping[int, str], radius: int, since: datetime
) -> dict[int, Near]:
    """What the key asked since then within `radius` bits of each code (hex), by its number."""
    if not codes:
        return {}
    rows = connection.execute(
        _NEAR,
        {
            "numbers": list(codes),
            "codes": [_bits(code) for code in codes.values()],
            "key": key,
            "since": since,
            "radius": radius,
        },
    )
    return {
        row.number: Near(row.variants, row.matched, tuple(_hex(code) for code in row.codes or ()))
        for row in rows
    }


def remember(
    connection: Connection,
    organisation: UUID,
    key: UUID,
    codes: Mapping[int, str],
    matched: Mapping[int, bool],
    at: datetime,
    since: datetime,
) -> None:
    """Keep these questions, and let go of those from before `since` and beyond KEPT."""
    if not codes:
        return
    connection.execute(
        text(
            """
            insert into hosted_queries (organisation_id, key_id, code, matched, at)
            select :organisation, :key, code::bit(256), matched, :at
              from unnest(cast(:codes as text[]), cast(:matched as boolean[]))
                   as asked (code, matched)
             order by code
            on conflict (organisation_id, key_id, code) do update
               set matched = excluded.matched, at = excluded.at
            """
        ),
        {
            "organisation": organisation,
            "key": key,
            "codes": [_bits(code) for code in codes.values()],
            "matched": [matched[number] for number in codes],
            "at": at,
        },
    )
    connection.execute(
        text("delete from hosted_queries where key_id = :key and at <= :since"),
        {"key": key, "since": since},
    )
    # Looked at now and then only: by the first byte of the hash, once in 256 questions.
    if any(code.startswith("00") for code in codes.values()):
        connection.execute(
            text(
                "delete from hosted_queries where key_id = :key and code in (select code from "
                "hosted_queries where key_id = :key order by matched desc, at desc offset :kept)"
            ),
            {"key": key, "kept": KEPT},
        )


def find(
    connection: Connection,
    organisation: UUID,
    identity: UUID,
    key: UUID,
    pattern: str,
    count: int,
    at: datetime,
) -> UUID | None:
    """Count a pattern of this key and day; its id where it is the first."""
    row = connection.execute(
        text(
            """
            insert into hosted_findings as f (organisation_id, id, key_id, pattern, day, count,
                                              first_at, last_at)
            values (:organisation, :id, :key, :pattern, :day, :count, :at, :at)
            on conflict (organisation_id, key_id, pattern, day) do update
               set count = f.count + excluded.count, last_at = excluded.last_at
            returning id
            """
        ),
        {
            "organisation": organisation,
            "id": identity,
            "key": key,
            "pattern": pattern,
            "day": at.date(),
            "count": count,
            "at": at,
        },
    ).one()
    return identity if row.id == identity else None


_FINDINGS = """
    select f.id, f.key_id, k.name as key_name, f.pattern, f.day, f.count, f.first_at, f.last_at,
           f.seen_by, f.seen_at, f.seen_why
      from hosted_findings f join api_keys k on k.id = f.key_id
"""


def findings(connection: Connection, *, unseen: bool) -> list[ProbingFinding]:
    """Newest first, at most 100."""
    only = " where f.seen_at is null" if unseen else ""
    rows = connection.execute(text(_FINDINGS + only + " order by f.last_at desc, f.id limit 100"))
    return [_finding(row) for row in rows]


def finding(connection: Connection, identity: UUID) -> ProbingFinding | None:
    row = connection.execute(text(_FINDINGS + " where f.id = :id"), {"id": identity}).first()
    return _finding(row) if row else None


def see(connection: Connection, identity: UUID, member: UUID, why: str, at: datetime) -> bool:
    """False where somebody has looked before."""
    done = connection.execute(
        text(
            "update hosted_findings set seen_by = :member, seen_at = :at, seen_why = :why "
            "where id = :id and seen_at is null"
        ),
        {"id": identity, "member": member, "at": at, "why": why},
    )
    return bool(done.rowcount)


def _finding(row: Row[Any]) -> ProbingFinding:
    values = dict(row._mapping)
    return ProbingFinding(key=values.pop("key_id"), **values)


def _bits(code: str) -> str:
    return f"{int(code, 16):0256b}"


def _hex(bits: str) -> str:
    return f"{int(bits, 2):064x}"
