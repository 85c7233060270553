"""Every function of this room's repository, run as another organisation on ids of the first."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace
from screening_samples import KNOWN_PDQ, NOON, Items, sent
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from books import check_books
from lapwing.app import House
from lapwing.model.actors import SYSTEM
from lapwing.model.decisions import Decision
from lapwing.model.findings import Finding
from lapwing.model.organisations import Organisation
from lapwing.screening import repository
from lapwing.screening.admission import Admitted, admit
from lapwing.store.clock import new_id


class Theirs(NamedTuple):
    decision: Decision
    admitted: Admitted
    finding: Finding


Ask = Callable[[Connection, Organisation, Theirs], Any]

READS: dict[str, Ask] = {
    "first_decisions": lambda c, o, t: repository.first_decisions(c, [t.admitted.key]),
    "item": lambda c, o, t: repository.item(c, t.decision.item),
}
WRITES: dict[str, Ask] = {
    "insert_items": lambda c, o, t: repository.insert_items(c, o.id, [t.admitted], NOON),
    "insert_decisions": lambda c, o, t: repository.insert_decisions(
        c, o.id, [replace(t.decision, id=new_id())]
    ),
    "insert_findings": lambda c, o, t: repository.insert_findings(c, o.id, [t.finding]),
}


@pytest.fixture
def theirs(house: House, sender: Organisation, items: Items) -> Theirs:
    batch = sent(items.picture("one", KNOWN_PDQ))
    decision = house.screening.screen(sender.id, SYSTEM, batch).decisions[0]
    finding = house.screening.item(sender.id, decision.item).findings[0]
    return Theirs(decision, admit(sender, batch, private=False)[0][0], finding)


def test_every_function_is_tried_here() -> None:
    public = {
        name
        for name, function in inspect.getmembers(repository, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == repository.__name__
    }
    assert public == READS.keys() | WRITES.keys()


@pytest.mark.parametrize("name", READS)
def test_reading_gives_another_organisation_nothing(
    house: House, elsewhere: Organisation, theirs: Theirs, name: str
) -> None:
    with house.database.organisation(elsewhere.id) as connection:
        assert not READS[name](connection, elsewhere, theirs)


@pytest.mark.parametrize("as_owner_of_the_rows", [False, True])
@pytest.mark.parametrize("name", WRITES)
def test_writing_changes_nothing_of_another_organisation(
    house: House,
    sender: Organisation,
    elsewhere: Organisation,
    theirs: Theirs,
    name: str,
    as_owner_of_the_rows: bool,
) -> None:
    before = check_books(house.database, house.ledger, sender.id)
    stored = house.screening.item(sender.id, theirs.decision.item)
    claimed = sender if as_owner_of_the_rows else elsewhere
    with suppress(DBAPIError), house.database.organisation(elsewhere.id) as connection:
        WRITES[name](connection, claimed, theirs)
    assert check_books(house.database, house.ledger, sender.id) == before
    assert house.screening.item(sender.id, theirs.decision.item) == stored
