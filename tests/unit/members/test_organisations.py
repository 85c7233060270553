from __future__ import annotations

import pytest
from sqlalchemy import text

from lapwing.members.named import checked_hosts
from lapwing.members.service import Members
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import Conflict, InvalidInput, NotFound
from lapwing.model.organisations import Member, Organisation, OrganisationKind, Role
from lapwing.store.clock import new_id
from lapwing.store.database import Database


def test_an_organisation_is_found_again(members: Members, house: Organisation) -> None:
    assert members.organisation(house.id) == house
    assert members.organisation_named(house.name) == house
    assert house in members.organisations()


def test_everything_that_needs_law_is_off_at_first(house: Organisation) -> None:
    assert (house.keep_content, house.keep_days, house.scan_private) == (None, None, None)
    assert house.media_hosts == ()


def test_two_organisations_cannot_share_a_name(members: Members, house: Organisation) -> None:
    with pytest.raises(Conflict, match=house.name):
        members.create_organisation(name=house.name, kind=OrganisationKind.NGO, country="DE")


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "a\nb", "x" * 101])
def test_an_unusable_name_is_refused(members: Members, house: Organisation, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        members.create_organisation(name=name, kind=OrganisationKind.NGO, country="DE")
    assert refused.value.field == "name"
    with pytest.raises(InvalidInput):
        members.add_member(house.id, name, Role.REVIEWER, SYSTEM)


@pytest.mark.parametrize("country", ["", "us", "USA", "U1"])
def test_a_country_is_two_capital_letters(members: Members, country: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        members.create_organisation(name="n", kind=OrganisationKind.NGO, country=country)
    assert refused.value.field == "country"


def test_an_unknown_organisation_is_not_found(members: Members) -> None:
    with pytest.raises(NotFound):
        members.organisation(new_id())
    with pytest.raises(NotFound):
        members.organisation_named("nobody by this name")
    with pytest.raises(NotFound):
        members.add_member(new_id(), "Ada", Role.ADMIN, SYSTEM)
    with pytest.raises(NotFound):
        members.create_key(new_id(), SYSTEM, "scanner", ["screen"])


def test_members_of_one_organisation_are_unknown_to_another(
    members: Members, admin: Member, elsewhere: Organisation
) -> None:
    assert members.members(admin.organisation) == [admin]
    assert members.member(admin.organisation, admin.id) == admin
    assert members.member_named(admin.organisation, "Ada") == admin
    assert members.members(elsewhere.id) == []
    with pytest.raises(NotFound):
        members.member(elsewhere.id, admin.id)
    with pytest.raises(NotFound):
        members.member_named(elsewhere.id, "Ada")


def test_two_members_cannot_share_a_name_but_organisations_may(
    members: Members, admin: Member, elsewhere: Organisation
) -> None:
    with pytest.raises(Conflict, match="Ada"):
        members.add_member(admin.organisation, " Ada ", Role.REVIEWER, SYSTEM)
    assert members.add_member(elsewhere.id, "Ada", Role.REVIEWER, SYSTEM).name == "Ada"


def test_a_change_keeps_what_is_not_named_and_is_in_the_ledger(
    members: Members, house: Organisation, database: Database
) -> None:
    changed = members.change_organisation(house.id, SYSTEM, media_hosts=["CDN.example.org."])
    assert changed.media_hosts == ("cdn.example.org",)
    assert members.change_organisation(house.id, SYSTEM) == changed
    assert members.organisation(house.id) == changed
    with database.organisation(house.id) as connection:
        rows = connection.execute(text("select kind from ledger_events order by position"))
        assert [row[0] for row in rows] == ["organisation.created", "organisation.changed"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.8",
        "[::1]",
        "::1",
        "localhost",
        "db.internal",
        "printer.local",
        "example.org:80",
        "https://example.org",
        "example.org/pictures",
        "*.example.org",
        "user@example.org",
        "2130706433",
        "0x7f.1",
        "bücher.example",
        "-a.example.org",
        "",
        "a" * 64 + ".org",
    ],
)
def test_media_hosts_are_public_names(host: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_hosts([host])
    assert refused.value.field == "media_hosts"


def test_media_hosts_are_kept_once_and_in_order() -> None:
    assert checked_hosts(["b.example.org", "A.example.org", "b.example.org"]) == (
        "b.example.org",
        "a.example.org",
    )
