"""A listed video, and copies of it through `lapwing screen`, from file to case."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Lapwing
from films import film, moving, need_av

need_av()

SIZE = (640, 480)
CREATE = ["bank", "create", "Films", "--kind", "block", "--verified"]
WORDS = ["--source", "test", "--basis", "test", "--category", "test"]


@pytest.fixture
def listed(lapwing: Lapwing, tmp_path: Path) -> Path:
    """Eight seconds over two photographs, on a verified list."""
    original = film(tmp_path / "listed.mp4", seconds=8, size=SIZE, bits=3_000_000)
    assert lapwing(*CREATE, *WORDS).code == 0
    rows = tmp_path / "listed.ndjson"
    rows.write_text(lapwing("hash", "--indicators", original).out)
    assert lapwing("bank", "import", rows, "--list", "Films").code == 0
    return original


def told_of(lapwing: Lapwing, case: str) -> list[dict[str, object]]:
    shown = lapwing("cases", case, "--json").json
    return [
        reason["video"]
        for one in shown["items"]
        for finding in one["findings"]
        for reason in finding["reasons"]
        if reason.get("video")
    ]


def test_a_smaller_copy_in_another_codec_is_found_with_the_time_that_matched(
    lapwing: Lapwing, listed: Path, tmp_path: Path
) -> None:
    """The copy stands between four seconds of something else on either side."""
    before = moving(("flower",), 4, SIZE)
    after = moving(("chelsea",), 4, SIZE)
    pixels = [*before, *moving(("china", "coffee"), 8, SIZE), *after]
    copy = film(
        tmp_path / "copy.mkv", size=(480, 360), codec="libx264", bits=700_000, pixels=pixels
    )
    summary = lapwing("screen", copy, "--json").json
    assert summary["found"] == {"known_media": 1}
    assert summary["actions"]["hold"] == 1
    assert summary["cases_opened"] == 1
    (case,) = lapwing("cases", "--json").json
    assert case["title"].startswith("Known video")
    (told,) = told_of(lapwing, "1")
    assert told["compared_percent"] == 100.0
    assert told["query_percent"] == pytest.approx(50, abs=7)
    ((begin, end),) = told["ranges"]  # type: ignore[misc]
    assert (begin, end) == (pytest.approx(4, abs=0.1), pytest.approx(12, abs=0.1))


def test_the_very_file_is_known_by_its_hash_too(lapwing: Lapwing, listed: Path) -> None:
    summary = lapwing("screen", listed, "--json").json
    assert summary["found"] == {"known_media": 2}


def test_another_video_is_let_through(lapwing: Lapwing, listed: Path, tmp_path: Path) -> None:
    other = film(tmp_path / "other.mp4", ("flower", "chelsea"), 6)
    summary = lapwing("screen", other, "--json").json
    assert summary["actions"] == {"allow": 1}
    assert summary["findings"] == 0


def test_a_withdrawn_video_is_no_longer_found(
    lapwing: Lapwing, listed: Path, tmp_path: Path
) -> None:
    values = [line["value"] for line in lapwing("hash", "--indicators", listed).lines]
    assert lapwing("bank", "withdraw", "Films", *values, "--why", "by mistake").code == 0
    assert lapwing("screen", listed, "--json").json["findings"] == 0
