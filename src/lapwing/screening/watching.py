"""A running stream beside the bank: what is new in it is raised once, while it runs. Pure.

Two windows over the last frames are looked at: a short one, in which a listed video fills its share
at once, and a longer one, in which more of the listed video is found. Memory does not grow with the
stream. What was raised is raised again when it had been away for a while, or weighs more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from msgspec import Struct

from lapwing.model.findings import Finding, FindingKind, Reason
from lapwing.model.indicators import MIN_QUALITY
from lapwing.model.items import Media, PictureHashes
from lapwing.model.videos import Frame

SHORT, LONG = 8, 120
"""Frames that count."""
AWAY = 60.0
"""Seconds of the stream after which the same thing is raised again."""

Look = Callable[[Sequence[Media]], Sequence[tuple[Finding, ...]]]
Make = Callable[[str, PictureHashes, tuple[Frame, ...]], Media]
"""(what to add to the item's id, hashes of its last frame, frames) to an item."""

_Key = tuple[str, UUID | None, str]


class Raised(Struct, frozen=True, kw_only=True):
    """Something found in the stream; `at` is the time of the newest frame that was looked at."""

    at: float
    item: Media
    findings: tuple[Finding, ...]


class Watcher:
    """`see` frames as they come, in order."""

    def __init__(self, look: Look, make: Make) -> None:
        self._look = look
        self._make = make
        self._frames: deque[Frame] = deque(maxlen=LONG)
        self._raised: dict[_Key, tuple[FindingKind, float]] = {}
        self.count = 0
        """Frames seen, those too poor to count as well."""

    def see(self, frames: Sequence[Frame]) -> Raised | None:
        """What these frames bring that was not raised yet. Raises what `look` raises; the frames
        then stay in the windows and are looked at again with the next ones."""
        self.count += len(frames)
        telling = [frame for frame in frames if frame.quality >= MIN_QUALITY]
        if not telling:
            return None
        self._frames.extend(telling)
        held = tuple(self._frames)
        at = held[-1].at
        hashes = PictureHashes(pdq=held[-1].pdq, quality=held[-1].quality)
        items = [self._make(f"{at:.3f}", hashes, held[-SHORT:])]
        if len(held) > SHORT:
            items.append(self._make(f"{at:.3f}", hashes, held))
        for item, findings in zip(items, self._look(items), strict=True):
            if any(self._is_news(key, kind, at) for key, kind in _keys(findings)):
                for key, kind in _keys(findings):
                    self._raised[key] = (kind, at)
                return Raised(at=at, item=item, findings=findings)
        return None

    def _is_news(self, key: _Key, kind: FindingKind, at: float) -> bool:
        """Not seen lately, or only *near* so far. Seeing it moves its time on."""
        before = self._raised.get(key)
        if before is None or at - before[1] > AWAY:
            self._forget(at)
            return True
        if before[0] is not kind and kind is FindingKind.KNOWN_MEDIA:
            return True
        self._raised[key] = (before[0], at)
        return False

    def _forget(self, at: float) -> None:
        self._raised = {key: told for key, told in self._raised.items() if at - told[1] <= AWAY}


def _keys(findings: Sequence[Finding]) -> Iterator[tuple[_Key, FindingKind]]:
    for finding in findings:
        if finding.kind is FindingKind.HARMLESS_MEDIA:
            continue
        for reason in finding.reasons:
            yield _key(reason), finding.kind


def _key(reason: Reason) -> _Key:
    return reason.id, reason.list, reason.value
