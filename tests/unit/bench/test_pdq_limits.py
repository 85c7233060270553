from __future__ import annotations

from typing import Any

import pytest

from lapwing.bench import hashing, pdq_limits


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, Any]]:
    return {row["change"]: row for row in pdq_limits.measure()}


@pytest.mark.parametrize(
    "change",
    [
        "scaled to 25 %",
        "scaled to 200 %",
        "JPEG quality 30",
        "EXIF-turned",
        "CMYK JPEG",
        "palette, 256 colours",
        "16 bits, grey",
        "1 % cropped, all sides",
    ],
)
def test_what_must_be_recognised_is_never_missed(
    rows: dict[str, dict[str, Any]], change: str
) -> None:
    assert rows[change]["missed"] == 0


@pytest.mark.parametrize(
    "change", ["20 % cropped, all sides", "caption, letters 40 % high", "mirrored", "turned by 5°"]
)
def test_the_table_shows_where_pdq_stops(rows: dict[str, dict[str, Any]], change: str) -> None:
    assert rows[change]["missed"] == 4


def test_every_photograph_is_counted_and_none_is_taken_for_another(
    rows: dict[str, dict[str, Any]],
) -> None:
    for row in rows.values():
        assert row["known"] + row["near"] + row["missed"] == 4
        assert row["other"] > 31


def test_flat_pictures_may_never_be_known_and_lettering_on_white_collides() -> None:
    rows = {row["pictures"]: row for row in pdq_limits.measure_plain()}
    assert rows["flat colours"]["quality to"] == 0
    assert rows["flat colours"]["may be known"] == 0
    assert rows["one word on white"]["pairs within 31"] > 30


def test_hashing_is_measured_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "SIZES", ((64, 48),))
    rows = hashing.measure(rounds=1, seconds=0.01)
    assert {"PDQ of pixels", "pdqhash, same pixels"} < {row["what"] for row in rows}
    assert all(row["median"] > 0 for row in rows)
