"""One organisation with something of everything, and arguments that reach for it.

`arguments` fills a function's parameters by name and type with the ids, names, secrets and records
of that organisation, so that a new function is tried without an entry of its own.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
import numpy as np
from msgspec.structs import replace
from sqlalchemy import Connection, text

from lapwing.app import House
from lapwing.bank.changes import NewList
from lapwing.bank.index.snapshot import Snapshot
from lapwing.bank.opinion_records import Says
from lapwing.members.tokens import digest
from lapwing.model.actors import SYSTEM, Actor
from lapwing.model.cases import CaseState, Outcome
from lapwing.model.indicators import IndicatorKind, ListKind, NewIndicator
from lapwing.model.organisations import Member, Role
from lapwing.store.clock import new_id, utc_now
from web_world import KNOWN_URL, Side, opened_client, session_of, settle

THEIRS = "d7" * 32
"""SHA-256 that the other organisation lists, and holds an item for."""

ALLOWED = "0" * 63 + "1"
"""SHA-256 on the other's allow list; as a PDQ hash, one bit from what its hosted caller asked."""

CONTAINERS = (list, tuple, set, frozenset, Sequence, Iterable, Collection)
FAR = timedelta(days=3650)


@dataclass
class World:
    """What the one organisation has, and who reaches for it."""

    house: House
    side: Side
    stranger: Side
    names: dict[str, Any]
    traces: frozenset[str]
    """What would give the organisation away wherever it turned up."""

    def arguments(
        self, place: str, function: Callable[..., Any], organisation: UUID
    ) -> dict[str, Any]:
        """Values for every parameter; `organisation` is the id that the caller claims to be."""
        hints = get_type_hints(function)
        return {
            name: self.value(place, name, hints.get(name, Any), organisation)
            for name, parameter in inspect.signature(function).parameters.items()
            if name not in ("self", "connection") and parameter.kind is not parameter.VAR_KEYWORD
        } | self.names.get(f"{place}:columns", {})

    def value(self, place: str, name: str, hint: Any, organisation: UUID) -> Any:
        if f"{place}:{name}" in self.names:
            return self.names[f"{place}:{name}"]
        if name in ("organisation", "organisation_id") and hint is UUID:
            return organisation
        if hint is Member:
            mine = organisation == self.stranger.organisation
            return self.stranger.admin if mine else self.side.reviewer
        if hint is Actor:
            return SYSTEM
        if name in self.names and fits(self.names[name], hint):
            return self.names[name]
        return self.sample(place, name, hint, organisation)

    def sample(self, place: str, name: str, hint: Any, organisation: UUID) -> Any:
        """A value of this type made of what the organisation has."""

        def inside(of: Any, called: str = name) -> Any:
            return self.value(place, called, of, organisation)

        origin, parts = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            kinds = [part for part in parts if part is not type(None)]
            return inside(UUID if UUID in kinds else kinds[0])
        if origin is tuple and Ellipsis not in parts:
            return tuple(inside(part) for part in parts)
        if origin in CONTAINERS:
            made = [inside(parts[0])]
            return (
                tuple(made) if origin is tuple else frozenset(made) if origin is frozenset else made
            )
        if origin in (dict, Mapping):
            return {inside(parts[0]): inside(parts[1])}
        if origin is Callable or hasattr(hint, "_is_protocol"):
            return lambda *_, **__: None
        if isinstance(hint, type) and issubclass(hint, Enum):
            return next(iter(hint))
        members = members_of(hint)
        if members is not None:
            return hint(**{key: inside(of, key) for key, of in members.items()})
        plain: dict[Any, Any] = {
            UUID: self.side.case,
            str: "test",
            int: 1,
            bool: False,
            bytes: b"\x01" * 32,
            datetime: utc_now(),
            date: utc_now().date(),
            timedelta: timedelta(0),
            float: 0.5,
            msgspec.Raw: msgspec.Raw(b"{}"),
            Any: "test",
            object: "test",
        }
        if hint in plain:
            return plain[hint]
        raise LookupError(f"{place}: no value for {name}: {hint}; give one in tests/wall_world.py")


def members_of(hint: Any) -> dict[str, Any] | None:
    """Field names and types that a struct, a named tuple or a data class cannot do without."""
    if not isinstance(hint, type):
        return None
    if issubclass(hint, msgspec.Struct):
        needed = {field.name for field in msgspec.structs.fields(hint) if field.required}
    elif hasattr(hint, "_fields"):
        needed = set(hint._fields)
    elif is_dataclass(hint):
        needed = {field.name for field in fields(hint)}
    else:
        return None
    hints = get_type_hints(hint)
    return {name: hints[name] for name in hints if name in needed}


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of this type, as far as its first element tells."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if origin in (*CONTAINERS, dict, Mapping):
        first = next(iter(value), None) if isinstance(value, origin) else None
        return first is not None and (parts[0] is Any or fits(first, parts[0]))
    if not isinstance(hint, type) or hasattr(hint, "_is_protocol"):
        return False
    return isinstance(value, hint) and type(value) is not bool


