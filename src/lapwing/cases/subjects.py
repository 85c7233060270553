"""What an item's case is about, and what the case is called. Pure.

An item has one *primary* subject, by which it gathers: the account behind it, else the picture or
link that was recognised, else the picture or link that it carries. The others are kept as cross
references, so that cases which touch each other can be found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from lapwing.model.cases import Subject, SubjectKind
from lapwing.model.findings import Finding, FindingKind, Reason
from lapwing.model.items import Item, PictureHashes

MAX_VALUE = 1024
"""Bytes. A longer link stands in the index by its SHA-256: an index entry must fit a page."""

_HASHES = ("pdq", "sha256", "sha1", "md5")
"""PDQ first: it is shared by the changed copies of one picture, which belong in one case."""

_LINKS = {"url": SubjectKind.URL, "domain": SubjectKind.DOMAIN}

_TITLES = {
    FindingKind.KNOWN_MEDIA: "Known picture",
    FindingKind.NEAR_MEDIA: "Similar picture",
    FindingKind.KNOWN_URL: "Known link",
    FindingKind.KNOWN_DOMAIN: "Known site",
    FindingKind.LISTED_URL: "Listed link",
    FindingKind.HARMLESS_MEDIA: "Picture listed as harmless",
}


def subjects_of(item: Item, findings: Sequence[Finding]) -> tuple[Subject, ...]:
    """Distinct subjects of an item, the primary one first; empty when nothing names one."""
    found: dict[Subject, None] = {}
    if item.account:
        found[_subject(SubjectKind.ACCOUNT, item.account)] = None
    for finding in sorted(findings, key=lambda finding: -finding.score):
        for subject in _recognised(finding.reasons):
            found.setdefault(subject, None)
    if not found:
        for subject in _carried(item):
            found.setdefault(subject, None)
    return tuple(found)


def title_of(findings: Iterable[Finding]) -> str:
    """Neutral words for the strongest finding: a queue is read by people all day."""
    strongest = max(findings, key=lambda finding: finding.score, default=None)
    if strongest is None:
        return "Sent for review"
    title = _TITLES.get(strongest.kind, "Finding")
    is_video = any(reason.video is not None for reason in strongest.reasons)
    return title.replace("picture", "video") if is_video else title


def priority_of(findings: Iterable[Finding]) -> float:
    """0..1: the highest score."""
    return max((finding.score for finding in findings), default=0.0)


def _recognised(reasons: Sequence[Reason]) -> Iterator[Subject]:
    for name in _HASHES:
        for reason in sorted(
            (reason for reason in reasons if reason.id == name),
            key=lambda reason: reason.distance or 0,
        ):
            yield _subject(SubjectKind.HASH, f"{name}:{reason.value}")
    for reason in reasons:
        if reason.id == "video":
            yield _subject(SubjectKind.HASH, f"video:{reason.value}")
        if reason.id in _LINKS:
            yield _subject(_LINKS[reason.id], reason.value)


def _carried(item: Item) -> Iterator[Subject]:
    for picture in item.pictures:
        yield from _hashes(picture)
    for link in item.links:
        yield _subject(SubjectKind.URL, link)


def _hashes(picture: PictureHashes) -> Iterator[Subject]:
    for name in _HASHES:
        value = getattr(picture, name)
        if value:
            yield _subject(SubjectKind.HASH, f"{name}:{value}")


def _subject(kind: SubjectKind, value: str) -> Subject:
    raw = value.encode()
    if len(raw) > MAX_VALUE:
        value = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return Subject(kind, value)
