"""Permissions at every door, and docs/members.md, whose tables are written from the declarations.

LAPWING_TEST_WRITE=1 writes the tables anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from lapwing.app import House
from lapwing.model.actors import SYSTEM
from lapwing.model.cases import Outcome
from lapwing.model.errors import NotAllowed
from lapwing.model.events import EventKind
from lapwing.model.organisations import Member
from lapwing.model.permissions import Permission
from lapwing.web.app import create_app
from lapwing.web.authority import Authority, declared, handlers_of
from lapwing.web.authority_table import permission_table, route_table
from web_world import Client, Side, bearer, session_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "members.md"


@pytest.mark.parametrize("name", ["permissions", "routes"])
def test_the_tables_of_the_document_are_what_is_declared(house: House, name: str) -> None:
    table = permission_table() if name == "permissions" else route_table(create_app(house))
    text = DOCUMENT.read_text()
    place = re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->)", re.S)
    if os.environ.get("LAPWING_TEST_WRITE"):
        DOCUMENT.write_text(place.sub(rf"\g<1>{table}\n\g<3>", text))
        return
    found = place.search(text)
    assert found is not None
    assert found[2].strip() == table, "LAPWING_TEST_WRITE=1 writes it anew"


def test_the_document_names_every_event_of_members_and_confirmations() -> None:
    text = DOCUMENT.read_text()
    for kind in EventKind:
        if kind.value.startswith(("member.", "passkey.", "recovery.", "token.", "key.")):
            assert f"`{kind.value}`" in text
        if kind.value.startswith("confirmation."):
            assert f".{kind.value.partition('.')[2]}`" in text


def without(house: House, side: Side, member: Member, permission: Permission) -> dict[str, str]:
    """Headers of a member who has everything but one permission."""
    rest = [one for one in Permission if one is not permission]
    house.members.permit(side.organisation, SYSTEM, member.id, granted=rest, denied=[permission])
    return bearer(session_of(house, member))


@pytest.mark.parametrize("permission", Permission)
def test_a_member_without_a_permission_is_refused_at_every_route_that_needs_it(
    house: House, client: Client, ours: Side, permission: Permission
) -> None:
    headers = without(house, ours, ours.analyst, permission)
    tried = 0
    for path, method, handler in handlers_of(create_app(house)):
        needs = handler.opt.get("permission") or handler.opt.get("scope")
        if needs is None or str(needs) != permission.value:
            continue
        filled = re.sub(r"\{(\w+):(\w+)\}", lambda part: _value(part[2], ours), path)
        answer = client.request(method, filled, headers=headers)
        assert answer.status_code == 403, f"{method} {path}: {answer.status_code}"
        assert permission.value in answer.text
        tried += 1
    assert tried, "a permission that no route asks for"


def _value(kind: str, side: Side) -> str:
    return {"uuid": str(side.kept), "int": "0"}.get(kind, str(side.case))


def test_the_services_behind_other_doors_ask_too(house: House, ours: Side) -> None:
    """The command line does not pass the web door's guard."""
    for permission in (Permission.CASES_DECIDE, Permission.CASES_WORK, Permission.CONTENT_UNCOVER):
        without(house, ours, ours.reviewer, permission)
        member = house.members.member(ours.organisation, ours.reviewer.id)
        with pytest.raises(NotAllowed, match=permission.value):
            _act(house, ours, member, permission)


def _act(house: House, side: Side, member: Member, permission: Permission) -> None:
    if permission is Permission.CASES_DECIDE:
        house.cases.verdict(side.organisation, member, side.case, Outcome.HARMLESS, "test")
    elif permission is Permission.CASES_WORK:
        house.cases.claim(side.organisation, member, side.case)
    else:
        with house.database.organisation(side.organisation) as connection:
            house.vault.uncover(connection, side.organisation, member, side.kept)


def test_a_key_passes_no_route_for_members_whatever_its_scopes(
    house: House, client: Client, ours: Side
) -> None:
    tried = 0
    for path, method, handler in handlers_of(create_app(house)):
        if declared(handler) is not Authority.MEMBER:
            continue
        filled = re.sub(r"\{(\w+):(\w+)\}", lambda part: _value(part[2], ours), path)
        answer = client.request(method, filled, headers=ours.bearer)
        assert answer.status_code == 403, f"{method} {path}: {answer.status_code}"
        assert "in person" in answer.text
        tried += 1
    assert tried > 30
