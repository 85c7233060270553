"""Links that a list knows, in fields of their own and in texts.

A listed URL matches as in Safe Browsing: itself, and everything under it when it ends in `/`. A
listed domain matches itself and every name under it. Nothing is opened or resolved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from lapwing.bank.index.hits import Hit
from lapwing.bank.index.view import BankView
from lapwing.detect.contract import Example
from lapwing.detect.examples import bank_list, indicator, item
from lapwing.detect.reasons import reason, shared
from lapwing.model.errors import InvalidInput
from lapwing.model.findings import Family, Finding, FindingKind, Reason
from lapwing.model.indicators import IndicatorKind, ListKind
from lapwing.model.items import Advert, Item, Message, Payment, Url
from lapwing.model.links import CanonicalUrl, canonical_url, find_links

Span = tuple[int, int]
_SCORES = {
    FindingKind.KNOWN_URL: 1.0,
    FindingKind.KNOWN_DOMAIN: 0.9,
    FindingKind.LISTED_URL: 0.5,
}
"""Orders the queue: a listed page says more than a listed site, and that more than a lead."""


class KnownLink:
    """Every kind of item that has links or texts."""

    name = "known_link"
    version = "1"
    family = Family.URLS
    kinds = frozenset({"media", "message", "advert", "payment", "url", "profile", "tip"})

    def detect(self, items: Sequence[Item], bank: BankView) -> list[tuple[Finding, ...]]:
        found: list[tuple[Finding, ...]] = [()] * len(items)
        if bank.empty_of(IndicatorKind.URL) and bank.empty_of(IndicatorKind.DOMAIN):
            return found
        seen: defaultdict[CanonicalUrl, list[tuple[int, Span | None]]] = defaultdict(list)
        for place, entry in enumerate(items):
            for written, span in _links(entry):
                try:
                    seen[canonical_url(written)].append((place, span))
                except InvalidInput:
                    # Nothing that cannot be opened is listed, so nothing is missed.
                    continue
        by_item: defaultdict[int, dict[FindingKind, list[Reason]]] = defaultdict(dict)
        for url, hits in _hits(list(seen), bank).items():
            for place, span in seen[url]:
                for hit in hits:
                    told = by_item[place].setdefault(_kind(hit), [])
                    told.append(reason(hit, span=span))
        for place, kinds in by_item.items():
            found[place] = tuple(
                self._finding(items[place], kind, kinds[kind]) for kind in _SCORES if kind in kinds
            )
        return found

    def _finding(self, entry: Item, kind: FindingKind, reasons: list[Reason]) -> Finding:
        return Finding(
            item=entry.id,
            kind=kind,
            family=self.family,
            score=_SCORES[kind],
            reasons=shared(reasons),
            detector=self.name,
            version=self.version,
        )

    def examples(self) -> Sequence[Example]:
        return _EXAMPLES


def _links(entry: Item) -> Iterator[tuple[str, Span | None]]:
    """Links as written, with their place when they stand in the body of the item."""
    for link in entry.links:
        yield link, None
    *others, body = entry.texts or ("",)
    for text in others:
        for _, _, link in find_links(text):
            yield link, None
    for start, end, link in find_links(body):
        yield link, (start, end)


def _hits(urls: list[CanonicalUrl], bank: BankView) -> dict[CanonicalUrl, list[Hit]]:
    """Hits by link: one search for URLs and one for domains, whatever the size of the batch."""
    found: defaultdict[CanonicalUrl, list[Hit]] = defaultdict(list)
    for kind, spell in (
        (IndicatorKind.URL, CanonicalUrl.expressions),
        (IndicatorKind.DOMAIN, CanonicalUrl.domains),
    ):
        if bank.empty_of(kind):
            continue
        values: list[bytes] = []
        owners: list[CanonicalUrl] = []
        for url in urls:
            spelled = spell(url)
            values += [value.encode() for value in spelled]
            owners += [url] * len(spelled)
        for hit in bank.exact(kind, values):
            if hit.list.kind is not ListKind.ALLOW:
                found[owners[hit.query]].append(hit)
    return found


def _kind(hit: Hit) -> FindingKind:
    if not hit.known():
        return FindingKind.LISTED_URL
    if hit.kind is IndicatorKind.URL:
        return FindingKind.KNOWN_URL
    return FindingKind.KNOWN_DOMAIN


_URL, _DOMAIN, _LISTED = (
    (FindingKind.KNOWN_URL,),
    (FindingKind.KNOWN_DOMAIN,),
    (FindingKind.LISTED_URL,),
)
_VERIFIED = bank_list("verified")
_LEADS = bank_list("leads", verified=False)


def _urls(*urls: str) -> tuple[Url, ...]:
    return tuple(item(Url, number, url=url) for number, url in enumerate(urls))


_EXAMPLES = (
    Example(
        name="a listed page is found in every spelling, and no other page of the site",
        items=_urls(
            "https://photos.example.com/album/7",
            "HTTP://user@Photos.Example.com:8080/a/../album/%37?from=mail#top",
            "hxxps://photos[.]example[.]com/album/7",
            "https://photos.example.com/album/8",
            "https://example.com/album/7",
        ),
        lists=(_VERIFIED,),
        indicators=(indicator(1, _VERIFIED, "url", "photos.example.com/album/7"),),
        expects=(_URL, _URL, _URL, (), ()),
    ),
    Example(
        name="a listed folder takes what lies under it",
        items=_urls(
            "example.com/club/", "http://www.example.com/club/room/1?x", "example.com/clubs"
        ),
        lists=(_VERIFIED,),
        indicators=(indicator(1, _VERIFIED, "url", "example.com/club/"),),
        expects=(_URL, _URL, ()),
    ),
    Example(
        name="a listed domain takes the names under it, not those beside it",
        items=_urls(
            "https://example.net/any",
            "https://a.b.c.d.e.f.example.net/",
            "https://notexample.net/",
            "http://192.0.2.7/",
            "http://0xC0000207/x",
        ),
        lists=(_VERIFIED,),
        indicators=(
            indicator(1, _VERIFIED, "domain", "example.net"),
            indicator(2, _VERIFIED, "domain", "192.0.2.7"),
        ),
        expects=(_DOMAIN, _DOMAIN, (), _DOMAIN, _DOMAIN),
    ),
    Example(
        name="a list that is not verified gives a lead",
        items=_urls("https://example.org/a", "https://example.org/b"),
        lists=(_VERIFIED, _LEADS),
        indicators=(
            indicator(1, _LEADS, "domain", "example.org"),
            indicator(2, _VERIFIED, "url", "example.org/a"),
        ),
        expects=(_URL + _LISTED, _LISTED),
    ),
    Example(
        name="links in texts, titles and memos",
        items=(
            item(Message, 1, text="Photos of the bicycle: www.example.com/bike."),
            item(Advert, 2, title="example[.]com/bike", text="Bicycle, hardly used"),
            item(Payment, 3, amount="12.50", currency="EUR", memo="for (http://example.com/bike)"),
            item(Message, 4, text="mail bike@example.com for the bicycle"),
            item(Message, 5, text="No link. Only words, 1.5 of them."),
        ),
        lists=(_VERIFIED,),
        indicators=(
            indicator(1, _VERIFIED, "url", "example.com/bike"),
            indicator(2, _VERIFIED, "domain", "example.com"),
        ),
        expects=(_URL + _DOMAIN, _URL + _DOMAIN, _URL + _DOMAIN, (), ()),
    ),
)

DETECTOR = KnownLink()
