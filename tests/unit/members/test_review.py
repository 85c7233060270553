"""What `lapwing doctor` says about the way in: each weakness is named, and a sound house is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from lapwing.demo.organisation import NAME
from lapwing.members.review import DEMO, Door, House, review, review_door
from lapwing.members.service import Members
from lapwing.model.actors import SYSTEM
from lapwing.model.organisations import ApiKey, Member, Organisation, OrganisationKind, Role, Scope
from lapwing.model.permissions import Permission
from lapwing.store.clock import new_id

EVERYWHERE = "0.0.0.0"  # noqa: S104
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORGANISATION = Organisation(
    id=new_id(), name="Hafen", kind=OrganisationKind.HOTLINE, country="DE", created_at=NOW
)


def member(name: str, role: Role = Role.ADMIN, **more: Any) -> Member:
    return Member(
        id=new_id(), organisation=ORGANISATION.id, name=name, role=role, created_at=NOW, **more
    )


def key(name: str, **more: Any) -> ApiKey:
    return ApiKey(
        id=new_id(),
        organisation=ORGANISATION.id,
        name=name,
        scopes=(Scope.SCREEN,),
        created_at=NOW - timedelta(days=90),
        **more,
    )


def house(*members: Member, keys: tuple[ApiKey, ...] = (), bare: tuple[str, ...] = ()) -> House:
    return House(
        organisation=ORGANISATION,
        members=members,
        passkeys={one.id: 1 for one in members if one.name not in bare},
        keys=keys,
    )


def named(found: House) -> dict[str, str]:
    return {one.what: one.said for one in review(found, NOW)}


def test_a_sound_house_has_no_weakness() -> None:
    used = key("uploads", last_used_at=NOW - timedelta(days=2))
    assert named(house(member("Ada"), member("Bo"), keys=(used,))) == {}


def test_members_without_a_passkey_are_named_but_not_all_of_many() -> None:
    people = [member(f"m{number}") for number in range(6)]
    said = named(house(*people, bare=tuple(one.name for one in people)))
    assert "m0, m1, m2 and 3 more" in said["members without a passkey"]


def test_one_admin_is_too_few() -> None:
    alone = house(member("Ada"), member("Rosa", Role.REVIEWER))
    assert "only Ada" in named(alone)["one admin"]
    none = house(member("Rosa", Role.REVIEWER), member("Omar", Role.REVIEWER))
    assert "nobody" in named(none)["one admin"]
    deputy = member("Dina", Role.ANALYST, granted=(Permission.MEMBERS_MANAGE,))
    assert "one admin" not in named(house(member("Ada"), deputy))


def test_without_two_who_confirm_nothing_can_leave() -> None:
    found = house(member("Ada"), member("Bo", denied=(Permission.SHARE_CONFIRM,)))
    assert "nothing can leave" in named(found)["no second person"]


@pytest.mark.parametrize(
    ("idle", "weak"),
    [
        (key("never"), True),
        (key("long ago", last_used_at=NOW - timedelta(days=30)), True),
        (key("revoked", revoked_at=NOW), False),
        (key("lately", last_used_at=NOW - timedelta(days=29)), False),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_keys_that_nobody_uses_are_named(idle: ApiKey, weak: bool) -> None:
    said = named(house(member("Ada"), member("Bo"), keys=(idle,)))
    assert ("keys nobody uses" in said) is weak
    if weak:
        assert idle.name in said["keys nobody uses"]


def test_a_new_organisation_without_members_is_not_blamed() -> None:
    assert named(house()) == {}


def test_the_demo_is_named_as_the_demo_and_nothing_else() -> None:
    assert DEMO == NAME
    demo = replace(house(member("Ada")), organisation=replace(ORGANISATION, name=NAME))
    assert list(named(demo)) == ["demo data"]


@pytest.mark.parametrize(
    ("origin", "bound", "installed", "weak"),
    [
        ("http://localhost:8600", "127.0.0.1", True, []),
        ("https://lapwing.example.org", EVERYWHERE, True, []),
        ("https://lapwing.example.org", "127.0.0.1", True, []),
        ("http://localhost:8600", EVERYWHERE, True, ["http beyond this machine"]),
        (
            "http://lapwing.example.org",
            "10.0.0.5",
            True,
            ["passkeys", "http beyond this machine"],
        ),
        ("https://10.0.0.5", "10.0.0.5", True, ["passkeys"]),
        ("http://localhost:8600", "127.0.0.1", False, ["passkeys"]),
    ],
)
def test_the_way_in(origin: str, bound: str, installed: bool, weak: list[str]) -> None:
    door = Door(origin=origin, bound_host=bound, passkeys_installed=installed)
    assert [one.what for one in review_door(door)] == weak


def test_what_is_stored_is_reviewed(members: Members, found: Callable[..., Organisation]) -> None:
    """Each organisation by its own name; members who are shut out and revoked keys are left out."""
    one, other = found(), found()
    gone = members.add_member(one.id, "Ada", Role.ADMIN, SYSTEM)
    members.add_member(one.id, "Bo", Role.ADMIN, SYSTEM)
    members.disable_member(one.id, SYSTEM, gone.id)
    said = [weak.said for weak in members.weaknesses("127.0.0.1")]
    ours = [line for line in said if one.name in line]
    assert len(ours) == 3
    assert not [line for line in ours if "Ada" in line]
    assert not [line for line in said if other.name in line]
