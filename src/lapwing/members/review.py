"""What is weak about who may come in. Pure: it is given what there is, and says what to mend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from lapwing.members.site import Site
from lapwing.model.organisations import ApiKey, Member, Organisation
from lapwing.model.permissions import Permission

UNUSED = timedelta(days=30)
DEMO = "Demo platform"
_NAMED = 3
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Weakness(Struct, frozen=True):
    """`what` is short; `said` names who or which, and how to mend it."""

    what: str
    said: str


class Door(Struct, frozen=True, kw_only=True):
    """How this installation is reached: the members' address and the one the server binds."""

    origin: str
    bound_host: str
    passkeys_installed: bool


class House(Struct, frozen=True, kw_only=True):
    """One organisation as it stands. `passkeys` leaves out members who have none."""

    organisation: Organisation
    members: Sequence[Member]
    passkeys: Mapping[UUID, int]
    keys: Sequence[ApiKey]


def review_door(door: Door) -> list[Weakness]:
    """What is weak about the way in, for every organisation."""
    site, found = Site.at(door.origin), []
    if not door.passkeys_installed:
        found.append(Weakness("passkeys", "not installed: pip install 'lapwing[passkeys]'"))
    if site.refused is not None:
        found.append(
            Weakness("passkeys", f"none at {site.origin}: {site.refused}; set LAPWING_ORIGIN")
        )
    if door.bound_host not in _LOOPBACK and not site.secure:
        found.append(
            Weakness(
                "http beyond this machine",
                f"the server listens on {door.bound_host}, and members' address is {site.origin}: "
                "put TLS in front and set LAPWING_ORIGIN to the https address",
            )
        )
    return found


def review(house: House, now: datetime) -> list[Weakness]:
    """What is weak about one organisation's members and keys."""
    return list(_weaknesses(house, now))


def _weaknesses(house: House, now: datetime) -> Iterator[Weakness]:
    name = house.organisation.name
    if name == DEMO:
        yield Weakness("demo data", f"{name!r} is here; keep it off an installation that is used")
        return
    keyless = [one.name for one in house.members if not house.passkeys.get(one.id)]
    if keyless:
        yield Weakness(
            "members without a passkey",
            f"{_few(keyless)} of {name!r}: whoever gets a sign-in link of theirs is them",
        )
    managing = [one.name for one in house.members if one.may(Permission.MEMBERS_MANAGE)]
    if house.members and len(managing) < 2:
        who = f"only {managing[0]}" if managing else "nobody"
        yield Weakness(
            "one admin", f"{who} manages members of {name!r}; a second one keeps the way in open"
        )
    confirming = [one for one in house.members if one.may(Permission.SHARE_CONFIRM)]
    if house.members and len(confirming) < 2:
        yield Weakness(
            "no second person",
            f"fewer than two members of {name!r} may confirm: nothing can leave it",
        )
    running = [key for key in house.keys if key.revoked_at is None]
    idle = [key.name for key in running if _idle(key, now)]
    if idle:
        yield Weakness(
            "keys nobody uses",
            f"{_few(idle)} of {name!r}, not for {UNUSED.days} days; `lapwing keys revoke` ends one",
        )


def _idle(key: ApiKey, now: datetime) -> bool:
    return now - (key.last_used_at or key.created_at) >= UNUSED


def _few(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