def furnish(house: House) -> World:
    """An organisation with a row in every table that the services fill, and a stranger."""
    side = settle(house, "hawthorn", known=THEIRS)
    stranger = settle(house, "rowan")
    session = session_of(house, side.reviewer)
    link = house.members.sign_in_link(side.organisation, side.analyst.id)
    with house.database.organisation(side.organisation) as connection:
        uncover = house.vault.uncover(connection, side.organisation, side.reviewer, side.kept)
        head = house.ledger.head(connection, side.organisation)
    house.bank.withdraw(side.organisation, SYSTEM, side.list_id, values=[KNOWN_URL], why="test")
    allow = house.bank.create_list(
        side.organisation,
        SYSTEM,
        NewList(name="Allow", kind=ListKind.ALLOW, source="t", basis="t", category="t"),
    )
    entry = NewIndicator(kind=IndicatorKind.SHA256, value=ALLOWED)
    house.bank.add(side.organisation, SYSTEM, allow.id, [entry])
    pdq = side.indicators[1]
    house.opinions.give(side.organisation, side.reviewer, pdq, Says.FALSE, "wrong")
    doubted = {one.indicator: one for one in house.quarantine.acting(side.organisation)}
    house.quarantine.release(side.organisation, side.reviewer, doubted.pop(pdq).id, "right")
    (disputed,) = doubted
    verdict = house.cases.verdict(
        side.organisation,
        side.reviewer,
        side.case,
        Outcome.CONFIRMED,
        "known picture of the hawthorn",
    )
    ids = {
        "organisation": side.organisation,
        "admin": side.admin.id,
        "reviewer": side.reviewer.id,
        "case": side.case,
        "kept": side.kept,
        "verdict": verdict.id,
        "key": side.key_id,
        **{name: new_id() for name in ("passkey", "report", "confirmation")},
    }
    with house.database.organisation(side.organisation) as connection:
        for statement in ROWS:
            connection.execute(text(statement), ids)
        found = connection.execute(
            text(
                "select v.path, v.item_id, i.source, i.source_id from vault_objects v "
                "cross join items i where i.id = :item"
            ),
            {"item": side.item},
        ).one()
    # The verdict freed the account: sent again, it opens a second case.
    with opened_client(house) as client:
        again = {"kind": "media", "id": "again", "sha256": THEIRS, "account": "someone"}
        assert client.post("/v1/screen", headers=side.bearer, json=again).json()["cases_opened"]
    (second,) = house.cases.queue(side.organisation)
    for one in (side.case, second.id):
        house.cases.danger(side.organisation, side.reviewer, one, "a meeting under the hawthorn")
    house.members.change_organisation(side.organisation, SYSTEM, fallback_member=side.reviewer.id)
    subjects = house.cases.case(side.organisation, side.case).summary.subjects
    running, *_ = house.members.sessions(side.organisation, side.reviewer.id)
    mine = house.members.organisation(side.organisation)
    now = utc_now()
    lists = house.bank.lists(side.organisation) + house.bank.lists(stranger.organisation)
    assert head is not None
    names = {
        "case": side.case,
        "cases": [side.case],
        "case_id": side.case,
        "case_of": {side.item: side.case},
        "item": side.item,
        "items": [side.item],
        "item_id": side.item,
        "object_id": side.kept,
        "objects": [side.kept],
        "identities": [side.kept],
        "list_id": side.list_id,
        "lists": frozenset({side.list_id}),
        "wanted": [side.list_id],
        "name_or_id": side.list_id,
        "ids": list(side.indicators),
        "member": side.reviewer.id,
        "member_id": side.reviewer.id,
        "leaving": side.admin.id,
        "key": side.key_id,
        "key_id": side.key_id,
        "report": ids["report"],
        "passkey": ids["passkey"],
        "session": running.id,
        "verdict": verdict,
        "uncover": uncover,
        "head": head,
        "kept": head,
        "keys": house.keyring.verify_keys(side.organisation),
        "positions": list(range(head.size)),
        "why": "because",
        "limit": 100,
        "after": 0,
        "since": 0,
        "start": 0,
        "first": head.size,
        "size": head.size,
        "old": 1,
        "end": 100,
        "upto": 10_000,
        "until": 1_000_000_000,
        "level": 0,
        "position": 0,
        "generation": 1_000_000,
        "credential_id": b"hawthorn-credential",
        "selector": "hawthorn-selector",
        "method": "recovery",
        "authority": "hawthorn-authority",
        "token": digest(session),
        "secret": digest(side.secret),
        "value": THEIRS,
        "values": [THEIRS],
        "sha256": THEIRS,
        "how": "confirmed",
        "subject": "hawthorn-subject",
        "paths": [found.path],
        "subjects": ["hawthorn-subject"],
        "states": list(CaseState),
        "at": now,
        "now": now,
    }
    names |= {
        f"{place}:{name}": value
        for (place, name), value in {
            ("bank.hosted_rows.finding", "identity"): side.probing,
            ("bank.hosted_rows.see", "identity"): side.probing,
            ("bank.hosted_rows.near", "codes"): {0: ALLOWED},
            ("bank.hosted_rows.near", "since"): now - FAR,
            ("bank.hosted_rows.near", "radius"): 48,
            ("bank.hosted_rows.remember", "codes"): {0: ALLOWED},
            ("bank.hosted_rows.remember", "matched"): {0: True},
            ("bank.hosted_rows.remember", "since"): now - FAR,
            ("bank.marks.allow_entries", "kind"): IndicatorKind.SHA256,
            ("bank.marks.allow_entries", "value"): bytes.fromhex(ALLOWED),
            ("bank.opinion_rows.one", "identity"): side.opinion,
            ("bank.opinion_rows.retract", "identity"): side.opinion,
            ("bank.opinion_rows.opinions_of", "indicator"): disputed,
            ("bank.opinion_rows.standing_of", "indicator"): disputed,
            ("bank.opinion_rows.standing_of", "partner"): None,
            ("bank.override", "kind"): "sha256",
            ("bank.override", "value"): ALLOWED,
            ("bank.quarantine_rows.one", "identity"): side.quarantined,
            ("bank.quarantine_rows.confirm", "identity"): side.quarantined,
            ("bank.quarantine_rows.release", "identity"): side.quarantined,
            ("bank.quarantine_rows.dispute_of", "indicator"): disputed,
            ("bank.quarantine_rows.last_released", "indicator"): pdq,
            ("bank.loading.follow", "held"): Snapshot.empty(),
            ("bank.loading.follow", "lists"): lists,
            ("bank.loading.follow", "newest"): 10**9,
            ("hash_lists.import_rows", "left_out"): None,
            ("bank.loading.load", "lists"): lists,
            ("bank.rescan.listed_codes", "view"): house.live.snapshot().view(
                side.organisation, now
            ),
            ("bank.repository.change_list", "listed"): replace(
                house.bank.list_named(side.organisation, side.list_id), near_distance=11
            ),
            ("bank.repository.list_by_id", "identity"): side.list_id,
            ("bank.repository.list_by_name", "name"): "Verified",
            ("bank.repository.live_values", "values"): [
                (IndicatorKind.SHA256, bytes.fromhex(THEIRS))
            ],
            ("cases.repository.open_cases", "subjects"): subjects,
            ("cases.repository.earlier_cases", "subjects"): subjects,
            ("evidence.holds.preserve", "until"): now + FAR,
            ("evidence.objects.keep_until", "until"): now + FAR,
            ("evidence.objects.count_uncovers", "since"): now - FAR,
            ("evidence.objects.object_of_item", "item"): found.item_id,
            ("evidence.repository.tiles", "wanted"): [(0, 0)],
            ("members.link_rows.link_holder", "token"): digest(link),
            ("members.repository.change_organisation", "changed"): replace(mine, keep_days=7),
            ("members.repository.permit_member", "changed"): replace(
                side.reviewer, role=Role.ANALYST
            ),
            ("members.session_rows.see", "session"): running,
            ("report.repository.due", "now"): now + FAR,
            ("report.repository.change", "columns"): {"why": "because"},
            ("report.repository.change_mine", "columns"): {"why": "because"},
            ("report.repository.change_mine", "run"): 0,
            ("screening.repository.first_decisions", "keys"): [(found.source, found.source_id)],
            ("cases.repository.find", "case"): side.case,
            ("evidence.objects.object_with_id", "identity"): side.kept,
            ("evidence.objects.due_objects", "now"): now + FAR,
            ("members.repository.organisation", "identity"): side.organisation,
            ("members.repository.organisation_named", "name"): side.name,
            ("members.repository.member", "identity"): side.admin.id,
            ("members.repository.member_named", "name"): side.admin.name,
            ("members.repository.disable_member", "identity"): side.admin.id,
            ("members.repository.revoke_key", "identity"): side.key_id,
            ("members.link_rows.use_link", "token"): digest(link),
            ("confirm.repository.one", "identity"): ids["confirmation"],
            ("confirm.repository.answer", "identity"): ids["confirmation"],
        }.items()
    }
    traces = traces_of(house, side.organisation, stranger.organisation)
    return World(house, side, stranger, names, traces)


