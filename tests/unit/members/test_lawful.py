"""Content is kept and private messages are scanned only where law read in full allows it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lapwing.law.registry import rules
from lapwing.law.rows import Certainty, Switch
from lapwing.members.service import Members
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import InvalidInput, NotAllowed
from lapwing.model.organisations import Organisation, OrganisationKind

Found = Callable[..., Organisation]


def test_content_is_kept_where_a_row_allows_it(members: Members, found: Found) -> None:
    house = found(keep_content="us.keep_content", keep_days=30)
    assert (house.keep_content, house.keep_days) == ("us.keep_content", 30)
    assert members.organisation(house.id) == house


def test_without_a_number_of_days_the_row_sets_it(found: Found) -> None:
    assert found(keep_content="us.keep_content").keep_days == 365


@pytest.mark.parametrize("days", [0, -1, 366, 10**9])
def test_content_is_never_kept_longer_than_the_row_says(found: Found, days: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        found(keep_content="us.keep_content", keep_days=days)
    assert refused.value.field == "keep_days"


@pytest.mark.parametrize(
    ("kind", "country", "named"),
    [
        (OrganisationKind.PLATFORM, "DE", "us.keep_content"),
        (OrganisationKind.PLATFORM, "DE", "de.retention"),
        (OrganisationKind.PLATFORM, "GB", "gb.keep_content"),
        (OrganisationKind.PLATFORM, "FR", "us.keep_content"),
        (OrganisationKind.PAYMENTS, "US", "us.keep_content"),
        (OrganisationKind.PLATFORM, "US", "us.reporting_duty"),
        (OrganisationKind.PLATFORM, "US", "us.made_up"),
        (OrganisationKind.PLATFORM, "US", ""),
    ],
)
def test_nothing_else_lets_content_be_kept(
    found: Found, kind: OrganisationKind, country: str, named: str
) -> None:
    with pytest.raises(NotAllowed):
        found(kind=kind, country=country, keep_content=named)


def test_no_doubtful_row_switches_on_scanning_of_private_messages(found: Found) -> None:
    doubtful = [
        row
        for row in rules()
        if Switch.SCAN_PRIVATE in row.allows and row.certainty is not Certainty.READ
    ]
    assert doubtful
    for row in doubtful:
        for kind in row.organisation_kinds:
            with pytest.raises(NotAllowed):
                found(kind=kind, country=row.country, scan_private=row.id)


def test_days_without_a_row_mean_nothing(found: Found) -> None:
    with pytest.raises(InvalidInput) as refused:
        found(keep_days=30)
    assert refused.value.field == "keep_days"


def test_a_change_is_held_to_the_same_law(members: Members, house: Organisation) -> None:
    with pytest.raises(NotAllowed):
        members.change_organisation(house.id, SYSTEM, keep_content="gb.keep_content")
    with pytest.raises(NotAllowed):
        members.change_organisation(house.id, SYSTEM, scan_private="us.private_messages")
    assert members.organisation(house.id) == house


def test_keeping_content_is_switched_on_and_off(members: Members, house: Organisation) -> None:
    on = members.change_organisation(house.id, SYSTEM, keep_content="us.keep_content", keep_days=9)
    assert (on.keep_content, on.keep_days) == ("us.keep_content", 9)
    off = members.change_organisation(house.id, SYSTEM, keep_content=None)
    assert off == house
