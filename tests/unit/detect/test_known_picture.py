"""Known pictures: what the findings say beyond their kind."""

from __future__ import annotations

import pytest

from lapwing.bank.index.snapshot import Snapshot
from lapwing.bank.index.view import BankView
from lapwing.detect.contract import EXAMPLE_TIME
from lapwing.detect.examples import (
    ORGANISATION,
    OTHER_PDQ,
    PDQ,
    SHA256,
    bank_list,
    far,
    indicator,
    item,
)
from lapwing.detect.media.known_picture import DETECTOR
from lapwing.detect.reasons import MOST_REASONS
from lapwing.model.findings import Finding, FindingKind
from lapwing.model.indicators import BankList, Indicator, ListKind
from lapwing.model.items import Media, PictureHashes, Profile, Tip

VERIFIED = bank_list("verified")


def bank(*indicators: Indicator, lists: tuple[BankList, ...] = (VERIFIED,)) -> BankView:
    return Snapshot.build(3, lists, indicators).view(ORGANISATION, EXAMPLE_TIME)


def look(view: BankView, *pictures: PictureHashes) -> tuple[Finding, ...]:
    """All pictures in one item."""
    (found,) = DETECTOR.detect([item(Profile, 1, picture_list=pictures)], view)
    return found


def test_a_reason_says_what_was_recognised_where_and_how_near() -> None:
    view = bank(indicator(7, VERIFIED, "pdq", PDQ, 100))
    (found,) = look(view, PictureHashes(pdq=far(PDQ, 6), quality=88))
    (reason,) = found.reasons
    assert found.kind is FindingKind.KNOWN_MEDIA
    assert (reason.id, reason.value, reason.distance, reason.quality) == ("pdq", PDQ, 6, 88)
    assert (reason.indicator, reason.list, reason.list_name) == (7, VERIFIED.id, "verified")
    assert reason.verified
    assert reason.category == "example"


def test_an_equal_cryptographic_hash_has_no_distance_and_stands_first() -> None:
    view = bank(
        indicator(1, VERIFIED, "pdq", far(PDQ, 4), 100), indicator(2, VERIFIED, "sha256", SHA256)
    )
    (found,) = look(view, PictureHashes(pdq=PDQ, quality=100, sha256=SHA256))
    assert [(reason.id, reason.distance) for reason in found.reasons] == [
        ("sha256", None),
        ("pdq", 4),
    ]
    assert sum(reason.weight for reason in found.reasons) == pytest.approx(1.0, abs=1e-3)


def test_near_hits_of_a_known_picture_are_reasons_and_no_finding_of_their_own() -> None:
    view = bank(
        indicator(1, VERIFIED, "pdq", far(PDQ, 2), 100),
        indicator(2, VERIFIED, "pdq", far(PDQ, 25), 100),
    )
    (found,) = look(view, PictureHashes(pdq=PDQ, quality=100))
    assert found.kind is FindingKind.KNOWN_MEDIA
    assert [reason.distance for reason in found.reasons] == [2, 25]


def test_a_listed_hash_of_low_quality_makes_nothing_known() -> None:
    view = bank(indicator(1, VERIFIED, "pdq", PDQ, 49))
    (found,) = look(view, PictureHashes(pdq=PDQ, quality=100))
    assert found.kind is FindingKind.NEAR_MEDIA


def test_a_list_may_tighten_how_near_is_near() -> None:
    tight = bank_list("tight", near=12)
    view = bank(indicator(1, tight, "pdq", PDQ, 100), lists=(tight,))
    assert look(view, PictureHashes(pdq=far(PDQ, 13), quality=100)) == ()
    (found,) = look(view, PictureHashes(pdq=far(PDQ, 12), quality=100))
    assert found.kind is FindingKind.NEAR_MEDIA


def test_nearer_pictures_stand_higher_in_the_queue_and_known_ones_highest() -> None:
    view = bank(indicator(1, VERIFIED, "pdq", PDQ, 100))
    scores = [
        look(view, PictureHashes(pdq=far(PDQ, bits), quality=100))[0].score
        for bits in (0, 11, 20, 31)
    ]
    assert scores == sorted(set(scores), reverse=True)
    assert scores[0] == 1.0


def test_one_harmless_picture_does_not_cover_for_another_in_the_same_item() -> None:
    allow = bank_list("harmless", ListKind.ALLOW)
    view = bank(
        indicator(1, VERIFIED, "pdq", PDQ, 100),
        indicator(2, allow, "sha256", SHA256),
        lists=(VERIFIED, allow),
    )
    found = look(
        view,
        PictureHashes(sha256=SHA256, pdq=far(PDQ, 20), quality=100),
        PictureHashes(pdq=far(PDQ, 22), quality=100),
    )
    assert [finding.kind for finding in found] == [
        FindingKind.HARMLESS_MEDIA,
        FindingKind.NEAR_MEDIA,
    ]
    assert [reason.distance for reason in found[1].reasons] == [22]


def test_a_crowd_of_near_hits_is_counted_and_not_dropped() -> None:
    listed = [indicator(n, VERIFIED, "pdq", far(PDQ, 12 + n % 19), 100) for n in range(80)]
    (found,) = look(bank(*listed), PictureHashes(pdq=PDQ, quality=100))
    assert len(found.reasons) == MOST_REASONS
    assert (found.reasons[-1].id, found.reasons[-1].value) == ("more", "31 more")


def test_the_same_indicator_counts_once_in_an_item() -> None:
    view = bank(indicator(1, VERIFIED, "sha256", SHA256))
    picture = PictureHashes(sha256=SHA256)
    (found,) = look(view, picture, picture)
    assert len(found.reasons) == 1


def test_findings_stay_with_their_items_in_a_mixed_batch() -> None:
    view = bank(indicator(1, VERIFIED, "pdq", PDQ, 100), indicator(2, VERIFIED, "md5", "0a" * 16))
    items = [
        item(Tip, 1, text="no picture"),
        item(Media, 2, hashes=PictureHashes(md5="0a" * 16)),
        item(Media, 3, hashes=PictureHashes(pdq=OTHER_PDQ, quality=100)),
        item(Media, 4, hashes=PictureHashes()),
        item(Media, 5, hashes=PictureHashes(pdq=PDQ, quality=100)),
    ]
    answers = DETECTOR.detect(items, view)
    assert [len(answer) for answer in answers] == [0, 1, 0, 0, 1]
    assert [answer[0].item for answer in answers if answer] == [items[1].id, items[4].id]
