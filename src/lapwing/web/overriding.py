"""Proposing that an allow entry beats verified lists: for the API, the console and the command
line alike. Nothing follows until another member has confirmed it.
"""

from __future__ import annotations

from uuid import UUID

from lapwing.app import House
from lapwing.confirm.records import ALLOW_OVERRIDE, Confirmation, override_subject
from lapwing.model.errors import Conflict, InvalidInput, NotFound
from lapwing.model.indicators import ListKind
from lapwing.model.organisations import Member


def propose(
    house: House,
    organisation: UUID,
    member: Member,
    list_id: UUID,
    indicator: int,
    basis: str,
    category: str,
) -> Confirmation:
    """Raises NotFound, NotAllowed, InvalidInput for another kind of list, and Conflict for an
    entry that is withdrawn."""
    listed = house.bank.list_named(organisation, list_id)
    found = house.bank.indicator(organisation, indicator)
    if found.list != listed.id:
        raise NotFound("there is no such indicator on this list")
    if listed.kind is not ListKind.ALLOW:
        raise InvalidInput("only an entry of an allow list can be proposed", field="list")
    if found.withdrawn_at is not None:
        raise Conflict("this entry is withdrawn")
    data = {
        "list": listed.name,
        "indicator": found.id,
        "kind": found.kind.value,
        "value": found.value,
    }
    with house.database.organisation(organisation) as connection:
        return house.confirmations.propose(
            connection,
            organisation,
            member,
            ALLOW_OVERRIDE.name,
            override_subject(found.kind.value, found.value),
            basis,
            category,
            data,
        )
