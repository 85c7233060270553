"""Running the detectors over a batch. Reads the bank view it is given; no database, no clock.

A detector that fails must not cost the batch: its items are then looked at one by one, and those on
which it still fails are refused by name. An item is never decided on half of what should be known.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from lapwing.bank.index.view import BankView
from lapwing.detect.contract import Detector
from lapwing.model.findings import Finding
from lapwing.model.items import Item, kind_of


class Detected(Struct, frozen=True):
    """Findings by place in the batch; `failed` gives the reason for places that are refused."""

    findings: list[tuple[Finding, ...]]
    failed: dict[int, str]


class DetectorError(Exception):
    """A detector raised, or answered in the wrong shape."""


def detect(detectors: Sequence[Detector], items: Sequence[Item], view: BankView) -> Detected:
    """Every detector over every item of the kinds it takes, a batch at a time."""
    findings: list[tuple[Finding, ...]] = [()] * len(items)
    failed: dict[int, str] = {}
    places: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        places.setdefault(kind_of(item), []).append(place)
    for detector in detectors:
        mine = [place for kind in detector.kinds for place in places.get(kind, ())]
        for place, found in _look(detector, mine, items, view, failed):
            if found:
                findings[place] += found
    return Detected(findings, failed)


def _look(
    detector: Detector,
    places: list[int],
    items: Sequence[Item],
    view: BankView,
    failed: dict[int, str],
) -> list[tuple[int, tuple[Finding, ...]]]:
    if not places:
        return []
    try:
        answers = _run(detector, [items[place] for place in places], view)
        return list(zip(places, answers, strict=True))
    except DetectorError:
        pass
    found: list[tuple[int, tuple[Finding, ...]]] = []
    for place in places:
        try:
            found.append((place, _run(detector, [items[place]], view)[0]))
        except DetectorError as error:
            failed.setdefault(place, str(error))
    return found


def _run(detector: Detector, items: Sequence[Item], view: BankView) -> list[tuple[Finding, ...]]:
    try:
        found = detector.detect(items, view)
    except Exception as error:
        # Only the type is told: the message may quote what was screened.
        raise DetectorError(
            f"the detector {detector.name} {detector.version} failed on this item "
            f"({type(error).__name__})"
        ) from error
    if len(found) != len(items) or not all(
        finding.item == item.id and 0 <= finding.score <= 1
        for item, findings in zip(items, found, strict=True)
        for finding in findings
    ):
        raise DetectorError(
            f"the detector {detector.name} {detector.version} gave an answer that does not fit "
            "the items"
        )
    return found
