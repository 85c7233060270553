"""A detector of someone else that fails costs an item, never a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from screening_samples import KNOWN_PDQ, Items, sent

from books import check_books
from lapwing.app import House
from lapwing.bank.index.view import BankView
from lapwing.decide.packs import shipped_pack
from lapwing.decide.policy import Policy
from lapwing.detect.contract import Example
from lapwing.detect.registry import detectors
from lapwing.model.actors import SYSTEM
from lapwing.model.findings import Family, Finding, FindingKind
from lapwing.model.items import Item
from lapwing.model.organisations import Organisation
from lapwing.screening.service import Screening

Look = Callable[[Sequence[Item]], list[tuple[Finding, ...]]]


class Stranger:
    """A detector as another package might bring it."""

    name = "stranger"
    version = "7"
    family = Family.ADVERTS
    kinds = frozenset({"advert"})

    def __init__(self, look: Look) -> None:
        self._look = look

    def detect(self, items: Sequence[Item], bank: BankView) -> list[tuple[Finding, ...]]:
        return self._look(items)

    def examples(self) -> Sequence[Example]:
        return ()


def with_stranger(house: House, look: Look) -> Screening:
    return Screening(
        database=house.database,
        live=house.live,
        detectors=(*detectors(), Stranger(look)),
        policy=Policy((shipped_pack(),)),
        cases=house.cases,
        ledger=house.ledger,
        vault=house.vault,
        members=house.members,
        clock=house.clock,
    )


def crash_on_bad(items: Sequence[Item]) -> list[tuple[Finding, ...]]:
    if any(item.source_id.startswith("bad") for item in items):
        raise ZeroDivisionError("quinces ripen late")
    return [()] * len(items)


def test_items_on_which_a_detector_fails_are_refused_and_the_rest_is_decided(
    house: House, sender: Organisation, items: Items
) -> None:
    screening = with_stranger(house, crash_on_bad)
    batch = sent(
        items.advert("good"),
        items.advert("bad-1"),
        items.picture("picture", KNOWN_PDQ),
        items.advert("bad-2"),
        items.advert("fine"),
    )
    screened = screening.screen(sender.id, SYSTEM, batch)
    assert [d.source_id for d in screened.decisions] == ["good", "picture", "fine"]
    assert [(r.source_id, r.code) for r in screened.refused] == [
        ("bad-1", "detector_failed"),
        ("bad-2", "detector_failed"),
    ]
    assert "stranger 7" in screened.refused[0].reason
    assert "ZeroDivisionError" in screened.refused[0].reason
    assert "quinces" not in screened.refused[0].reason
    assert check_books(house.database, house.ledger, sender.id).items == 3


def test_a_refused_item_is_decided_when_it_is_sent_again_later(
    house: House, sender: Organisation, items: Items
) -> None:
    failing = with_stranger(house, crash_on_bad)
    assert failing.screen(sender.id, SYSTEM, sent(items.advert("bad"))).fresh == 0
    assert house.screening.screen(sender.id, SYSTEM, sent(items.advert("bad"))).fresh == 1


def test_an_item_sent_twice_that_fails_is_refused_twice(
    house: House, sender: Organisation, items: Items
) -> None:
    screening = with_stranger(house, crash_on_bad)
    batch = sent(items.advert("bad"), items.advert("bad"), items.advert("good"))
    screened = screening.screen(sender.id, SYSTEM, batch)
    assert [d.source_id for d in screened.decisions] == ["good"]
    assert len(screened.refused) == 2


def finding(item: Item, score: float) -> tuple[Finding, ...]:
    one = Finding(
        item=item.id,
        kind=FindingKind.NEAR_MEDIA,
        family=Family.ADVERTS,
        score=score,
        reasons=(),
        detector="stranger",
        version="7",
    )
    return (one,)


@pytest.mark.parametrize(
    "look",
    [
        lambda items: [],
        lambda items: [()] * (len(items) + 1),
        lambda items: [finding(items[-1], 0.5)] * len(items) if len(items) > 1 else [(), ()],
        lambda items: [finding(item, 2.0) for item in items],
        lambda items: [finding(item, float("nan")) for item in items],
    ],
    ids=["too few", "too many", "of another item", "score too high", "score not a number"],
)
def test_an_answer_that_does_not_fit_is_refused(
    house: House, sender: Organisation, items: Items, look: Look
) -> None:
    batch = sent(items.advert("one"), items.advert("two"), items.link("link"))
    screened = with_stranger(house, look).screen(sender.id, SYSTEM, batch)
    assert [d.source_id for d in screened.decisions] == ["link"]
    assert {refusal.code for refusal in screened.refused} == {"detector_failed"}


def test_a_detector_is_given_only_the_kinds_it_takes(
    house: House, sender: Organisation, items: Items
) -> None:
    seen: list[str] = []

    def look(given: Sequence[Item]) -> list[tuple[Finding, ...]]:
        seen.extend(item.source_id for item in given)
        return [()] * len(given)

    batch = sent(items.link("link"), items.advert("advert"), items.message("message"))
    screened = with_stranger(house, look).screen(sender.id, SYSTEM, batch)
    assert seen == ["advert"]
    assert "advert" not in screened.no_detector
