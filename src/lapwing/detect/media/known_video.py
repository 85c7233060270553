"""Videos and animations of which a list knows frames, with the stretches of time that matched.

As in vPDQ, frames of quality below 50 and repeated ones are left out, and a match is told as
shares: how much of the listed video was found, and how much of the one looked at is covered by it.
*Known* is a verified list's video when one of the shares is 80 % or more, as vPDQ has it, and at
least one frame is within the distance that makes a picture known; what matches less goes to review.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lapwing.bank.index.hits import Hit
from lapwing.bank.index.view import BankView
from lapwing.detect.contract import Example
from lapwing.detect.examples import OTHER_PDQ, PDQ, bank_list, far, indicator, item
from lapwing.detect.reasons import reason, shared, strength
from lapwing.model.findings import Family, Finding, FindingKind, Reason
from lapwing.model.indicators import IndicatorKind
from lapwing.model.items import Item, Media, PictureHashes
from lapwing.model.videos import Frame, VideoMatch, listed_frames, read_listed, stretches, telling

KNOWN_SHARE = 0.8
"""Of either video; vPDQ's threshold (threatexchange, VPDQ_QUERY_MATCH_THRESHOLD_PERCENT)."""
NEAR_SHARE = 0.2
NEAR_FRAMES = 2
"""Below both, a video is near only if one frame alone is within the known distance."""


class Match(Struct, frozen=True):
    """One item beside one listed video; `best` is the strongest hit of any frame."""

    best: Hit
    quality: int
    known: bool
    share: float
    told: VideoMatch


class KnownVideo:
    """Media with frames."""

    name = "known_video"
    version = "1"
    family = Family.MEDIA
    kinds = frozenset({"media"})

    def detect(self, items: Sequence[Item], bank: BankView) -> list[tuple[Finding, ...]]:
        found: list[tuple[Finding, ...]] = [()] * len(items)
        if bank.empty_of(IndicatorKind.VIDEO_FRAME):
            return found
        asked = [(place, frame) for place, one in enumerate(items) for frame in telling(one.film)]
        if not asked:
            return found
        octets = bytes.fromhex("".join(frame.pdq for _, frame in asked))
        codes = np.frombuffer(octets, np.uint8).reshape(-1, 32)
        hits: defaultdict[int, list[tuple[Frame, Hit]]] = defaultdict(list)
        for hit in bank.near(codes, IndicatorKind.VIDEO_FRAME):
            place, frame = asked[hit.query]
            hits[place].append((frame, hit))
        for place, pairs in hits.items():
            found[place] = self._findings(items[place], pairs)
        return found

    def _findings(self, entry: Item, pairs: list[tuple[Frame, Hit]]) -> tuple[Finding, ...]:
        told: dict[FindingKind, list[Reason]] = {}
        score = 0.0
        for match in _matches(entry.film, pairs):
            kind = FindingKind.KNOWN_MEDIA if match.known else FindingKind.NEAR_MEDIA
            told.setdefault(kind, []).append(_reason(match))
            score = max(score, match.share * strength(match.best))
        return tuple(
            Finding(
                item=entry.id,
                kind=kind,
                family=self.family,
                score=1.0 if kind is FindingKind.KNOWN_MEDIA else round(0.9 * score, 4),
                reasons=shared(reasons),
                detector=self.name,
                version=self.version,
            )
            for kind, reasons in told.items()
        )

    def examples(self) -> Sequence[Example]:
        return _EXAMPLES


def _matches(film: Sequence[Frame], pairs: list[tuple[Frame, Hit]]) -> list[Match]:
    """One a listed video that matches enough, the strongest first."""
    by_video: defaultdict[tuple[str, str], list[tuple[Frame, Hit]]] = defaultdict(list)
    for frame, hit in pairs:
        by_video[str(hit.list.id), read_listed(hit.value).video].append((frame, hit))
    asked = len(telling(film))
    matches: list[Match] = []
    for (_, video), found in by_video.items():
        best = min((hit for _, hit in found), key=lambda hit: (hit.distance, hit.indicator))
        ours = {frame.pdq for frame, _ in found}
        theirs = {hit.value for _, hit in found}
        covered = len(ours) / asked
        listed = min(1.0, len(theirs) / max(1, read_listed(best.value).frames))
        share = max(covered, listed)
        close = any(hit.known(frame.quality) for frame, hit in found)
        if not close and share < NEAR_SHARE and len(theirs) < NEAR_FRAMES:
            continue
        told = VideoMatch(
            video=video,
            query_percent=round(100 * covered, 1),
            compared_percent=round(100 * listed, 1),
            ranges=stretches(film, ours),
        )
        quality = max(frame.quality for frame, hit in found if hit is best)
        matches.append(Match(best, quality, close and share >= KNOWN_SHARE, share, told))
    return sorted(matches, key=lambda match: (not match.known, -match.share, match.best.indicator))


def _reason(match: Match) -> Reason:
    told = reason(match.best, quality=match.quality)
    distance = match.best.distance
    return replace(told, id="video", value=match.told.video, distance=distance, video=match.told)


_VERIFIED = bank_list("verified videos")
_LEADS = bank_list("video leads", verified=False)


def _film(*hashes: str, quality: int = 100) -> tuple[Frame, ...]:
    return tuple(Frame(25 * n, quality, pdq, float(n)) for n, pdq in enumerate(hashes))


def _video(number: int, *hashes: str, quality: int = 100) -> Media:
    return item(
        Media,
        number,
        hashes=PictureHashes(sha256="5c" * 32),
        frames=_film(*hashes, quality=quality),
    )


_SCENES = (PDQ, OTHER_PDQ, far(PDQ, 100), far(OTHER_PDQ, 100), far(PDQ, 200))
_LISTED = tuple(
    indicator(n, _VERIFIED, "video_frame", value, quality)
    for n, (value, quality) in enumerate(listed_frames(_film(*_SCENES)), 1)
)
_LED = tuple(
    indicator(n, _LEADS, "video_frame", value, quality)
    for n, (value, quality) in enumerate(listed_frames(_film(*_SCENES)), 1)
)
_KNOWN, _NEAR = (FindingKind.KNOWN_MEDIA,), (FindingKind.NEAR_MEDIA,)

_EXAMPLES = (
    Example(
        name="a copy is known, also a part of it, and it inside a longer one",
        items=(
            _video(1, *_SCENES),
            _video(2, *_SCENES[1:3]),
            _video(3, *(far("0f" * 32, 9 * n) for n in range(20)), *_SCENES),
            _video(4, *(far("0f" * 32, 9 * n) for n in range(20))),
        ),
        lists=(_VERIFIED,),
        indicators=_LISTED,
        expects=(_KNOWN, _KNOWN, _KNOWN, ()),
    ),
    Example(
        name="alike all through is near, known as soon as one frame is close",
        items=(
            _video(1, *(far(scene, 20) for scene in _SCENES)),
            _video(2, _SCENES[0], *(far(scene, 20) for scene in _SCENES[1:])),
        ),
        lists=(_VERIFIED,),
        indicators=_LISTED,
        expects=(_NEAR, _KNOWN),
    ),
    Example(
        name="frames that say too little do not count, and a list of leads makes near",
        items=(_video(1, *_SCENES, quality=49), _video(2, *_SCENES)),
        lists=(_LEADS,),
        indicators=_LED,
        expects=((), _NEAR),
    ),
)

DETECTOR = KnownVideo()
