"""Known videos: shares both ways, stretches of time, and what may never be called known."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapwing.bank.index.snapshot import Snapshot
from lapwing.detect.contract import EXAMPLE_TIME
from lapwing.detect.examples import ORGANISATION, bank_list, far, indicator, item
from lapwing.detect.media.known_picture import KnownPicture
from lapwing.detect.media.known_video import KnownVideo
from lapwing.model.findings import Finding, FindingKind
from lapwing.model.indicators import BankList, Indicator, ListKind
from lapwing.model.items import Media, PictureHashes
from lapwing.model.videos import (
    VIDEO_FRAME_BYTES,
    Frame,
    listed_frames,
    read_listed,
    stretches,
    telling,
    vpdq_text,
)


def scenes(count: int, seed: int = 1) -> list[str]:
    """Random hashes: about 128 bits from each other."""
    chance = random.Random(seed)  # noqa: S311
    return [f"{chance.getrandbits(256):064x}" for _ in range(count)]


def film(hashes: list[str], quality: int = 100, step: float = 1.0) -> tuple[Frame, ...]:
    return tuple(Frame(25 * n, quality, pdq, n * step) for n, pdq in enumerate(hashes))


def listing(listed: BankList, hashes: list[str], first: int = 1) -> list[Indicator]:
    return [
        indicator(n, listed, "video_frame", value, quality)
        for n, (value, quality) in enumerate(listed_frames(film(hashes)), first)
    ]


def found(
    frames: tuple[Frame, ...], listed: BankList, indicators: list[Indicator]
) -> tuple[Finding, ...]:
    video = item(Media, 1, hashes=PictureHashes(sha256="5d" * 32), frames=frames)
    bank = Snapshot.build(1, [listed], indicators).view(ORGANISATION, EXAMPLE_TIME)
    (findings,) = KnownVideo().detect([video], bank)
    return findings


VERIFIED = bank_list("verified")


def test_shares_are_told_both_ways_with_the_time_that_matched() -> None:
    """Ten listed scenes; six of them stand within twenty of another video, in two places."""
    ten, others = scenes(10), scenes(14, seed=2)
    frames = film([*others[:5], *ten[:4], *others[5:10], *ten[6:8], *others[10:]])
    (finding,) = found(frames, VERIFIED, listing(VERIFIED, ten))
    (reason,) = finding.reasons
    assert finding.kind is FindingKind.NEAR_MEDIA
    assert reason.id == "video"
    assert reason.video is not None
    assert (reason.video.query_percent, reason.video.compared_percent) == (30.0, 60.0)
    assert reason.video.ranges == ((5.0, 9.0), (14.0, 16.0))
    assert reason.list_name == "verified"


def test_a_part_of_a_listed_video_is_known_and_so_is_a_longer_one_that_holds_it() -> None:
    ten = scenes(10)
    listed = listing(VERIFIED, ten)
    for frames in (film(ten[3:5]), film([*scenes(30, seed=3), *ten])):
        (finding,) = found(frames, VERIFIED, listed)
        assert (finding.kind, finding.score) == (FindingKind.KNOWN_MEDIA, 1.0)


@pytest.mark.parametrize(
    ("listed", "quality"),
    [(bank_list("leads", verified=False), 100), (bank_list("look", ListKind.REVIEW), 100)],
)
def test_only_a_verified_block_list_makes_known(listed: BankList, quality: int) -> None:
    ten = scenes(10)
    (finding,) = found(film(ten, quality), listed, listing(listed, ten))
    assert finding.kind is FindingKind.NEAR_MEDIA
    assert finding.score <= 0.9


def test_alike_everywhere_but_close_nowhere_goes_to_a_person() -> None:
    ten = scenes(10)
    near = [far(one, 25) for one in ten]
    (finding,) = found(film(near), VERIFIED, listing(VERIFIED, ten))
    assert finding.kind is FindingKind.NEAR_MEDIA
    assert finding.reasons[0].distance == 25
    assert found(film([far(one, 32) for one in ten]), VERIFIED, listing(VERIFIED, ten)) == ()


def test_one_frame_alike_of_many_says_nothing_and_one_close_does() -> None:
    ten = scenes(10)
    others = scenes(20, seed=4)
    listed = listing(VERIFIED, ten)
    assert found(film([*others, far(ten[0], 25)]), VERIFIED, listed) == ()
    (finding,) = found(film([*others, far(ten[0], 8)]), VERIFIED, listed)
    assert finding.kind is FindingKind.NEAR_MEDIA


def test_dark_frames_and_repeated_ones_do_not_count() -> None:
    assert listed_frames(film(["0" * 64] * 9, quality=49)) == []
    still = film([*scenes(1) * 50, *scenes(1, seed=5)])
    assert len(telling(still)) == 2
    assert len(listed_frames(still)) == 2


def test_two_listed_videos_are_two_reasons() -> None:
    one, other = scenes(5), scenes(5, seed=6)
    listed = listing(VERIFIED, one) + listing(VERIFIED, other, first=100)
    (finding,) = found(film([*one, *other]), VERIFIED, listed)
    assert len(finding.reasons) == 2
    assert {reason.video.compared_percent for reason in finding.reasons if reason.video} == {100.0}


def test_a_listed_picture_is_found_as_a_frame() -> None:
    ten = scenes(10)
    listed = indicator(1, VERIFIED, "pdq", far(ten[4], 6), 100)
    bank = Snapshot.build(1, [VERIFIED], [listed]).view(ORGANISATION, EXAMPLE_TIME)
    video = item(Media, 1, hashes=PictureHashes(sha256="5d" * 32), frames=film(ten))
    (findings,) = KnownPicture().detect([video], bank)
    assert [finding.kind for finding in findings] == [FindingKind.KNOWN_MEDIA]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32))
def test_a_listed_frame_reads_back_and_names_its_video(count: int, seed: int) -> None:
    hashes = scenes(count, seed)
    values = listed_frames(film(hashes, step=0.25))
    read = [read_listed(value) for value, _ in values]
    assert [one.pdq for one in read] == hashes
    assert {one.frames for one in read} == {count}
    assert [one.at for one in read] == [n * 0.25 for n in range(count)]
    assert len({one.video for one in read}) == 1
    assert all(len(value) == 2 * VIDEO_FRAME_BYTES for value, _ in values)
    assert values == listed_frames(film(hashes, step=0.25))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.booleans(), max_size=40))
def test_stretches_cover_the_frames_that_matched_and_no_others(matched: list[bool]) -> None:
    hashes = scenes(len(matched))
    frames = film(hashes)
    told = stretches(frames, {pdq for pdq, yes in zip(hashes, matched, strict=True) if yes})
    for frame, yes in zip(frames, matched, strict=True):
        inside = any(begin <= frame.at < end for begin, end in told)
        assert inside is (yes and len(frames) > 1)
    assert all(one[1] < other[0] for one, other in pairwise(told))


def test_features_are_written_as_threatexchange_reads_them() -> None:
    (line,) = vpdq_text([Frame(0, 100, "0f" * 32, 1234.5)])
    hexadecimal, quality, at = line.split(",")
    assert (len(hexadecimal), int(quality), float(at)) == (64, 100, 1234.5)
