"""Two reviewers of one organisation, a stranger, and a kind whose effects queue jobs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from confirm_world import MovedClock
from sqlalchemy import Connection

from lapwing.confirm.records import Confirmation, Kind
from lapwing.confirm.service import Confirmations
from lapwing.evidence.ledger import Ledger
from lapwing.members.records import SignedIn
from lapwing.members.service import Members
from lapwing.model.actors import SYSTEM
from lapwing.model.organisations import Member, OrganisationKind, Role
from lapwing.store.database import Database
from lapwing.store.jobs import enqueue
from lapwing.store.keyring import Keyring

KIND = "test.share"


def _queue(entrypoint: str) -> Callable[[Connection, Confirmation], None]:
    def effect(connection: Connection, confirmation: Confirmation) -> None:
        enqueue(connection, entrypoint, {"confirmation": str(confirmation.id)})

    return effect


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def ledger(home: Path, clock: MovedClock) -> Ledger:
    return Ledger(Keyring(home / "keys"), clock)


@pytest.fixture
def members(database: Database, ledger: Ledger, clock: MovedClock) -> Members:
    return Members(database, ledger, clock)


@pytest.fixture
def confirmations(ledger: Ledger, clock: MovedClock) -> Confirmations:
    kind = Kind(
        name=KIND,
        title="A test that leaves the house",
        confirmed=_queue("test.send"),
        withdrawn=_queue("test.retract"),
    )
    return Confirmations(ledger, clock, [kind])


@pytest.fixture
def newcomer(members: Members) -> Callable[..., Member]:
    """Adds a member with a name of their own; without an organisation, to a new one."""

    def newcomer(role: Role = Role.REVIEWER, beside: Member | None = None) -> Member:
        if beside is None:
            organisation = members.create_organisation(
                name=f"house {secrets.token_hex(6)}", kind=OrganisationKind.NGO, country="US"
            ).id
        else:
            organisation = beside.organisation
        return members.add_member(organisation, f"m {secrets.token_hex(4)}", role, SYSTEM)

    return newcomer


@pytest.fixture
def rosa(newcomer: Callable[..., Member]) -> Member:
    return newcomer()


@pytest.fixture
def omar(newcomer: Callable[..., Member], rosa: Member) -> Member:
    return newcomer(beside=rosa)


@pytest.fixture
def present(members: Members) -> Callable[[Member], SignedIn]:
    """Signs a member in: a session that has just stepped up."""

    def present(member: Member) -> SignedIn:
        link = members.sign_in_link(member.organisation, member.id)
        _, token = members.sign_in(link)
        signed = members.signed_in(token)
        assert signed is not None
        return signed

    return present
