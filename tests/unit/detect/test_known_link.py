"""Known links: what the findings say beyond their kind."""

from __future__ import annotations

import pytest

from lapwing.bank.index.snapshot import Snapshot
from lapwing.bank.index.view import BankView
from lapwing.detect.contract import EXAMPLE_TIME
from lapwing.detect.examples import ORGANISATION, bank_list, indicator, item
from lapwing.detect.urls.known_link import DETECTOR
from lapwing.model.findings import Finding, FindingKind
from lapwing.model.indicators import ListKind
from lapwing.model.items import Advert, Item, Media, Message, PictureHashes, Url

VERIFIED = bank_list("verified")
REVIEW = bank_list("review", ListKind.REVIEW)
ALLOW = bank_list("allowed", ListKind.ALLOW)


def bank(**listed: str) -> BankView:
    """A verified list with one URL and one domain."""
    entries = [indicator(n, VERIFIED, kind, v) for n, (kind, v) in enumerate(listed.items())]
    return Snapshot.build(3, (VERIFIED,), entries).view(ORGANISATION, EXAMPLE_TIME)


def look(view: BankView, entry: Item) -> tuple[Finding, ...]:
    return DETECTOR.detect([entry], view)[0]


def test_the_span_shows_the_link_in_the_text() -> None:
    text = "The bicycle (hxxps://Example[.]com/bike) is blue. Again: www.example.com/bike"
    (found,) = look(bank(url="example.com/bike"), item(Message, 1, text=text))
    (reason,) = found.reasons
    assert reason.span is not None
    assert text[slice(*reason.span)] == "hxxps://Example[.]com/bike"
    assert (reason.id, reason.value, reason.distance) == ("url", "example.com/bike", None)


def test_a_link_in_a_title_or_a_field_has_no_span() -> None:
    view = bank(url="example.com/bike")
    for entry in (
        item(Advert, 1, title="example.com/bike", text="Bicycle"),
        item(Advert, 2, url="https://example.com/bike", text="Bicycle"),
        item(Media, 3, url="https://example.com/bike", hashes=PictureHashes()),
    ):
        (found,) = look(view, entry)
        assert found.reasons[0].span is None


def test_a_listed_page_stands_higher_than_a_listed_site_and_that_than_a_lead() -> None:
    entries = [
        indicator(1, VERIFIED, "url", "example.com/a"),
        indicator(2, VERIFIED, "domain", "example.com"),
        indicator(3, REVIEW, "url", "example.com/"),
        indicator(4, ALLOW, "url", "example.com/a"),
    ]
    snapshot = Snapshot.build(1, (VERIFIED, REVIEW, ALLOW), entries)
    found = look(snapshot.view(ORGANISATION, EXAMPLE_TIME), item(Url, 1, url="example.com/a"))
    assert [finding.kind for finding in found] == [
        FindingKind.KNOWN_URL,
        FindingKind.KNOWN_DOMAIN,
        FindingKind.LISTED_URL,
    ]
    scores = [finding.score for finding in found]
    assert scores == sorted(set(scores), reverse=True)
    assert not any(reason.list == ALLOW.id for finding in found for reason in finding.reasons)


@pytest.mark.parametrize("url", ["mailto:a@example.com", "http://", "nothing", "x" * 9000])
def test_a_link_that_cannot_be_read_does_not_stop_the_others(url: str) -> None:
    entry = item(Message, 1, text="see example.com", url_list=(url, "https://example.com/x"))
    (found,) = look(bank(domain="example.com"), entry)
    assert found.kind is FindingKind.KNOWN_DOMAIN


def test_an_empty_bank_finds_nothing() -> None:
    view = Snapshot.empty().view(ORGANISATION, EXAMPLE_TIME)
    assert DETECTOR.detect([item(Url, 1, url="example.com")] * 3, view) == [(), (), ()]
