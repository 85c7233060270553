"""Every function that takes a connection, and every service that takes an organisation, is run as
one organisation with the ids of another: it finds nothing, tells nothing and changes nothing.

Functions and services are found by looking, so a new one is tried as soon as it is there. What
rightly answers something stands in one of the tables below with its reason.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import GeneratorType
from typing import Any, get_type_hints

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, NoResultFound

import lapwing
from lapwing.app import House
from lapwing.model.errors import Conflict, IntegrityBroken, LapwingError
from lapwing.store.database import Database
from wall_world import World, furnish, leaves_of, state_of
from web_world import opened_house

DOORS = {"web", "cli", "demo", "bench", "app"}

SHARED = "a number of the whole node"
OWN = "the caller's own"
SECRET = "answers whoever holds the secret: that is how a caller becomes known"
LOCK = "a lock by name in the database; it holds nothing"

ANSWERS = {
    "bank.quarantine_rows.count_waiting": OWN,
    "bank.repository.generation": SHARED,
    "bank.repository.last_id": OWN,
    "bank.repository.hold_generation": SHARED,
    "bank.repository.raise_generation": SHARED,
    "cases.repository.last_number": OWN,
    "members.credential_rows.passkey_holder": SECRET,
    "members.credential_rows.recovery_holder": SECRET,
    "members.link_rows.link_holder": SECRET,
    "members.link_rows.spent_link_holder": SECRET,
    "members.repository.key_holder": SECRET,
    "members.session_rows.session_holder": SECRET,
    "report.repository.only_one": LOCK,
}
"""What rightly answers a stranger something, and why."""


QUEUED = "a job of the node's queue, which holds ids and is no tenant's"
SILENT = {
    "bank.hosted_rows.lock": LOCK,
    "bank.repository.moment": "only the index, in its own role, may ask",
    "cases.repository.free_subjects": "the case is decided, so its subjects are free",
    "cases.repository.lock": LOCK,
    "confirm.records.no_effect": "does nothing",
    "confirm.repository.standing": "nothing is confirmed yet: that takes a second member",
    "evidence.holds.unhold": "nothing is held",
    "evidence.repository.lock": LOCK,
    "evidence.stamps.queue_stamps": QUEUED,
    "evidence.verification.verify_ledger": "wants the authority of the time stamp in the ledger",
    "members.credential_rows.add_challenge": "a challenge is nobody's until it is answered",
    "members.credential_rows.add_passkey": "the passkey is there already",
    "members.credential_rows.use_challenge": "a challenge is nobody's until it is answered",
    "members.link_rows.spent_link_holder": "no link is spent that is still kept",
    "members.repository.add_member": "the member is there already",
    "members.repository.add_organisation": "nobody but itself may add an organisation",
    "members.repository.lock_members": LOCK,
    "members.session_rows.see": "was seen a moment ago",
    "report.queueing.queue_filing": QUEUED,
    "report.queueing.queue_sweep": QUEUED,
}
"""What answers nothing and changes nothing even for its owner, and why."""


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Public functions of every room whose first parameter is a connection."""
    for found in pkgutil.walk_packages(lapwing.__path__, "lapwing."):
        name = found.name.removeprefix("lapwing.")
        if name.partition(".")[0] in DOORS or name.startswith(("store.", "__main__")):
            continue
        module = import_module(found.name)
        for called, function in inspect.getmembers(module, inspect.isfunction):
            if called.startswith("_") or function.__module__ != found.name:
                continue
            if next(iter(inspect.signature(function).parameters), "") == "connection":
                yield f"{name}.{called}", function


def methods() -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Public methods of every service of the house that take an organisation or a connection."""
    for name, kind in get_type_hints(House).items():
        if name in OUTSIDE or not inspect.isclass(kind):
            continue
        for called, method in inspect.getmembers(kind, inspect.isfunction):
            taken = inspect.signature(method).parameters
            if not called.startswith("_") and {"organisation", "connection"} & set(taken):
                yield f"{name}.{called}", name, method


OUTSIDE = {"settings", "clock", "database", "embedded", "keyring", "blobs"}
"""No services of a room: what they are built on. Keys and blobs hold no rows."""

FUNCTIONS = dict(functions())
METHODS = {place: (name, method) for place, name, method in methods()}


@pytest.fixture(scope="module")
def house(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened_house(database, tmp_path_factory.mktemp("walls")) as opened:
        yield opened


@pytest.fixture(scope="module")
def world(house: House) -> World:
    return furnish(house)


@dataclass
class Refused:
    said: str


class TakenBack(Exception):
    """Ends a transaction without a trace."""


def attempt(run: Callable[[], Any]) -> Any:
    """What came back, or what was said in refusing."""
    try:
        answer = run()
        return list(answer) if isinstance(answer, GeneratorType) else answer
    except (LapwingError, NoResultFound) as refusal:
        return Refused(str(refusal))
    except (DBAPIError, psycopg.Error) as refusal:
        if not refused_by_the_database(refusal):
            raise
        return Refused(str(refusal))


def reach(world: World, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call as the stranger; nothing stays of it. What the other has must be as before."""
    answer: Any = None

    def run() -> None:
        nonlocal answer
        with world.house.database.organisation(world.stranger.organisation) as connection:
            answer = function(connection, **arguments)
            if isinstance(answer, GeneratorType):
                answer = list(answer)
            # As the owner, who sees also what is not committed.
            connection.execute(text("set local role none"))
            assert state_of(connection, world.side.organisation) == before
            raise TakenBack

    with world.house.database.owner() as owner:
        before = state_of(owner, world.side.organisation)
    try:
        return attempt(run)
    except TakenBack:
        return answer


