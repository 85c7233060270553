"""The checks themselves: each way of breaking the contract is told."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from uuid import UUID

import pytest
from msgspec.structs import replace

from lapwing.bank.index.view import BankView
from lapwing.detect.checks import faults
from lapwing.detect.contract import Example
from lapwing.detect.urls.known_link import KnownLink
from lapwing.model.findings import Family, Finding, Reason
from lapwing.model.items import Item

Findings = list[tuple[Finding, ...]]
_turn = count()


class Spoiled(KnownLink):
    """A detector whose answers go through `spoil`."""

    def detect(self, items: Sequence[Item], bank: BankView) -> Findings:
        return self.spoil(super().detect(items, bank), items)

    def spoil(self, found: Findings, items: Sequence[Item]) -> Findings:
        return found


def change(found: Findings, **fields: object) -> Findings:
    return [tuple(replace(finding, **fields) for finding in each) for each in found]


class TooShort(Spoiled):
    def spoil(self, found: Findings, items: Sequence[Item]) -> Findings:
        return found[:-1]


class Moody(Spoiled):
    def spoil(self, found: Findings, items: Sequence[Item]) -> Findings:
        return change(found, score=next(_turn) % 7 / 7)


class OfTheCrowd(Spoiled):
    def spoil(self, found: Findings, items: Sequence[Item]) -> Findings:
        return change(found, score=1 / (1 + len(items)))


class Unsigned(Spoiled):
    def spoil(self, found: Findings, items: Sequence[Item]) -> Findings:
        return change(found, version="0")


class OtherFamily(Spoiled):
    def spoil(self, found: Findings, items: Sequence[Item]) -> Findings:
        return change(found, family=Family.PAYMENTS)


class Loud(Spoiled):
    def spoil(self, found: Findings, items: Sequence[Item]) -> Findings:
        return change(found, score=2.0)


class WithoutReason(Spoiled):
    def spoil(self, found: Findings, items: Sequence[Item]) -> Findings:
        return change(found, reasons=())


class BesideTheText(Spoiled):
    def spoil(self, found: Findings, items: Sequence[Item]) -> Findings:
        return change(found, reasons=(Reason(id="url", value="x", span=(5, 5000)),))


class Blind(Spoiled):
    def spoil(self, found: Findings, items: Sequence[Item]) -> Findings:
        return [() for _ in found]


class AboutAnother(Spoiled):
    def spoil(self, found: Findings, items: Sequence[Item]) -> Findings:
        return change(found, item=UUID(int=1))


class WithoutExamples(Spoiled):
    def examples(self) -> Sequence[Example]:
        return ()


class OnlyQuiet(Spoiled):
    def examples(self) -> Sequence[Example]:
        whole = super().examples()[0]
        return [replace(whole, items=whole.items[-1:], expects=whole.expects[-1:])]


class ShortExpectation(Spoiled):
    def examples(self) -> Sequence[Example]:
        whole = super().examples()[0]
        return [replace(whole, expects=whole.expects[:-1])]


class OtherKinds(Spoiled):
    kinds = frozenset({"tip"})


@pytest.mark.parametrize(
    ("detector", "said"),
    [
        (TooShort(), "answers for"),
        (Moody(), "a second time"),
        (OfTheCrowd(), "alone"),
        (Unsigned(), "name and version"),
        (OtherFamily(), "another family"),
        (Loud(), "not within 0..1"),
        (WithoutReason(), "no reason"),
        (BesideTheText(), "not in its text"),
        (Blind(), "found []"),
        (AboutAnother(), "about another item"),
        (WithoutExamples(), "no examples"),
        (OnlyQuiet(), "one that gives none"),
        (ShortExpectation(), "it expects"),
        (OtherKinds(), "items of other kinds"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, KnownLink) else "",
)
def test_a_breach_of_the_contract_is_told(detector: Spoiled, said: str) -> None:
    assert any(said in wrong for wrong in faults(detector)), faults(detector)


def test_what_keeps_the_contract_has_no_faults() -> None:
    assert faults(Spoiled()) == []
