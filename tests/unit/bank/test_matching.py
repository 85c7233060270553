"""Matching hashes for members: each match says how, where and how certain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from lapwing.bank.changes import ListChange
from lapwing.bank.live import LiveBank
from lapwing.bank.matching import MAX_HASHES, HashQuery, Match, MatchLevel, match_hashes
from lapwing.bank.service import Bank
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import InvalidInput, LimitExceeded
from lapwing.model.indicators import (
    BankList,
    IndicatorKind,
    ListAction,
    ListKind,
    NewIndicator,
)
from lapwing.store.clock import utc_now

MakeList = Callable[..., BankList]
PDQ = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
LATER, BEFORE = utc_now() + timedelta(days=1), utc_now() - timedelta(days=1)
MD5, SHA1, SHA256 = "aa" * 16, "bb" * 20, "cc" * 32


def flipped(code: str, bits: int) -> str:
    return f"{int(code, 16) ^ ((1 << bits) - 1):064x}"


@pytest.fixture
def matched(
    bank: Bank, live: LiveBank, organisation: UUID
) -> Callable[[list[HashQuery]], list[Match]]:
    def match(hashes: list[HashQuery]) -> list[Match]:
        return match_hashes(live.snapshot().view(organisation, utc_now()), hashes)

    return match


Matched = Callable[[list[HashQuery]], list[Match]]


def test_a_match_says_everything_about_itself(
    bank: Bank, organisation: UUID, make_list: MakeList, matched: Matched
) -> None:
    listed = make_list(organisation, name="partner")
    entry = NewIndicator(
        kind=IndicatorKind.PDQ, value=PDQ, quality=80, category="b", source="police"
    )
    added = bank.add(organisation, SYSTEM, listed.id, [entry])
    asked = flipped(PDQ, 7).upper()
    (match,) = matched([HashQuery(hash=asked, kind=IndicatorKind.PDQ, quality=60)])
    assert match == Match(
        query=0,
        hash=asked.lower(),
        kind=IndicatorKind.PDQ,
        level=MatchLevel.KNOWN,
        counted=True,
        reason=None,
        asks=ListAction.HOLD,
        distance=7,
        quality=80,
        value=PDQ,
        indicator=added.ids[0],
        list=listed.id,
        list_name="partner",
        verified=True,
        source="police",
        category="b",
        generation=added.generation,
    )


@pytest.mark.parametrize(
    ("changes", "bits", "quality", "level", "reason", "asks"),
    [
        ({}, 10, 50, MatchLevel.KNOWN, None, "hold"),
        ({"action": ListAction.REMOVE}, 10, 50, MatchLevel.KNOWN, None, "remove"),
        ({"action": ListAction.REMOVE}, 11, 50, MatchLevel.NEAR, "beyond_known_distance", "review"),
        ({"action": ListAction.NONE}, 0, 50, MatchLevel.KNOWN, "list_asks_nothing", "none"),
        ({}, 11, 50, MatchLevel.NEAR, "beyond_known_distance", "review"),
        ({}, 0, 49, MatchLevel.NEAR, "quality_below_50", "review"),
        ({}, 0, None, MatchLevel.NEAR, "quality_unknown", "review"),
        ({"verified": False}, 0, 100, MatchLevel.NEAR, "list_not_verified", "review"),
        ({"kind": ListKind.REVIEW}, 0, 100, MatchLevel.NEAR, "review_list", "review"),
        ({"known_distance": 2}, 3, 100, MatchLevel.NEAR, "beyond_known_distance", "review"),
        ({"near_distance": 12}, 13, 100, MatchLevel.NONE, "beyond_list_distance", "none"),
        ({"valid_from": LATER}, 0, 100, MatchLevel.NONE, "list_not_valid_yet", "none"),
        ({"valid_until": BEFORE}, 0, 100, MatchLevel.NONE, "list_expired", "none"),
        ({}, 32, 100, None, None, None),
    ],
)
def test_known_and_near_follow_list_distance_and_quality(
    bank: Bank,
    organisation: UUID,
    make_list: MakeList,
    matched: Matched,
    changes: dict[str, Any],
    bits: int,
    quality: int | None,
    level: MatchLevel | None,
    reason: str | None,
    asks: str | None,
) -> None:
    listed = make_list(organisation, **changes)
    bank.add(organisation, SYSTEM, listed.id, [NewIndicator(kind=IndicatorKind.PDQ, value=PDQ)])
    query = HashQuery(hash=flipped(PDQ, bits), kind=IndicatorKind.PDQ, quality=quality)
    found = [(match.level, match.reason, match.asks) for match in matched([query])]
    assert found == ([(level, reason, asks)] if level else [])
    assert all(match.counted == (level is not MatchLevel.NONE) for match in matched([query]))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"valid_from": LATER}, "indicator_not_valid_yet"),
        ({"valid_until": BEFORE}, "indicator_expired"),
    ],
)
def test_an_indicator_that_is_not_valid_now_is_told_and_does_not_count(
    bank: Bank,
    organisation: UUID,
    make_list: MakeList,
    matched: Matched,
    changes: dict[str, Any],
    reason: str,
) -> None:
    listed = make_list(organisation)
    entry = NewIndicator(kind=IndicatorKind.MD5, value=MD5, **changes)
    bank.add(organisation, SYSTEM, listed.id, [entry])
    (match,) = matched([HashQuery(hash=MD5)])
    assert (match.counted, match.level, match.reason) == (False, MatchLevel.NONE, reason)


def test_an_allow_entry_alone_does_not_beat_a_verified_list_and_the_answer_says_so(
    bank: Bank, organisation: UUID, make_list: MakeList, matched: Matched
) -> None:
    block, allow = make_list(organisation), make_list(organisation, kind=ListKind.ALLOW)
    leads = make_list(organisation, verified=False)
    for listed in (block, leads, allow):
        entry = NewIndicator(kind=IndicatorKind.SHA256, value=SHA256)
        bank.add(organisation, SYSTEM, listed.id, [entry])
    said = {
        match.list: (match.counted, match.level, match.reason, match.asks)
        for match in matched([HashQuery(hash=SHA256, kind=IndicatorKind.SHA256)])
    }
    assert said == {
        block.id: (True, "known", None, "hold"),
        leads.id: (True, "near", "list_not_verified", "review"),
        allow.id: (False, "none", "allow_entry_unconfirmed", "none"),
    }
    bank.change_list(organisation, SYSTEM, block.id, ListChange(verified=False, why="test"))
    said = {
        match.list: (match.counted, match.level, match.reason)
        for match in matched([HashQuery(hash=SHA256, kind=IndicatorKind.SHA256)])
    }
    assert said == {
        block.id: (False, "none", "allow_entry"),
        leads.id: (False, "none", "allow_entry"),
        allow.id: (True, "harmless", None),
    }


def test_matches_of_many_hashes_come_in_the_order_asked(
    bank: Bank, organisation: UUID, make_list: MakeList, matched: Matched
) -> None:
    block = make_list(organisation)
    allow = make_list(organisation, kind=ListKind.ALLOW)
    entries = [
        NewIndicator(kind=IndicatorKind.MD5, value=MD5),
        NewIndicator(kind=IndicatorKind.SHA1, value=SHA1),
        NewIndicator(kind=IndicatorKind.PDQ, value=PDQ),
    ]
    bank.add(organisation, SYSTEM, block.id, entries)
    bank.add(
        organisation, SYSTEM, allow.id, [NewIndicator(kind=IndicatorKind.SHA256, value=SHA256)]
    )
    matches = matched(
        [
            HashQuery(hash=SHA256, kind=IndicatorKind.SHA256),
            HashQuery(hash="00" * 16),
            HashQuery(hash=SHA1),
            HashQuery(hash=PDQ, kind=IndicatorKind.PDQ, quality=100),
            HashQuery(hash=MD5),
        ]
    )
    assert [(match.query, match.kind, match.level) for match in matches] == [
        (0, IndicatorKind.SHA256, MatchLevel.HARMLESS),
        (2, IndicatorKind.SHA1, MatchLevel.KNOWN),
        (3, IndicatorKind.PDQ, MatchLevel.KNOWN),
        (4, IndicatorKind.MD5, MatchLevel.KNOWN),
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (HashQuery(hash="cc" * 32), "kind"),
        (HashQuery(hash="cc" * 16, kind=IndicatorKind.SHA1), "hash"),
        (HashQuery(hash="zz" * 16, kind=IndicatorKind.MD5), "hash"),
        (HashQuery(hash=PDQ, kind=IndicatorKind.PDQ, quality=101), "quality"),
        (HashQuery(hash="example.com", kind=IndicatorKind.DOMAIN), "kind"),
        (HashQuery(hash="example.com"), "kind"),
    ],
)
def test_a_hash_that_cannot_be_used_is_named_by_its_place(
    matched: Matched, query: HashQuery, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        matched([HashQuery(hash=MD5), query])
    assert refused.value.field == f"hashes[1].{field}"


def test_too_many_hashes_at_once_are_refused(matched: Matched) -> None:
    query = HashQuery(hash=MD5)
    assert matched([query] * MAX_HASHES) == []
    with pytest.raises(LimitExceeded):
        matched([query] * (MAX_HASHES + 1))


def test_what_does_not_count_of_another_organisation_is_not_told(
    bank: Bank,
    organisation: UUID,
    other_organisation: UUID,
    make_list: MakeList,
    matched: Matched,
) -> None:
    """Telling everything is telling everything of one's own."""
    for changes in ({"valid_until": BEFORE}, {"near_distance": 10}, {"kind": ListKind.ALLOW}):
        listed = make_list(other_organisation, **changes)
        entries = [
            NewIndicator(kind=IndicatorKind.MD5, value=MD5),
            NewIndicator(kind=IndicatorKind.PDQ, value=PDQ),
        ]
        bank.add(other_organisation, SYSTEM, listed.id, entries)
    near = HashQuery(hash=flipped(PDQ, 20), kind=IndicatorKind.PDQ, quality=100)
    assert matched([HashQuery(hash=MD5), near]) == []
