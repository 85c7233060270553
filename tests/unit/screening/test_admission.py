"""What may not or cannot be looked at is refused with its reason, and never costs the batch."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace
from screening_samples import NOON, Items, sent
from sqlalchemy import text

from books import check_books
from lapwing.app import House
from lapwing.law.rows import Switch
from lapwing.model.actors import SYSTEM
from lapwing.model.items import AnyItem, Surface
from lapwing.model.organisations import Organisation, OrganisationKind
from lapwing.model.submissions import Submission
from lapwing.screening.admission import admit
from lapwing.screening.lawful import allowed


def test_a_private_message_is_refused_without_a_legal_basis(
    house: House, sender: Organisation, items: Items
) -> None:
    batch = sent(
        items.message("public"), items.message("private", surface=Surface.PRIVATE), items.link("l")
    )
    screened = house.screening.screen(sender.id, SYSTEM, batch)
    assert [decision.source_id for decision in screened.decisions] == ["public", "l"]
    (refusal,) = screened.refused
    assert (refusal.source_id, refusal.code) == ("private", "not_allowed")
    assert "legal basis" in refusal.reason
    assert check_books(house.database, house.ledger, sender.id).items == 2


@pytest.mark.parametrize("row", ["us.private_messages", "us.keep_content", "no.such_row"])
def test_a_basis_that_does_not_stand_in_law_switches_nothing_on(
    house: House, sender: Organisation, items: Items, row: str
) -> None:
    with house.database.organisation(sender.id) as connection:
        connection.execute(
            text("update organisations set scan_private = :row, keep_content = :row"), {"row": row}
        )
    private = items.message("private", surface=Surface.PRIVATE)
    screened = house.screening.screen(sender.id, SYSTEM, sent(private))
    assert [refusal.code for refusal in screened.refused] == ["not_allowed"]


def test_a_private_message_is_admitted_where_the_basis_stands(
    sender: Organisation, items: Items
) -> None:
    private = sent(items.message("private", surface=Surface.PRIVATE))
    assert len(admit(sender, private, private=True)[0]) == 1
    assert len(admit(sender, private, private=False)[1]) == 1


@pytest.mark.parametrize(
    ("country", "kind", "expected"),
    [
        ("US", OrganisationKind.PLATFORM, True),
        ("DE", OrganisationKind.PLATFORM, False),
        ("US", OrganisationKind.NGO, False),
    ],
)
def test_a_row_of_law_counts_for_its_country_and_kind_only(
    sender: Organisation, country: str, kind: OrganisationKind, expected: bool
) -> None:
    organisation = replace(sender, country=country, kind=kind, keep_content="us.keep_content")
    assert allowed(organisation, Switch.KEEP_CONTENT) is expected


BAD: dict[str, dict[str, Any]] = {
    "a time without zone": {"at": datetime(2026, 3, 1)},  # noqa: DTZ001
    "an empty id": {"source_id": ""},
    "a long id": {"source_id": "x" * 513},
    "a long source": {"source": "x" * 129},
    "a long account": {"account": "x" * 129},
    "a NUL in the id": {"source_id": "a\x00b"},
    "half a character in the id": {"source_id": "\ud800"},
    "a NUL in the link": {"url_list": ("https://example.test/\x00",)},
    "half a character in the link": {"url_list": ("https://example.test/\ud800",)},
    "a NUL in the text": {"text": "a\x00b"},
    "half a character in the text": {"text": "\udfff"},
}


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD.keys())
def test_an_item_the_database_could_not_take_is_refused_alone(
    house: House, sender: Organisation, items: Items, fields: dict[str, Any]
) -> None:
    bad: AnyItem = replace(items.message("bad"), **fields)
    screened = house.screening.screen(
        sender.id, SYSTEM, [Submission(item=bad), *sent(items.link("good"))]
    )
    assert [decision.source_id for decision in screened.decisions] == ["good"]
    assert [refusal.code for refusal in screened.refused] == ["invalid_input"]
    assert check_books(house.database, house.ledger, sender.id).items == 1


@pytest.mark.parametrize(
    "strange", ["\\u0000", "\\\\u0000", "'; drop table items; --", "{a,b}", '"', "\u202e𝕏🦉", "%00"]
)
def test_strange_but_whole_text_is_taken_as_it_is(
    house: House, sender: Organisation, items: Items, strange: str
) -> None:
    item = replace(items.message(strange), conversation=strange, account=strange)
    decision = house.screening.screen(sender.id, SYSTEM, sent(item)).decisions[0]
    stored = house.screening.item(sender.id, decision.item)
    assert (stored.source_id, stored.facts["conversation"]) == (strange, strange)
    assert stored.at == NOON
