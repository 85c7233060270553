"""What the items of a case say for a report: kind, links, hashes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lapwing.cases.records import CaseItem
from lapwing.model.errors import InvalidInput
from lapwing.model.findings import Family
from lapwing.model.links import canonical_url
from lapwing.report.cybertipline.document import (
    ChatImIncident,
    IncidentType,
    InternetDetails,
    WebPageIncident,
)
from lapwing.report.records import ReportKind

MOST_LINKS = 100
MOST_HASHES = 50

_OF_FAMILY = {
    Family.MEDIA: ReportKind.IMAGE,
    Family.URLS: ReportKind.URL,
    Family.RECRUITMENT: ReportKind.MESSAGE,
    Family.ADVERTS: ReportKind.ADVERT,
}
_OF_ITEM = {
    "media": ReportKind.IMAGE,
    "url": ReportKind.URL,
    "advert": ReportKind.ADVERT,
    "message": ReportKind.MESSAGE,
    "contact": ReportKind.MESSAGE,
    "chat_access": ReportKind.MESSAGE,
}
_INCIDENT = {
    ReportKind.IMAGE: IncidentType.POSSESSION,
    ReportKind.URL: IncidentType.POSSESSION,
    ReportKind.MESSAGE: IncidentType.ENTICEMENT,
    ReportKind.ADVERT: IncidentType.TRAFFICKING,
}
_HASHES = ("sha256", "sha1", "md5", "pdq")


def suggested_kind(items: Sequence[CaseItem]) -> ReportKind:
    """By the strongest finding, else by the kind of the newest item; a member has the last word."""
    findings = [finding for item in items for finding in item.findings]
    for finding in sorted(findings, key=lambda finding: -finding.score):
        if finding.family in _OF_FAMILY:
            return _OF_FAMILY[finding.family]
    return next((_OF_ITEM[one.kind] for one in items if one.kind in _OF_ITEM), ReportKind.URL)


def incident_type(kind: ReportKind) -> IncidentType:
    return _INCIDENT[kind]


def internet_details(
    items: Sequence[CaseItem], typed_urls: Sequence[str], platform: str
) -> tuple[InternetDetails, ...]:
    """The pages that items name, and the chats that messages were written in."""
    found = []
    urls = tuple(typed_urls) or tuple(links_of(items))
    if urls:
        found.append(InternetDetails(web_page_incident=WebPageIncident(url=urls[:MOST_LINKS])))
    rooms = dict.fromkeys(
        one.facts.get("conversation") or one.facts.get("room")
        for one in items
        if one.kind in ("message", "contact", "chat_access")
    )
    found += [
        InternetDetails(chat_im_incident=ChatImIncident(chat_client=platform, chat_room_name=room))
        for room in list(rooms)[:MOST_LINKS]
    ]
    return tuple(found)


def links_of(items: Iterable[CaseItem]) -> list[str]:
    """Web addresses that items carry or that were recognised in them, each once."""
    found: dict[str, None] = {}
    for item in items:
        carried = [item.facts.get("url"), *item.facts.get("url_list", ())]
        recognised = [
            reason.value
            for finding in item.findings
            for reason in finding.reasons
            if reason.id == "url"
        ]
        found |= dict.fromkeys(_addresses(carried) or _addresses(recognised))
    return list(found)


def hashes_of(item: CaseItem) -> Iterator[tuple[str, str]]:
    """(name, hex) of every picture of an item."""
    facts: dict[str, Any] = item.facts
    for picture in (facts.get("hashes") or {}, *facts.get("picture_list", ())):
        for name in _HASHES:
            if picture.get(name):
                yield name.upper(), picture[name]


def hashes_line(items: Iterable[CaseItem]) -> str | None:
    """For a report without files: the hashes of what was seen, at most MOST_HASHES."""
    found = list(dict.fromkeys(pair for item in items for pair in hashes_of(item)))
    if not found:
        return None
    said = ", ".join(f"{name} {value}" for name, value in found[:MOST_HASHES])
    more = f" and {len(found) - MOST_HASHES} more" if len(found) > MOST_HASHES else ""
    return f"The provider keeps no content. Hashes of the content: {said}{more}."


def _addresses(links: Iterable[str | None]) -> list[str]:
    """Those that are usable, as web addresses with their scheme."""
    return [address for link in links if link and (address := _address(link))]


def _address(link: str) -> str | None:
    if link.startswith(("http://", "https://")):
        return link
    try:
        return f"http://{canonical_url(link).text}"
    except InvalidInput:
        return None
