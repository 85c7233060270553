"""The demo's material: neutral, repeatable, and honest about what is planted in it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from lapwing.demo import generator
from lapwing.demo.generator import LISTED_DOMAIN, LISTED_URLS, Planted
from lapwing.model.links import canonical_domain, canonical_url, find_links

MAKERS: dict[str, Callable[[int, int], Planted]] = {
    "advert": generator.adverts,
    "message": generator.messages,
    "payment": generator.payments,
    "url": generator.links,
}
COUNT = 300
PICTURE = {"pdq": "f0" * 32, "quality": 90}


@pytest.fixture(params=sorted(MAKERS))
def planted(request: pytest.FixtureRequest) -> Planted:
    return MAKERS[request.param](COUNT, 7)


def links_of(record: dict[str, object]) -> list[str]:
    text = " ".join(str(record.get(name, "")) for name in ("text", "memo", "url"))
    return [link for _, _, link in find_links(text)]


def is_listed(link: str) -> bool:
    url = canonical_url(link)
    known = {canonical_url(one).text for one in LISTED_URLS}
    return url.text in known or f".{canonical_domain(url.host)}".endswith(f".{LISTED_DOMAIN}")


def test_a_seed_gives_the_same_material_again(planted: Planted) -> None:
    again = MAKERS[planted.kind](COUNT, 7)
    assert again == planted
    assert MAKERS[planted.kind](COUNT, 8) != planted


def test_what_is_planted_is_exactly_what_carries_a_listed_link(planted: Planted) -> None:
    listed = {
        record["source_id"]
        for record in planted.records
        if any(is_listed(link) for link in links_of(record))
    }
    assert listed == planted.listed
    assert 0 < len(listed) < COUNT / 10


def test_a_listed_picture_is_planted_too() -> None:
    planted = generator.adverts(COUNT, 7, [PICTURE])
    with_picture = {one["source_id"] for one in planted.records if one.get("pictures")}
    assert with_picture
    assert with_picture <= planted.listed


def test_ids_are_unique_and_every_host_is_reserved(planted: Planted) -> None:
    assert len({record["source_id"] for record in planted.records}) == COUNT
    hosts = {canonical_url(link).host for record in planted.records for link in links_of(record)}
    assert all(host.endswith(".example") for host in hosts)


def test_telephone_numbers_are_from_the_range_for_fiction() -> None:
    for record in generator.adverts(COUNT, 7).records:
        assert re.fullmatch(r"\+1 \d{3} 555 01\d\d", record["phone"])


def test_messages_are_public_ones() -> None:
    assert {record["surface"] for record in generator.messages(COUNT, 7).records} == {"public"}
