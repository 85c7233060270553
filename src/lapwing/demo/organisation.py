"""The demo's organisation, reviewer and lists."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct

from lapwing.app import House
from lapwing.bank.service import NewList
from lapwing.demo.generator import LISTED_DOMAIN, LISTED_URLS
from lapwing.law.registry import may_keep_content
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import NotFound
from lapwing.model.indicators import IndicatorKind, ListKind, NewIndicator
from lapwing.model.items import PictureHashes
from lapwing.model.organisations import OrganisationKind, Role

NAME = "Demo platform"
REVIEWER = "Robin Reviewer"
KEEP_DAYS = 30


class Cast(Struct, frozen=True, kw_only=True):
    organisation: UUID
    reviewer: UUID


def set_up(house: House, listed: Mapping[str, PictureHashes]) -> Cast:
    """Make (or find) the demo organisation, its reviewer and its two lists."""
    try:
        organisation = house.members.organisation_named(NAME).id
    except NotFound:
        organisation = _create(house)
    members = {member.name: member.id for member in house.members.members(organisation)}
    reviewer = members.get(REVIEWER) or (
        house.members.add_member(organisation, REVIEWER, Role.REVIEWER, SYSTEM).id
    )
    _fill(
        house,
        organisation,
        "Demo: known pictures",
        "Photographs that stand for known material",
        [
            NewIndicator(kind=IndicatorKind(kind), value=value, quality=quality)
            for hashes in listed.values()
            for kind, value, quality in (
                ("pdq", hashes.pdq, hashes.quality),
                ("sha256", hashes.sha256, None),
            )
            if value
        ],
    )
    _fill(
        house,
        organisation,
        "Demo: known links",
        "Addresses under .example that stand for known sites",
        [
            NewIndicator(kind=IndicatorKind.DOMAIN, value=LISTED_DOMAIN),
            *(NewIndicator(kind=IndicatorKind.URL, value=url) for url in LISTED_URLS),
        ],
    )
    return Cast(organisation=organisation, reviewer=reviewer)


def _create(house: House) -> UUID:
    allowed = may_keep_content(OrganisationKind.PLATFORM, "US")
    keep = getattr(allowed, "id", None)
    return house.members.create_organisation(
        name=NAME,
        kind=OrganisationKind.PLATFORM,
        country="US",
        keep_content=keep,
        keep_days=KEEP_DAYS if keep else None,
    ).id


def _fill(
    house: House, organisation: UUID, name: str, basis: str, entries: list[NewIndicator]
) -> None:
    existing = {one.name: one.id for one in house.bank.lists(organisation)}
    chosen = existing.get(name)
    if chosen is None:
        chosen = house.bank.create_list(
            organisation,
            SYSTEM,
            NewList(
                name=name,
                kind=ListKind.BLOCK,
                source="Lapwing demo",
                basis=basis,
                category="demo",
                verified=True,
            ),
        ).id
    house.bank.add(organisation, SYSTEM, chosen, entries)
