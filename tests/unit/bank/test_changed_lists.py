"""What a list says can change, within what its kind allows, at once and on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from lapwing.bank.changes import ListChange, NewList
from lapwing.bank.live import LiveBank
from lapwing.bank.matching import HashQuery, match_hashes
from lapwing.bank.service import Bank
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import InvalidInput, NotFound
from lapwing.model.indicators import (
    LIST_ACTIONS,
    BankList,
    IndicatorKind,
    ListAction,
    ListKind,
    NewIndicator,
)
from lapwing.store.clock import utc_now
from lapwing.store.database import Database

MakeList = Callable[..., BankList]
MD5 = "aa" * 16


@pytest.mark.parametrize("kind", ListKind)
@pytest.mark.parametrize("action", ListAction)
def test_what_a_list_may_ask_for_is_bounded_by_its_kind(
    bank: Bank,
    database: Database,
    organisation: UUID,
    make_list: MakeList,
    kind: ListKind,
    action: ListAction,
) -> None:
    """Also when the code forgets: the database refuses a review list that removes."""
    listed = make_list(organisation, kind=kind)

    def write() -> None:
        with database.organisation(organisation) as connection:
            connection.execute(
                text("update lists set action = :action where id = :id"),
                {"action": action.value, "id": listed.id},
            )

    change = ListChange(action=action, why="test")
    if action in LIST_ACTIONS[kind]:
        assert bank.change_list(organisation, SYSTEM, listed.id, change).action is action
        write()
        return
    with pytest.raises(InvalidInput) as refused:
        bank.change_list(organisation, SYSTEM, listed.id, change)
    assert refused.value.field == "action"
    new = NewList(name="n", kind=kind, source="s", basis="b", category="c", action=action)
    with pytest.raises(InvalidInput):
        bank.create_list(organisation, SYSTEM, new)
    with pytest.raises(IntegrityError, match="lists_action"):
        write()


def test_a_review_list_never_removes_whatever_is_written_into_it() -> None:
    assert ListAction.REMOVE not in LIST_ACTIONS[ListKind.REVIEW]
    assert LIST_ACTIONS[ListKind.ALLOW] == (ListAction.NONE,)


def test_a_change_acts_on_the_next_match_and_is_in_the_ledger(
    bank: Bank, live: LiveBank, database: Database, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    bank.add(organisation, SYSTEM, listed.id, [NewIndicator(kind=IndicatorKind.MD5, value=MD5)])

    def asks() -> tuple[str, str | None]:
        view = live.snapshot().view(organisation, utc_now())
        (match,) = match_hashes(view, [HashQuery(hash=MD5)])
        return match.asks.value, match.reason

    def change(**changes: Any) -> None:
        bank.change_list(organisation, SYSTEM, listed.id, ListChange(why="the board", **changes))

    assert asks() == ("hold", None)
    change(action=ListAction.REMOVE)
    assert asks() == ("remove", None)
    change(verified=False)
    assert asks() == ("review", "list_not_verified")
    change(valid_until=utc_now() - timedelta(minutes=1))
    assert asks() == ("none", "list_expired")
    change(valid_until=None, verified=True)
    assert asks() == ("remove", None)
    with database.organisation(organisation) as connection:
        bodies = connection.execute(
            text("select body from ledger_events where kind = 'list.changed' order by position")
        ).scalars()
        told = [msgspec.json.decode(body)["data"] for body in bodies]
    assert [one["after"] for one in told][:2] == [{"action": "remove"}, {"verified": False}]
    assert told[0]["before"] == {"action": "hold"}
    assert told[0]["why"] == "the board"
    assert len(told) == 4


def test_what_does_not_change_leaves_no_trace(
    bank: Bank, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    same = ListChange(action=listed.action, verified=True, why="nothing")
    assert bank.change_list(organisation, SYSTEM, listed.id, same) == listed


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"known_distance": 11}, "known_distance"),
        ({"near_distance": 32}, "near_distance"),
        ({"known_distance": 10, "near_distance": 9}, "near_distance"),
        ({"valid_from": utc_now().replace(tzinfo=None)}, "valid_from"),
        ({"why": "  "}, "why"),
    ],
)
def test_a_change_that_cannot_be_is_refused_by_field(
    bank: Bank, organisation: UUID, make_list: MakeList, changes: dict[str, Any], field: str
) -> None:
    listed = make_list(organisation)
    with pytest.raises(InvalidInput) as refused:
        bank.change_list(organisation, SYSTEM, listed.id, ListChange(**({"why": "test"} | changes)))
    assert refused.value.field == field
    assert bank.list_named(organisation, listed.id) == listed


def test_another_organisations_list_is_not_there(
    bank: Bank, organisation: UUID, other_organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    with pytest.raises(NotFound):
        bank.change_list(
            other_organisation, SYSTEM, listed.id, ListChange(verified=False, why="to blind them")
        )
    assert bank.list_named(organisation, listed.id).verified
