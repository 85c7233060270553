"""The contract of detectors as checks, for our tests and for those of add-ons.

assert faults(MyDetector()) == []
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from lapwing.bank.index.view import BankView
from lapwing.detect import registry
from lapwing.detect.contract import Detector, Example
from lapwing.model.findings import Finding, FindingKind
from lapwing.model.items import Item, kind_of


def faults(detector: Detector) -> list[str]:
    """Everything in which the detector breaks its contract, in plain words; empty when it holds."""
    wrong = registry.fault(detector)
    if wrong:
        return [wrong]
    examples = detector.examples()
    found = [] if examples else ["it has no examples"]
    expected = {bool(kinds) for example in examples for kinds in example.expects}
    if examples and expected != {True, False}:
        found.append("its examples need an item that gives a finding and one that gives none")
    for example in examples:
        found += [f"example {example.name!r}: {wrong}" for wrong in _wrong(detector, example)]
    return found


def _wrong(detector: Detector, example: Example) -> Iterator[str]:
    items, bank = example.items, example.bank()
    stray = {kind_of(item) for item in items} - detector.kinds
    if stray:
        yield f"it holds items of other kinds: {', '.join(sorted(stray))}"
    if len(example.expects) != len(items):
        yield f"it expects {len(example.expects)} answers for {len(items)} items"
        return
    before = msgspec.json.encode(items)
    answers = detector.detect(items, bank)
    if len(answers) != len(items):
        yield f"{len(answers)} answers for {len(items)} items"
        return
    if msgspec.json.encode(items) != before:
        yield "it changed the items"
    if detector.detect(items, bank) != answers:
        yield "a second time it answered otherwise"
    if detector.detect(items[::-1], bank)[::-1] != answers:
        yield "its answer on an item depends on the items around it"
    if detector.detect((), bank) != []:
        yield "no items must give no answers"
    pairs = list(zip(items, answers, strict=True))
    if any(_run_alone(detector, item, bank) != answer for item, answer in pairs):
        yield "an item alone gives another answer than in its batch"
    for item, answer, kinds in zip(items, answers, example.expects, strict=True):
        yield from _wrong_with(detector, item, answer, kinds)


def _run_alone(detector: Detector, item: Item, bank: BankView) -> Sequence[Finding]:
    return detector.detect([item], bank)[0]


def _wrong_with(
    detector: Detector, item: Item, answer: Sequence[Finding], kinds: Sequence[FindingKind]
) -> Iterator[str]:
    where = f"item {item.source_id}"
    told = [finding.kind.value for finding in answer]
    if sorted(told) != sorted(kinds):
        yield f"{where}: expected {[kind.value for kind in kinds]}, found {told}"
    for finding in answer:
        if (finding.detector, finding.version) != (detector.name, detector.version):
            yield f"{where}: a finding does not carry the detector's name and version"
        if finding.family != detector.family:
            yield f"{where}: a finding is of another family"
        if finding.item != item.id:
            yield f"{where}: a finding is about another item"
        if not finding.reasons:
            yield f"{where}: a finding has no reason"
        if not 0.0 <= finding.score <= 1.0:
            yield f"{where}: score {finding.score} is not within 0..1"
        body = item.texts[-1] if item.texts else ""
        for start, end in (reason.span for reason in finding.reasons if reason.span):
            if not 0 <= start < end <= len(body):
                yield f"{where}: span {start}..{end} is not in its text"
