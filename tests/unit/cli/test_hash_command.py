from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from command_line import Lapwing, drawing
from films import film
from lapwing.demo.photographs import photographs
from lapwing.intake.media.hashing import hash_bytes


def test_a_picture_has_all_its_hashes(lapwing_alone: Lapwing, picture: Path) -> None:
    answer = lapwing_alone("hash", "--json", picture)
    data = picture.read_bytes()
    hashes = hash_bytes(data).hashes
    assert (answer.code, answer.err) == (0, "")
    assert answer.json == {
        "file": str(picture),
        "pdq": hashes.pdq,
        "quality": hashes.quality,
        "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "sha1": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    assert len(answer.json["pdq"]) == 64


def test_what_cannot_be_hashed_has_its_own_line_and_the_rest_goes_on(
    lapwing_alone: Lapwing, picture: Path, tmp_path: Path
) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    answer = lapwing_alone("hash", "--json", text, picture, tmp_path / "missing.png")
    assert answer.code == 3
    first, second, third = answer.lines
    assert first["file"] == str(text)
    assert "picture" in first["refused"]
    assert second["pdq"]
    assert third["refused"] == "cannot be read: No such file or directory"
    for line in (first, third):
        assert line["code"] == "invalid_input"
        assert "pdq" not in line


def test_a_folder_is_walked_in_order_by_several_threads(
    lapwing_alone: Lapwing, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    (folder / "inside").mkdir(parents=True)
    for number in range(70):
        drawing(folder / "inside" / f"{number:02}.png", number)
    rows = lapwing_alone("hash", "--json", folder).lines
    assert [row["file"][-6:-4] for row in rows] == [f"{number:02}" for number in range(70)]
    alone = lapwing_alone("hash", "--json", folder / "inside" / "69.png").json
    assert rows[-1] == alone


def test_every_hash_is_printed_whole(lapwing_alone: Lapwing, picture: Path) -> None:
    hashed = lapwing_alone("hash", "--json", picture).json
    answer = lapwing_alone("hash", picture, picture)
    assert answer.code == 0
    for name in ("pdq", "md5", "sha1", "sha256"):
        assert answer.out.count(f"{name:>8}  {hashed[name]}\n") == 2


def test_a_refusal_is_shown_with_its_file(lapwing_alone: Lapwing, tmp_path: Path) -> None:
    odd = tmp_path / "[bold]odd[bold].png"
    odd.write_text("no picture")
    answer = lapwing_alone("hash", odd)
    assert (answer.code, answer.out) == (3, "")
    assert "[bold]odd[bold].png" in answer.err.replace("\n", "")


@pytest.mark.skipif(sys.platform == "darwin", reason="its file system wants UTF-8")
def test_a_name_that_is_not_text_can_still_be_written_as_json(
    lapwing_alone: Lapwing, picture: Path
) -> None:
    named = os.fsencode(picture.parent) + b"/\xff.png"
    picture.rename(os.fsdecode(named))
    answer = lapwing_alone("hash", "--json", picture.parent)
    assert answer.json["file"].endswith("/\\xff.png")


def test_a_named_link_is_followed_but_none_inside_a_folder(
    lapwing_alone: Lapwing, picture: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    link = folder / "link.png"
    link.symlink_to(picture)
    assert lapwing_alone("hash", "--json", link).json["sha256"]
    assert "link" in lapwing_alone("hash", "--json", folder).json["refused"]


def test_a_single_jpeg_can_be_decoded_faster_and_says_so(
    lapwing_alone: Lapwing, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    Image.open(photographs()["china"]).resize((1600, 1004)).save(large, quality=85)
    whole = lapwing_alone("hash", "--json", large).json
    fast = lapwing_alone("hash", "--json", "--fast", large).json
    assert "notes" not in whole
    assert fast["notes"] == ["decoded for speed: hashed at 1/2 of its size"]
    assert (int(whole["pdq"], 16) ^ int(fast["pdq"], 16)).bit_count() <= 4
    assert fast["sha256"] == whole["sha256"]


def test_turned_and_mirrored_hashes_are_given_on_request(
    lapwing_alone: Lapwing, picture: Path
) -> None:
    row = lapwing_alone("hash", "--json", "--dihedral", picture).json
    assert len(set(row["dihedral"].values())) == 8
    assert row["dihedral"]["as it is"] == row["pdq"]
    assert "mirrored" in lapwing_alone("hash", "--dihedral", picture).out


def test_a_folder_of_good_and_bad_files_goes_through_a_pool(
    lapwing_alone: Lapwing, picture: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for number in range(6):
        drawing(folder / f"{number}.png", number)
    (folder / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    (folder / "7.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(400))
    answer = lapwing_alone("hash", "--json", "--jobs", "2", folder)
    assert answer.code == 3
    assert [row["file"][-5:] for row in answer.lines] == [
        *(f"{n}.png" for n in range(6)),
        "7.mp4",
    ]
    assert [row["file"][-5:] for row in answer.lines if "refused" in row] == ["3.png", "7.mp4"]


def test_a_video_gives_its_features_in_three_forms(lapwing_alone: Lapwing, tmp_path: Path) -> None:
    clip = film(tmp_path / "clip.mp4", seconds=3)
    row = lapwing_alone("hash", "--json", clip).json
    assert [frame["timestamp"] for frame in row["frames"]] == [0.0, 1.0, 2.0]
    assert {"frame", "quality", "hex", "timestamp"} == set(row["frames"][0])
    assert row["sha256"] == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert "pdq" not in row
    features = lapwing_alone("hash", "--vpdq", clip).json
    assert features == [
        f"{frame['hex']},{frame['quality']},{frame['timestamp']:.3f}" for frame in row["frames"]
    ]
    exact, *listed = lapwing_alone("hash", "--indicators", clip).lines
    assert exact == {"kind": "sha256", "value": row["sha256"]}
    assert [line["value"][:64] for line in listed] == [frame["hex"] for frame in row["frames"]]
    assert {line["value"][64:80] for line in listed} != {"0" * 16}
    assert len({line["value"][64:80] for line in listed}) == 1
    half = lapwing_alone("hash", "--json", "--every", "0.5", clip).json
    assert len(half["frames"]) == 7
    assert lapwing_alone("hash", clip).out.count(row["frames"][1]["hex"]) == 1


def test_a_picture_has_no_features_of_a_video(lapwing_alone: Lapwing, picture: Path) -> None:
    answer = lapwing_alone("hash", "--vpdq", picture)
    assert (answer.code, answer.out) == (3, "")
    assert "no vPDQ features" in answer.err
