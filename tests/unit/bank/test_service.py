"""Lists and indicators against a real database: what is written, refused, repeated, withdrawn."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text

from lapwing.bank.service import Bank, NewList
from lapwing.evidence.ledger import Ledger
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import Conflict, InvalidInput, NotFound
from lapwing.model.indicators import BankList, IndicatorKind, ListKind, NewIndicator
from lapwing.store.clock import new_id
from lapwing.store.database import Database

MakeList = Callable[..., BankList]
NEW = NewList(name="n", kind=ListKind.BLOCK, source="s", basis="b", category="c")


def md5(number: int) -> NewIndicator:
    value = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
    return NewIndicator(kind=IndicatorKind.MD5, value=value)


def leaves(database: Database, organisation: UUID) -> list[dict[str, Any]]:
    with database.organisation(organisation) as connection:
        rows = connection.execute(text("select body from ledger_events order by position"))
        return [msgspec.json.decode(row.body) for row in rows]


def test_a_list_is_found_by_its_name_and_id(
    bank: Bank, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation, name="partner", known_distance=4, near_distance=20)
    assert bank.list_named(organisation, "partner") == listed
    assert bank.list_named(organisation, listed.id) == listed
    assert bank.list_named(organisation, str(listed.id)) == listed
    assert bank.lists(organisation) == [listed]


def test_two_lists_of_an_organisation_cannot_share_a_name(
    organisation: UUID, other_organisation: UUID, make_list: MakeList
) -> None:
    make_list(organisation, name="partner")
    make_list(other_organisation, name="partner")
    with pytest.raises(Conflict, match="partner"):
        make_list(organisation, name="partner")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"source": ""}, "source"),
        ({"basis": "x" * 501}, "basis"),
        ({"category": "a\x00b"}, "category"),
        ({"known_distance": 11}, "known_distance"),
        ({"known_distance": -1}, "known_distance"),
        ({"near_distance": 32}, "near_distance"),
        ({"known_distance": 9, "near_distance": 8}, "near_distance"),
        ({"valid_from": datetime(2026, 1, 1)}, "valid_from"),  # noqa: DTZ001
        (
            {
                "valid_from": datetime(2026, 1, 2, tzinfo=UTC),
                "valid_until": datetime(2026, 1, 2, tzinfo=UTC),
            },
            "valid_until",
        ),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_by_field(
    bank: Bank, organisation: UUID, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        bank.create_list(organisation, SYSTEM, msgspec.structs.replace(NEW, **changes))
    assert refused.value.field == field
    assert bank.lists(organisation) == []


def test_what_an_indicator_leaves_open_comes_from_its_list(
    bank: Bank, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    until = datetime(2030, 1, 1, tzinfo=UTC)
    added = bank.add(
        organisation,
        SYSTEM,
        listed.id,
        [
            NewIndicator(kind=IndicatorKind.PDQ, value="AB" * 32, quality=80),
            NewIndicator(
                kind=IndicatorKind.URL,
                value="HTTPS://Example.com/a/../b",
                category="own",
                source="police",
                basis="verdict",
                valid_until=until,
            ),
        ],
    )
    first, second = bank.indicators(organisation, listed.id)
    assert (first.id, second.id) == added.ids
    assert (first.value, first.quality) == ("ab" * 32, 80)
    assert (first.category, first.source, first.basis) == ("known", "hotline", "agreement")
    assert (second.value, second.valid_until) == ("example.com/b", until)
    assert (second.category, second.source, second.basis) == ("own", "police", "verdict")
    assert first.generation == second.generation == added.generation


def test_repeated_values_are_counted_and_every_refused_one_is_listed(
    bank: Bank, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    bank.add(organisation, SYSTEM, listed.id, [md5(1)])
    added = bank.add(
        organisation,
        SYSTEM,
        listed.id,
        [
            md5(1),
            NewIndicator(kind=IndicatorKind.SHA1, value="no"),
            md5(2),
            md5(2),
            NewIndicator(kind=IndicatorKind.DOMAIN, value="https://example.com/page"),
            NewIndicator(kind=IndicatorKind.PDQ, value="00" * 32, quality=101),
            NewIndicator(kind=IndicatorKind.MD5, value="00" * 16, basis="a\nb"),
        ],
    )
    assert (len(added.ids), added.repeated) == (1, 2)
    assert [(refusal.line, refusal.field) for refusal in added.refused] == [
        (2, "value"),
        (5, "value"),
        (6, "quality"),
        (7, "basis"),
    ]
    assert "40 hex digits" in added.refused[0].reason


def test_an_allow_list_takes_exact_cryptographic_hashes_only(
    bank: Bank, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation, kind=ListKind.ALLOW)
    values = {
        IndicatorKind.PDQ: "00" * 32,
        IndicatorKind.MD5: "00" * 16,
        IndicatorKind.SHA1: "00" * 20,
        IndicatorKind.SHA256: "00" * 32,
        IndicatorKind.URL: "https://example.com/",
        IndicatorKind.DOMAIN: "example.com",
    }
    entries = [NewIndicator(kind=kind, value=value) for kind, value in values.items()]
    added = bank.add(organisation, SYSTEM, listed.id, entries)
    kept = {each.kind for each in bank.indicators(organisation, listed.id)}
    assert kept == {IndicatorKind.MD5, IndicatorKind.SHA1, IndicatorKind.SHA256}
    assert [refusal.line for refusal in added.refused] == [1, 5, 6]
    assert all("allow list" in refusal.reason for refusal in added.refused)


def test_withdrawing_names_what_was_not_there(
    bank: Bank, organisation: UUID, make_list: MakeList
) -> None:
    listed, other = make_list(organisation), make_list(organisation)
    ids = bank.add(organisation, SYSTEM, listed.id, [md5(n) for n in range(4)]).ids
    elsewhere = bank.add(organisation, SYSTEM, other.id, [md5(9)]).ids[0]
    done = bank.withdraw(
        organisation,
        SYSTEM,
        listed.id,
        ids=[ids[0], elsewhere],
        values=[md5(1).value, (IndicatorKind.MD5, md5(2).value.upper()), md5(9).value],
        why="mistake",
    )
    assert done.ids == ids[:3]
    assert done.missing == (str(elsewhere), md5(9).value)
    assert [each.id for each in bank.indicators(organisation, listed.id)] == [ids[3]]
    assert len(bank.indicators(organisation, listed.id, withdrawn=True)) == 4
    assert len(bank.indicators(organisation, other.id)) == 1
    again = bank.withdraw(organisation, SYSTEM, listed.id, ids=ids[:1], why="mistake")
    assert (again.ids, again.missing) == ((), (str(ids[0]),))
    assert again.generation == done.generation


def test_withdrawing_needs_a_reason_and_a_value_that_means_one_thing(
    bank: Bank, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    entries = [
        NewIndicator(kind=kind, value="00" * 32)
        for kind in (IndicatorKind.PDQ, IndicatorKind.SHA256)
    ]
    bank.add(organisation, SYSTEM, listed.id, entries)
    with pytest.raises(InvalidInput) as refused:
        bank.withdraw(organisation, SYSTEM, listed.id, values=["00" * 32], why="  ")
    assert refused.value.field == "why"
    with pytest.raises(Conflict, match="pdq and sha256"):
        bank.withdraw(organisation, SYSTEM, listed.id, values=["00" * 32], why="mistake")
    assert len(bank.indicators(organisation, listed.id)) == 2


def test_a_withdrawn_value_can_be_added_again(
    bank: Bank, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    first = bank.add(organisation, SYSTEM, listed.id, [md5(1)])
    bank.withdraw(organisation, SYSTEM, listed.id, ids=first.ids, why="mistake")
    second = bank.add(organisation, SYSTEM, listed.id, [md5(1)])
    assert (len(second.ids), second.repeated) == (1, 0)
    assert second.ids != first.ids


def test_pages_follow_one_another(bank: Bank, organisation: UUID, make_list: MakeList) -> None:
    listed = make_list(organisation)
    ids = bank.add(organisation, SYSTEM, listed.id, [md5(n) for n in range(5)]).ids
    page = bank.indicators(organisation, listed.id, limit=2)
    assert [each.id for each in page] == list(ids[:2])
    rest = bank.indicators(organisation, listed.id, limit=10, after=page[-1].id)
    assert [each.id for each in rest] == list(ids[2:])
    with pytest.raises(InvalidInput):
        bank.indicators(organisation, listed.id, limit=0)


def test_another_organisation_finds_none_of_it(
    bank: Bank, organisation: UUID, other_organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    ids = bank.add(organisation, SYSTEM, listed.id, [md5(1)]).ids
    assert bank.lists(other_organisation) == []
    attempts: list[Callable[[], object]] = [
        lambda: bank.list_named(other_organisation, listed.id),
        lambda: bank.list_named(other_organisation, listed.name),
        lambda: bank.indicators(other_organisation, listed.id),
        lambda: bank.add(other_organisation, SYSTEM, listed.id, [md5(2)]),
        lambda: bank.withdraw(other_organisation, SYSTEM, listed.id, ids=ids, why="x"),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            attempt()
    own = make_list(other_organisation)
    done = bank.withdraw(other_organisation, SYSTEM, own.id, ids=ids, why="x")
    assert done.ids == ()
    assert len(bank.indicators(organisation, listed.id)) == 1


def test_every_change_leaves_a_leaf_without_values_and_the_ledger_verifies(
    bank: Bank, ledger: Ledger, database: Database, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation, name="partner")
    added = bank.add(organisation, SYSTEM, listed.id, [md5(n) for n in range(3)])
    nothing = bank.add(organisation, SYSTEM, listed.id, [md5(1)])
    gone = bank.withdraw(organisation, SYSTEM, listed.id, ids=added.ids[1:2], why="mistake")
    assert nothing.generation == added.generation < gone.generation
    created, put, taken = leaves(database, organisation)
    assert [leaf["kind"] for leaf in (created, put, taken)] == [
        "list.created",
        "indicators.added",
        "indicators.withdrawn",
    ]
    assert {leaf["subject"] for leaf in (created, put, taken)} == {str(listed.id)}
    assert put["data"]["count"] == 3
    assert put["data"]["ids"] == [[added.ids[0], added.ids[2]]]
    assert taken["data"]["ids"] == [[added.ids[1]] * 2]
    assert taken["data"]["why"] == "mistake"
    assert md5(0).value not in msgspec.json.encode([created, put, taken]).decode()
    with database.organisation(organisation) as connection:
        assert ledger.verify(connection, organisation).size == 3


def test_the_digest_in_the_leaf_can_be_recomputed_from_the_list(
    bank: Bank, database: Database, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    bank.add(organisation, SYSTEM, listed.id, [md5(n) for n in range(3)])
    whole = b"".join(
        each.id.to_bytes(8, "big")
        + each.kind.encode()
        + b"\x00"
        + (16).to_bytes(4, "big")
        + bytes.fromhex(each.value)
        for each in bank.indicators(organisation, listed.id)
    )
    assert leaves(database, organisation)[-1]["data"]["digest"] == hashlib.sha256(whole).hexdigest()


def test_a_change_that_cannot_reach_the_ledger_does_not_happen(
    database: Database, bank: Bank, organisation: UUID, make_list: MakeList
) -> None:
    class Broken(Ledger):
        def append(self, *given: Any) -> Any:
            raise RuntimeError("the ledger is out")

    listed = make_list(organisation)
    broken = Bank(database, Broken(None, None), lambda: datetime.now(UTC))  # type: ignore[arg-type]
    with pytest.raises(RuntimeError):
        broken.add(organisation, SYSTEM, listed.id, [md5(1)])
    assert bank.indicators(organisation, listed.id) == []


def test_concurrent_adders_lose_nothing_and_share_no_generation(
    bank: Bank, organisation: UUID, make_list: MakeList, ledger: Ledger, database: Database
) -> None:
    listed = make_list(organisation)
    answers = []

    def work(first: int) -> None:
        for start in range(first, first + 30, 10):
            # Overlaps by half with the neighbour, so that the same values are added at once.
            batch = [md5(n) for n in range(start, start + 20)]
            answers.append(bank.add(organisation, SYSTEM, listed.id, batch))

    threads = [Thread(target=work, args=(n * 20,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    values = {each.value for each in bank.indicators(organisation, listed.id, limit=1000)}
    assert values == {md5(n).value for n in range(100)}
    assert sum(len(answer.ids) for answer in answers) == 100
    assert sum(len(answer.ids) + answer.repeated for answer in answers) == 4 * 3 * 20
    changed = [answer.generation for answer in answers if answer.ids]
    assert len(changed) == len(set(changed))
    with database.organisation(organisation) as connection:
        assert ledger.verify(connection, organisation).size == 1 + len(changed)


def test_more_than_one_statement_of_indicators_is_one_change(
    bank: Bank, organisation: UUID, make_list: MakeList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lapwing.bank.service.CHUNK", 7)
    listed = make_list(organisation)
    added = bank.add(organisation, SYSTEM, listed.id, [md5(n) for n in range(20)])
    found = bank.indicators(organisation, listed.id)
    assert [each.id for each in found] == list(added.ids)
    assert [each.value for each in found] == [md5(n).value for n in range(20)]
    assert {each.generation for each in found} == {added.generation}


def test_dates_of_an_indicator_need_a_zone_and_an_order(
    bank: Bank, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    now = datetime.now(UTC)
    added = bank.add(
        organisation,
        SYSTEM,
        listed.id,
        [
            msgspec.structs.replace(md5(1), valid_from=now.replace(tzinfo=None)),
            msgspec.structs.replace(md5(2), valid_from=now, valid_until=now - timedelta(1)),
        ],
    )
    assert [refusal.field for refusal in added.refused] == ["valid_from", "valid_until"]


def test_an_unknown_list_is_not_found(bank: Bank, organisation: UUID) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        bank.list_named(organisation, "nowhere")
    with pytest.raises(NotFound):
        bank.add(organisation, SYSTEM, new_id(), [])
