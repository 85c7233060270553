"""A view answers from its organisation's lists only, within their dates and distances."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray

from lapwing.bank.index.snapshot import Snapshot
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import BankList, Indicator, IndicatorKind, ListKind
from lapwing.store.clock import new_id

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ORG = new_id(NOW)
ELSE = new_id(NOW)
numbers = count(1)


def a_list(organisation: UUID = ORG, **changes: Any) -> BankList:
    values: dict[str, Any] = {
        "id": new_id(NOW),
        "organisation": organisation,
        "name": "a list",
        "kind": ListKind.BLOCK,
        "source": "hotline",
        "basis": "agreement",
        "category": "known",
        "verified": True,
        "created_at": NOW,
    }
    return BankList(**(values | changes))


def an_indicator(listed: BankList, kind: IndicatorKind, value: str, **changes: Any) -> Indicator:
    values: dict[str, Any] = {
        "id": next(numbers),
        "organisation": listed.organisation,
        "list": listed.id,
        "kind": kind,
        "value": value,
        "quality": None,
        "category": listed.category,
        "source": listed.source,
        "basis": listed.basis,
        "added_at": NOW,
        "generation": 1,
    }
    return Indicator(**(values | changes))


def pdq(bits: int = 0) -> str:
    """A code at this distance from the code of zeros."""
    return np.packbits(np.arange(256) < bits).tobytes().hex()


def asked(*codes: str) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex("".join(codes)), np.uint8).reshape(-1, 32)


def test_a_hit_carries_its_list_category_source_and_quality() -> None:
    listed = a_list()
    other = an_indicator(
        listed, IndicatorKind.PDQ, pdq(4), category="b", source="police", quality=80
    )
    near = an_indicator(listed, IndicatorKind.PDQ, pdq(2))
    view = Snapshot.build(9, [listed], [other, near]).view(ORG, NOW)
    first, second = view.near(asked(pdq(0)))
    assert (first.indicator, first.distance, first.value) == (near.id, 2, near.value)
    assert (first.category, first.source, first.quality) == ("known", "hotline", None)
    assert (second.indicator, second.distance, second.list) == (other.id, 4, listed)
    assert (second.category, second.source, second.quality) == ("b", "police", 80)
    assert view.generation == 9


def test_another_organisations_lists_never_answer() -> None:
    mine, theirs = a_list(), a_list(ELSE)
    snapshot = Snapshot.build(
        1,
        [theirs, mine],
        [
            an_indicator(theirs, IndicatorKind.PDQ, pdq()),
            an_indicator(theirs, IndicatorKind.MD5, "ab" * 16),
            an_indicator(theirs, IndicatorKind.URL, "example.com/a"),
            an_indicator(mine, IndicatorKind.PDQ, pdq(1)),
        ],
    )
    view = snapshot.view(ORG, NOW)
    assert [hit.list for hit in view.near(asked(pdq()))] == [mine]
    assert view.exact(IndicatorKind.MD5, [bytes.fromhex("ab" * 16)]) == []
    assert view.exact(IndicatorKind.URL, [b"example.com/a"]) == []
    assert view.empty_of(IndicatorKind.MD5)
    assert not snapshot.view(ELSE, NOW).empty_of(IndicatorKind.MD5)
    assert view.lists == (mine,)


def test_a_view_bound_to_some_lists_answers_from_those_only() -> None:
    one, two = a_list(), a_list()
    snapshot = Snapshot.build(
        1, [one, two], [an_indicator(each, IndicatorKind.SHA1, "cd" * 20) for each in (one, two)]
    )
    value = [bytes.fromhex("cd" * 20)]
    bound = snapshot.view(ORG, NOW, frozenset({two.id}))
    assert [hit.list for hit in bound.exact(IndicatorKind.SHA1, value)] == [two]
    assert len(snapshot.view(ORG, NOW).exact(IndicatorKind.SHA1, value)) == 2
    assert snapshot.view(ORG, NOW, frozenset()).exact(IndicatorKind.SHA1, value) == []


@pytest.mark.parametrize(
    ("start", "end", "counts"),
    [
        (NOW, None, True),
        (NOW + timedelta(microseconds=1), None, False),
        (None, NOW, False),
        (None, NOW + timedelta(microseconds=1), True),
        (NOW - DAY, NOW + DAY, True),
    ],
)
def test_dates_count_from_their_start_until_before_their_end(
    start: datetime | None, end: datetime | None, counts: bool
) -> None:
    dated = a_list(valid_from=start, valid_until=end)
    plain = a_list()
    snapshot = Snapshot.build(
        1,
        [dated, plain],
        [
            an_indicator(dated, IndicatorKind.PDQ, pdq()),
            an_indicator(plain, IndicatorKind.PDQ, pdq(), valid_from=start, valid_until=end),
        ],
    )
    assert len(snapshot.view(ORG, NOW).near(asked(pdq()))) == (2 if counts else 0)


def test_a_list_may_tighten_how_near_is_near() -> None:
    wide, narrow = a_list(), a_list(known_distance=3, near_distance=5)
    snapshot = Snapshot.build(
        1, [wide, narrow], [an_indicator(each, IndicatorKind.PDQ, pdq()) for each in (wide, narrow)]
    )
    view = snapshot.view(ORG, NOW)
    assert [hit.list for hit in view.near(asked(pdq(5)))] == [wide, narrow]
    assert [hit.list for hit in view.near(asked(pdq(6)))] == [wide]
    assert [hit.list for hit in view.near(asked(pdq(31)))] == [wide]
    assert view.near(asked(pdq(32))) == []
    assert [hit.known(90) for hit in view.near(asked(pdq(4)))] == [True, False]


def test_known_needs_a_verified_block_list_distance_and_quality() -> None:
    def hit(bits: int, quality: int | None = None, **changes: Any) -> Any:
        listed = a_list(**changes)
        indicator = an_indicator(listed, IndicatorKind.PDQ, pdq(), quality=quality)
        return Snapshot.build(1, [listed], [indicator]).view(ORG, NOW).near(asked(pdq(bits)))[0]

    assert hit(10).known(50)
    assert not hit(11).known(50)
    assert not hit(10).known(49)
    assert not hit(10).known(None)
    assert hit(10, 50).known(50)
    assert not hit(10, 49).known(50)
    assert not hit(0, verified=False).known(100)
    assert not hit(0, kind=ListKind.REVIEW).known(100)


def test_a_picture_resembling_an_allowed_one_is_not_a_hit() -> None:
    allowed = a_list(kind=ListKind.ALLOW)
    view = Snapshot.build(
        1,
        [allowed],
        [
            an_indicator(allowed, IndicatorKind.PDQ, pdq()),
            an_indicator(allowed, IndicatorKind.SHA256, "11" * 32),
        ],
    ).view(ORG, NOW)
    assert view.near(asked(pdq())) == []
    (hit,) = view.exact(IndicatorKind.SHA256, [bytes.fromhex("11" * 32)])
    assert not hit.known()


def test_withdrawn_indicators_are_left_out_and_unknown_lists_refused() -> None:
    listed = a_list()
    gone = an_indicator(listed, IndicatorKind.DOMAIN, "example.com", withdrawn_at=NOW)
    view = Snapshot.build(1, [listed], [gone]).view(ORG, NOW)
    assert view.empty_of(IndicatorKind.DOMAIN)
    assert view.exact(IndicatorKind.DOMAIN, [b"example.com"]) == []
    with pytest.raises(InvalidInput):
        Snapshot.build(1, [], [gone])


def test_an_empty_snapshot_answers_nothing_and_a_naive_time_is_refused() -> None:
    view = Snapshot.empty().view(ORG, NOW)
    assert view.near(asked(pdq())) == []
    assert all(view.empty_of(kind) for kind in IndicatorKind)
    assert view.exact(IndicatorKind.MD5, []) == []
    with pytest.raises(InvalidInput):
        Snapshot.empty().view(ORG, datetime(2026, 1, 1))  # noqa: DTZ001
