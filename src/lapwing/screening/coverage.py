"""Which items nobody could look at yet, so that a summary can say so. Pure.

An item is covered when a detector takes its kind and finds on it what its family works with. A
message without link or picture has no detector until there is one for texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from lapwing.detect.contract import Detector
from lapwing.model.findings import Family
from lapwing.model.items import Item, kind_of
from lapwing.model.links import find_links


def unseen(detectors: Collection[Detector], items: Sequence[Item]) -> dict[str, int]:
    """By item kind, how many items no detector could look at."""
    families: dict[str, set[Family]] = {}
    for detector in detectors:
        for kind in detector.kinds:
            families.setdefault(kind, set()).add(detector.family)
    count: Counter[str] = Counter()
    for item in items:
        kind = kind_of(item)
        if not any(_carries(item, family) for family in families.get(kind, ())):
            count[kind] += 1
    return dict(count)


def _carries(item: Item, family: Family) -> bool:
    if family is Family.MEDIA:
        return bool(item.film) or any(not picture.empty for picture in item.pictures)
    if family is Family.URLS:
        return bool(item.links) or any(find_links(text) for text in item.texts)
    return True
