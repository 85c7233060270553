"""Pictures that a list knows, by cryptographic hash or PDQ, in every item that carries pictures.

Known and near as DESIGN says (`Hit.known`). An exact cryptographic hash on an allow list makes
that one picture harmless: what merely resembles it elsewhere is then told as a reason and no
longer sends it to review. A verified block list still makes it known, unless a second member has
confirmed the allow entry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from lapwing.bank.index.hits import HASH_WIDTHS, Hit
from lapwing.bank.index.view import BankView
from lapwing.detect.contract import Example
from lapwing.detect.examples import OTHER_PDQ, PDQ, SHA256, bank_list, far, indicator, item
from lapwing.detect.reasons import reason, shared, strength
from lapwing.model.findings import Family, Finding, FindingKind, Reason
from lapwing.model.indicators import CountReason, IndicatorKind, ListKind
from lapwing.model.items import Advert, Item, Media, Message, PictureHashes
from lapwing.model.videos import telling

_EXACT = (IndicatorKind.SHA256, IndicatorKind.SHA1, IndicatorKind.MD5)


class KnownPicture:
    """Media, and the pictures of adverts, messages, profiles and tips."""

    name = "known_picture"
    version = "2"
    family = Family.MEDIA
    kinds = frozenset({"media", "message", "advert", "profile", "tip"})

    def detect(self, items: Sequence[Item], bank: BankView) -> list[tuple[Finding, ...]]:
        found: list[tuple[Finding, ...]] = [()] * len(items)
        places: list[int] = []
        pictures: list[PictureHashes] = []
        for place, entry in enumerate(items):
            for picture in (*entry.pictures, *_stills(entry)):
                places.append(place)
                pictures.append(picture)
        by_item: defaultdict[int, dict[FindingKind, list[Reason]]] = defaultdict(dict)
        for number, hits in sorted(_hits(pictures, bank).items()):
            for kind, reasons in _told(hits, pictures[number].quality):
                by_item[places[number]].setdefault(kind, []).extend(reasons)
        for place, kinds in by_item.items():
            found[place] = tuple(
                self._finding(items[place], kind, reasons) for kind, reasons in kinds.items()
            )
        return found

    def _finding(self, entry: Item, kind: FindingKind, reasons: list[Reason]) -> Finding:
        strongest = max(r.weight for r in reasons)
        score = {FindingKind.KNOWN_MEDIA: 1.0, FindingKind.HARMLESS_MEDIA: 0.0}
        return Finding(
            item=entry.id,
            kind=kind,
            family=self.family,
            # A near match always stands behind a known one in the queue.
            score=score.get(kind, round(0.9 * strongest, 4)),
            reasons=shared(reasons),
            detector=self.name,
            version=self.version,
        )

    def examples(self) -> Sequence[Example]:
        return _EXAMPLES


def _stills(entry: Item) -> Iterator[PictureHashes]:
    """Frames of a video or an animation: a listed picture may be one of them."""
    for frame in telling(entry.film):
        yield PictureHashes(pdq=frame.pdq, quality=frame.quality)


def _hits(pictures: Sequence[PictureHashes], bank: BankView) -> dict[int, list[Hit]]:
    """Hits by picture number: one search a kind of hash, whatever the size of the batch."""
    found: defaultdict[int, list[Hit]] = defaultdict(list)
    for kind in _EXACT:
        if bank.empty_of(kind):
            continue
        name = kind.value
        values = [getattr(picture, name) for picture in pictures]
        numbers = [number for number, value in enumerate(values) if value]
        octets = bytes.fromhex("".join(filter(None, values)))
        width = HASH_WIDTHS[kind]
        cut = [octets[at : at + width] for at in range(0, len(octets), width)]
        for hit in bank.exact(kind, cut):
            found[numbers[hit.query]].append(hit)
    if not bank.empty_of(IndicatorKind.PDQ):
        numbers = [number for number, picture in enumerate(pictures) if picture.pdq]
        octets = bytes.fromhex("".join([picture.pdq for picture in pictures if picture.pdq]))
        for hit in bank.near(np.frombuffer(octets, np.uint8).reshape(-1, 32)):
            found[numbers[hit.query]].append(hit)
    return found


def _told(hits: list[Hit], quality: int | None) -> Iterator[tuple[FindingKind, list[Reason]]]:
    """What one picture's hits amount to, the telling hits first among the reasons."""
    hits.sort(key=lambda hit: (-strength(hit), hit.kind.value, hit.indicator))
    known = [hit for hit in hits if hit.known(quality)]
    allowed = [hit for hit in hits if hit.list.kind is ListKind.ALLOW]
    near = [hit for hit in hits if hit not in known and hit not in allowed]
    allows = bool(allowed) and (not known or any(hit.confirmed for hit in allowed))
    if known and not allows:
        yield FindingKind.KNOWN_MEDIA, _reasons(known + near, quality)
    if allows:
        beaten = _reasons(known + near, quality, CountReason.ALLOW_ENTRY)
        yield FindingKind.HARMLESS_MEDIA, [*_reasons(allowed, quality), *beaten]
    elif allowed:
        beaten = _reasons(allowed, quality, CountReason.ALLOW_ENTRY_UNCONFIRMED)
        yield FindingKind.HARMLESS_MEDIA, beaten
    elif near and not known:
        yield FindingKind.NEAR_MEDIA, _reasons(near, quality)