def refused_by_the_database(error: DBAPIError | psycopg.Error) -> bool:
    """By a policy or a missing right, or by a reference that leads nowhere for this caller."""
    state = getattr(getattr(error, "orig", error), "sqlstate", None) or ""
    return state == "42501" or state.startswith("23")


def check_nothing_told(
    world: World, place: str, arguments: dict[str, Any], answer: Any, *, flags: bool
) -> None:
    if place in ANSWERS:
        return
    if flags:
        assert not isinstance(answer, bool | int) or not answer
    said, given = "\n".join(leaves_of(answer)), "\n".join(leaves_of(arguments))
    assert [trace for trace in world.traces if trace in said and trace not in given] == []


@pytest.mark.parametrize("place", sorted(FUNCTIONS))
def test_a_function_gives_a_stranger_nothing(world: World, place: str) -> None:
    """Under their own name, and pretending to be the other; row-level security answers both."""
    as_itself = world.arguments(place, FUNCTIONS[place], world.stranger.organisation)
    as_other = world.arguments(place, FUNCTIONS[place], world.side.organisation)
    # What takes no organisation gets the same arguments both times, so yes means theirs.
    for arguments, flags in ((as_other, True), (as_itself, as_itself == as_other)):
        answer = reach(world, FUNCTIONS[place], arguments)
        check_nothing_told(world, place, arguments, answer, flags=flags)


@pytest.mark.parametrize("place", sorted(set(FUNCTIONS) - set(SILENT)))
def test_the_same_call_means_something_to_its_owner(world: World, place: str) -> None:
    """Or the test above would ask for nothing."""
    arguments = world.arguments(place, FUNCTIONS[place], world.side.organisation)
    assert means_something(world, FUNCTIONS[place], arguments)


def means_something(world: World, function: Callable[..., Any], arguments: dict[str, Any]) -> bool:
    """Whether the owner's call answers, changes something, or runs into what is there already."""
    house, organisation = world.house, world.side.organisation
    with house.database.owner() as owner:
        before = state_of(owner, organisation)
    told = False
    try:
        with house.database.organisation(organisation) as connection:
            answer = function(connection, **arguments)
            if isinstance(answer, GeneratorType):
                answer = list(answer)
            told = bool(len(answer) if isinstance(answer, Sized) else answer)
            connection.execute(text("set local role none"))
            told = told or state_of(connection, organisation) != before
            raise TakenBack
    except TakenBack:
        return told
    except (Conflict, IntegrityBroken, IntegrityError):
        return True


@pytest.mark.parametrize("place", sorted(METHODS))
def test_a_service_gives_a_stranger_nothing(world: World, place: str) -> None:
    """With the stranger's own organisation and member, and the ids of the other."""
    house, stranger = world.house, world.stranger.organisation
    service, method = METHODS[place]
    arguments = world.arguments(place, method, stranger)
    bound = partial(method, getattr(house, service))
    if "connection" in inspect.signature(method).parameters:
        answer = reach(world, bound, arguments)
    else:
        with house.database.owner() as owner:
            before = state_of(owner, world.side.organisation)
        answer = attempt(lambda: bound(**arguments))
        with house.database.owner() as owner:
            assert state_of(owner, world.side.organisation) == before
    check_nothing_told(world, place, arguments, answer, flags=False)


def test_the_exceptions_are_of_things_that_are_there() -> None:
    assert set(ANSWERS) | set(SILENT) <= set(FUNCTIONS)
    assert set(get_type_hints(House)) >= OUTSIDE


def test_there_is_a_row_behind_every_wall(world: World) -> None:
    with world.house.database.owner() as owner:
        state = state_of(owner, world.side.organisation)
    assert [table for table, found in state.items() if not found] == []
