"""Every function of the repository, run as one organisation on what belongs to another."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from confirm_world import MovedClock
from sqlalchemy import Connection
from sqlalchemy.exc import NoResultFound, ProgrammingError

from lapwing.confirm import repository
from lapwing.confirm.records import Confirmation
from lapwing.confirm.service import Confirmations
from lapwing.model.organisations import Member
from lapwing.store.clock import new_id
from lapwing.store.database import Database

KIND = "test.share"
READS: dict[str, Callable[[Connection, Confirmation, MovedClock], Any]] = {
    "one": lambda c, theirs, now: repository.one(c, theirs.id, lock=True),
    "waiting": lambda c, theirs, now: repository.waiting(c, now()),
    "latest": lambda c, theirs, now: repository.latest(c, 10),
    "standing": lambda c, theirs, now: repository.standing(c, KIND, [theirs.subject]),
}


@pytest.fixture
def theirs(
    confirmations: Confirmations, database: Database, rosa: Member, omar: Member
) -> Confirmation:
    with database.organisation(rosa.organisation) as connection:
        return confirmations.propose(
            connection, rosa.organisation, rosa, KIND, "list", "basis", "category", {}
        )


def test_no_function_is_left_out() -> None:
    functions = {
        name
        for name, function in inspect.getmembers(repository, inspect.isfunction)
        if function.__module__ == repository.__name__ and not name.startswith("_")
    }
    assert functions == {*READS, "add", "answer"}


@pytest.mark.parametrize("name", READS)
def test_another_organisation_reads_nothing(
    name: str,
    database: Database,
    theirs: Confirmation,
    newcomer: Callable[..., Member],
    clock: MovedClock,
) -> None:
    with database.organisation(newcomer().organisation) as connection:
        assert not READS[name](connection, theirs, clock)
    if name != "standing":
        with database.organisation(theirs.organisation) as connection:
            assert READS[name](connection, theirs, clock)


def test_another_organisation_answers_and_adds_nothing(
    database: Database,
    theirs: Confirmation,
    newcomer: Callable[..., Member],
    omar: Member,
    clock: MovedClock,
) -> None:
    stranger = newcomer()
    with (
        pytest.raises(NoResultFound),
        database.organisation(stranger.organisation) as connection,
    ):
        repository.answer(connection, theirs.id, "confirmed", omar.id, clock())
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        database.organisation(stranger.organisation) as connection,
    ):
        repository.add(
            connection,
            Confirmation(
                id=new_id(),
                organisation=theirs.organisation,
                kind=KIND,
                subject="list",
                basis="basis",
                category="category",
                data={},
                proposed_by=theirs.proposed_by,
                proposed_at=clock(),
                expires_at=clock(),
            ),
        )
    with database.organisation(theirs.organisation) as connection:
        assert repository.one(connection, theirs.id) == theirs