def _reasons(
    hits: list[Hit], quality: int | None, beaten: CountReason | None = None
) -> list[Reason]:
    return [
        reason(hit, quality=quality if hit.kind is IndicatorKind.PDQ else None, beaten=beaten)
        for hit in hits
    ]


_KNOWN, _NEAR, _HARMLESS = (
    (FindingKind.KNOWN_MEDIA,),
    (FindingKind.NEAR_MEDIA,),
    (FindingKind.HARMLESS_MEDIA,),
)
_VERIFIED = bank_list("verified")
_LEADS = bank_list("leads", verified=False)
_REVIEW = bank_list("review", ListKind.REVIEW)
_ALLOW = bank_list("harmless", ListKind.ALLOW)
_PDQ_LISTED = (indicator(1, _VERIFIED, "pdq", PDQ, 100),)


def _picture(number: int, **hashes: str | int) -> Media:
    return item(Media, number, hashes=PictureHashes(**hashes))  # type: ignore[arg-type]


_EXAMPLES = (
    Example(
        name="a PDQ hash is known up to 10 bits, near up to 31, and then neither",
        items=tuple(
            _picture(n, pdq=far(PDQ, bits), quality=100)
            for n, bits in enumerate((0, 10, 11, 31, 32))
        ),
        lists=(_VERIFIED,),
        indicators=_PDQ_LISTED,
        expects=(_KNOWN, _KNOWN, _NEAR, _NEAR, ()),
    ),
    Example(
        name="a PDQ hash of low or untold quality is never known",
        items=(_picture(1, pdq=PDQ, quality=49), _picture(2, pdq=PDQ)),
        lists=(_VERIFIED,),
        indicators=_PDQ_LISTED,
        expects=(_NEAR, _NEAR),
    ),
    Example(
        name="lists that are not verified, and review lists, only make near",
        items=(_picture(1, sha256=SHA256), _picture(2, pdq=PDQ, quality=100)),
        lists=(_LEADS, _REVIEW),
        indicators=(indicator(1, _LEADS, "sha256", SHA256), indicator(2, _REVIEW, "pdq", PDQ)),
        expects=(_NEAR, _NEAR),
    ),
    Example(
        name="a cryptographic hash is known whatever the quality",
        items=(
            _picture(1, md5="0a" * 16),
            _picture(2, sha1="0b" * 20, quality=0),
            _picture(3, sha256="0c" * 32),
        ),
        lists=(_VERIFIED,),
        indicators=(
            indicator(1, _VERIFIED, "md5", "0a" * 16),
            indicator(2, _VERIFIED, "sha1", "0b" * 20),
        ),
        expects=(_KNOWN, _KNOWN, ()),
    ),
    Example(
        name="the allow list answers a lead but not a verified list",
        items=(
            _picture(1, sha256=SHA256),
            _picture(2, sha256=SHA256, pdq=OTHER_PDQ, quality=100),
            _picture(3, sha256=SHA256, pdq=PDQ, quality=100),
        ),
        lists=(_VERIFIED, _LEADS, _ALLOW),
        indicators=(
            *_PDQ_LISTED,
            indicator(2, _LEADS, "pdq", OTHER_PDQ),
            indicator(3, _ALLOW, "sha256", SHA256),
        ),
        expects=(_HARMLESS, _HARMLESS, _KNOWN + _HARMLESS),
    ),
    Example(
        name="pictures inside adverts and messages, each judged for itself",
        items=(
            item(
                Advert,
                1,
                text="Bicycle, hardly used",
                picture_list=(
                    PictureHashes(sha256=SHA256, pdq=OTHER_PDQ, quality=100),
                    PictureHashes(pdq=far(PDQ, 20), quality=100),
                ),
            ),
            item(Message, 2, text="See you at noon", picture_list=(PictureHashes(sha256=SHA256),)),
            item(Message, 3, text="No picture here"),
        ),
        lists=(_VERIFIED, _ALLOW),
        indicators=(*_PDQ_LISTED, indicator(2, _ALLOW, "sha256", SHA256)),
        expects=(_HARMLESS + _NEAR, _HARMLESS, ()),
    ),
)

DETECTOR = KnownPicture()
