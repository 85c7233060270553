"""The words of the console's pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lapwing.model.actors import SYSTEM
from lapwing.model.cases import CaseState, Outcome, TimelineEntry
from lapwing.model.findings import FindingKind, Reason
from lapwing.model.videos import VideoMatch
from lapwing.web.console.rendering import (
    FINDING_WORDS,
    OUTCOME_WORDS,
    STATE_WORDS,
    ago,
    moment,
    reason_words,
)
from lapwing.web.console.showing import folded, told

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def entry(position: int, event: str, text: str, *, seconds: int = 0) -> TimelineEntry:
    return TimelineEntry(
        at=AT + timedelta(seconds=seconds),
        event=event,
        actor=SYSTEM.name,
        text=text,
        position=position,
    )


def test_what_happens_in_masses_is_one_line_and_what_people_do_is_not() -> None:
    lines = folded(
        [
            entry(3, "item.decided", "An item was decided on: a"),
            entry(4, "item.decided", "An item was decided on: b", seconds=5),
            entry(9, "item.decided", "An item was decided on: c", seconds=9),
            entry(10, "case.noted", "A note was made: one"),
            entry(11, "case.noted", "A note was made: two"),
            entry(12, "item.decided", "An item was decided on: d", seconds=70),
        ]
    )
    assert [(line.text, line.count, line.leaves) for line in lines] == [
        ("An item was decided on", 3, "leaves 3 to 9"),
        ("A note was made: one", 1, "leaf 10"),
        ("A note was made: two", 1, "leaf 11"),
        ("An item was decided on: d", 1, "leaf 12"),
    ]


def test_a_reason_says_how_it_matched_and_on_which_list() -> None:
    near = Reason(
        id="pdq", value="0" * 64, distance=12, quality=80, list_name="Leads", category="a"
    )
    assert reason_words(near) == (
        "looks alike (PDQ), distance 12 of 256, quality 80 · Leads (not verified) · a"
    )
    film = Reason(
        id="video",
        value="0" * 16,
        distance=4,
        quality=90,
        list_name="Films",
        verified=True,
        video=VideoMatch(
            video="0" * 16,
            query_percent=50.0,
            compared_percent=100.0,
            ranges=tuple((10.0 * n, 10.0 * n + 1.5) for n in range(7)),
        ),
    )
    assert reason_words(film) == (
        "frames look alike (vPDQ), 50 % of this video, 100 % of the listed one, at 0–1.5 s, "
        "10–11.5 s, 20–21.5 s, 30–31.5 s, 40–41.5 s, 2 more, distance 4 of 256, quality 90 "
        "· Films (verified)"
    )
    link = Reason(id="url", value="site.example/a", list_name="Known", verified=True)
    assert reason_words(link) == "same address · Known (verified)"


def test_every_state_outcome_and_finding_has_its_word() -> None:
    assert set(STATE_WORDS) == set(CaseState)
    assert set(OUTCOME_WORDS) == set(Outcome)
    assert set(FINDING_WORDS) == set(FindingKind)


def test_moments_are_told_in_utc_and_in_the_largest_whole_unit() -> None:
    assert moment(AT) == "1 Mar 2026, 09:30 UTC"
    told = [ago(AT - timedelta(seconds=s), AT) for s in (-5, 59, 60, 7_300, 200_000)]
    assert told == ["just now", "just now", "1 minute ago", "2 hours ago", "2 days ago"]


def test_what_is_stored_of_an_item_is_told_flat() -> None:
    facts = {
        "kind": "advert",
        "place": "Lisbon",
        "url_list": ["https://a.example/", "https://b.example/"],
        "picture_list": [{"pdq": "ab", "quality": 100, "md5": None}],
        "price": None,
        "private": False,
    }
    assert list(told(facts)) == [
        ("place", "Lisbon"),
        ("url list", "https://a.example/"),
        ("url list", "https://b.example/"),
        ("pdq", "ab"),
        ("quality", "100"),
        ("private", "False"),
    ]