ROWS = (
    "insert into hosted_queries (organisation_id, key_id, code, matched, at) "
    "values (:organisation, :key, 0\\:\\:bit(256), true, now())",
    "insert into passkeys (organisation_id, id, member_id, credential_id, public_key, sign_count, "
    "backed_up, name, created_at) values (:organisation, :passkey, :reviewer, "
    "convert_to('hawthorn-credential', 'UTF8'), '\\x00', 0, false, 'hawthorn-passkey', now())",
    "insert into recovery_codes (organisation_id, selector, member_id, secret_hash, created_at) "
    "values (:organisation, 'hawthorn-selector', :reviewer, 'hawthorn-hash', now())",
    "insert into sign_in_failures (organisation_id, member_id, method, failures, last_at) "
    "values (:organisation, :reviewer, 'recovery', 1, now())",
    "insert into confirmations (organisation_id, id, kind, subject, basis, category, proposed_by, "
    "proposed_at, expires_at) values (:organisation, :confirmation, 'hawthorn-kind', "
    "'hawthorn-subject', 'test', 'test', :reviewer, now(), now() + interval '1 day')",
    "insert into reports (organisation_id, id, case_id, verdict_id, authority, state, drafted_by, "
    "drafted_at, keep_until, receipt) values (:organisation, :report, :case, :verdict, "
    "'hawthorn-authority', 'drafted', :reviewer, now(), now(), convert_to('hawthorn', 'UTF8'))",
    "insert into report_files "
    "(organisation_id, report_id, number, object_id, state, remote_file_id) "
    "values (:organisation, :report, 1, :kept, 'uploaded', 'hawthorn-file')",
    "insert into ledger_stamps (organisation_id, size, at, authority, response) "
    "select :organisation, max(size), now(), 'hawthorn-authority', '\\x00' from ledger_heads",
)
"""What no service makes without a browser, an authority or a second member."""


def tenant_tables(connection: Connection) -> list[str]:
    found = connection.execute(
        text(
            "select c.table_name from information_schema.columns c join information_schema.tables t"
            " using (table_schema, table_name) where t.table_schema = 'public' and"
            " t.table_type = 'BASE TABLE' and c.column_name = 'organisation_id' order by 1"
        )
    )
    return list(found.scalars())


def state_of(connection: Connection, organisation: UUID) -> dict[str, str]:
    """A digest of everything that the organisation has, by table; asked as the owner."""
    digests = " union all ".join(
        f"select '{table}', coalesce(md5(string_agg(t::text, '|' order by t::text)), '') "
        f"from {table} t where organisation_id = :o"
        for table in tenant_tables(connection)
    )
    own = "select 'organisations', md5(o::text) from organisations o where id = :o"
    rows = connection.execute(text(f"{digests} union all {own}"), {"o": organisation})
    return {row[0]: row[1] for row in rows}


def traces_of(house: House, organisation: UUID, but: UUID) -> frozenset[str]:
    """Every value of some length in what one organisation has, unless the other has it too."""
    with house.database.owner() as owner:
        mine, others = (set(values_of(owner, one)) for one in (organisation, but))
    return frozenset(
        value
        for value in mine - others
        if len(value) >= 8 and ("hawthorn" in value or any(c.isdigit() for c in value))
    )


def values_of(owner: Connection, organisation: UUID) -> Iterator[str]:
    for table in tenant_tables(owner):
        rows = owner.execute(
            text(f"select to_jsonb(t) from {table} t where organisation_id = :o"),
            {"o": organisation},
        )
        for row in rows.scalars():
            yield from leaves_of(list(row.values()))


def leaves_of(value: Any) -> Iterator[str]:
    """Every text in an answer; bytes as hex, ids as they are written."""
    if isinstance(value, str):
        yield value.removeprefix("\\x")
    elif isinstance(value, bytes | bytearray | memoryview):
        yield bytes(value).hex()
        yield bytes(value).decode("utf-8", "replace")
    elif isinstance(value, np.ndarray):
        yield value.tobytes().hex()
    elif isinstance(value, Snapshot):
        yield from leaves_of([value.words, value.marks, value.lists])
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from leaves_of(key)
            yield from leaves_of(one)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from leaves_of(one)
    elif isinstance(value, msgspec.Struct):
        yield from leaves_of([getattr(value, name) for name in value.__struct_fields__])
    elif is_dataclass(value) and not isinstance(value, type):
        yield from leaves_of([getattr(value, field.name) for field in fields(value)])
    elif value is not None and not isinstance(value, bool | int | float):
        yield str(value)
