from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from lapwing.demo.copies import encode
from lapwing.demo.photographs import photographs
from lapwing.intake.limits import Limits
from lapwing.intake.pictures import read_folder, source_id_of
from lapwing.intake.readers import read_items
from lapwing.intake.records import ItemBuilder
from lapwing.model.items import Media
from lapwing.model.refusals import Refusal
from lapwing.model.submissions import Submission

Write = Callable[[str, bytes], Path]


def square(shade: int) -> bytes:
    return encode(Image.new("RGB", (16, 16), (shade, 0, 0)), "PNG")


def test_pictures_of_a_folder_come_in_order_with_their_relative_path_as_id(
    tmp_path: Path, write: Write, builder: ItemBuilder
) -> None:
    for name in ("b.png", "a/2.png", "a/1.png", "c/d/e.png", "Z.png"):
        write(f"folder/{name}", square(9))
    entries = list(read_items(tmp_path / "folder", "media", builder))
    assert all(isinstance(entry, Submission) for entry in entries)
    assert [e.item.source_id for e in entries if isinstance(e, Submission)] == [
        "Z.png",
        "a/1.png",
        "a/2.png",
        "b.png",
        "c/d/e.png",
    ]


def test_a_submission_carries_hashes_size_and_the_bytes_beside_the_item(
    tmp_path: Path, write: Write, builder: ItemBuilder
) -> None:
    data = photographs()["china"].read_bytes()
    write("folder/china.jpg", data)
    (entry,) = read_items(tmp_path / "folder", "media", builder)
    assert isinstance(entry, Submission)
    assert isinstance(entry.item, Media)
    assert (entry.content, entry.mime) == (data, "image/jpeg")
    assert entry.item.hashes.sha256 == hashlib.sha256(data).hexdigest()
    assert entry.item.hashes.quality == 100
    assert (entry.item.width, entry.item.height, entry.item.size) == (640, 427, len(data))


def test_what_is_no_picture_is_refused_by_name_and_the_rest_goes_on(
    tmp_path: Path, write: Write, builder: ItemBuilder
) -> None:
    write("f/1.png", square(1))
    write("f/2.txt", b"words")
    write("f/3.png", square(2)[:40])
    write("f/4.png", b"")
    (tmp_path / "f" / "5.png").symlink_to(tmp_path / "f" / "1.png")
    os.mkfifo(tmp_path / "f" / "6.png")
    write("f/7.jpg", square(3))
    (tmp_path / "f" / "8").symlink_to(tmp_path)
    entries = list(read_items(tmp_path / "f", "media", builder))
    refused = {e.source_id: e.reason for e in entries if isinstance(e, Refusal)}
    assert [e.item.source_id for e in entries if isinstance(e, Submission)] == ["1.png", "7.jpg"]
    assert list(refused) == ["2.txt", "3.png", "4.png", "5.png", "6.png", "8"]
    assert "of no known form" in refused["2.txt"]
    assert "broken or truncated PNG" in refused["3.png"]
    assert "an empty file" in refused["4.png"]
    assert "links are not followed" in refused["5.png"]
    assert "not a regular file" in refused["6.png"]
    assert {e.file for e in entries if isinstance(e, Refusal)} >= {str(tmp_path / "f" / "2.txt")}


def test_a_file_beyond_the_limit_is_refused_and_not_read_whole(
    tmp_path: Path, builder: ItemBuilder
) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    with (folder / "huge.png").open("wb") as file:
        file.truncate(2**40)
    (entry,) = read_items(folder, "media", builder, Limits(file_bytes=2**20))
    assert isinstance(entry, Refusal)
    assert (entry.code, entry.source_id) == ("limit_exceeded", "huge.png")
    (entry,) = read_items(folder / "huge.png", "media", builder, Limits(file_bytes=2**20))
    assert isinstance(entry, Refusal)
    assert entry.code == "limit_exceeded"


def test_names_that_are_not_utf8_or_very_long_still_make_ids(
    tmp_path: Path, builder: ItemBuilder
) -> None:
    folder = tmp_path / "f"
    deep = folder / "/".join(["d" * 200] * 3)
    deep.mkdir(parents=True)
    (deep / "x.png").write_bytes(square(1))
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(square(2))
    (folder / os.fsdecode(b"bad\xe9.png")).write_bytes(b"no picture")
    entries = list(read_items(folder, "media", builder))
    msgspec.json.encode(entries)
    ids = [e.item.source_id for e in entries if isinstance(e, Submission)]
    assert ids[0] == "caf\\xe9.png"
    assert len(ids[1]) == 512
    assert ids[1].endswith("d/x.png")
    assert source_id_of("e/" + "d" * 600) != source_id_of("f/" + "d" * 600)


def test_a_single_picture_is_named_by_its_file_and_links_to_it_are_followed(
    tmp_path: Path, write: Write, builder: ItemBuilder
) -> None:
    write("one.png", square(1))
    (tmp_path / "other.png").symlink_to(tmp_path / "one.png")
    for name in ("one.png", "other.png"):
        (entry,) = read_items(str(tmp_path / name), "media", builder)
        assert isinstance(entry, Submission)
        assert entry.item.source_id == name


def test_a_picture_may_come_as_a_stream(builder: ItemBuilder) -> None:
    (entry,) = read_items(io.BytesIO(square(1)), "media", builder)
    assert isinstance(entry, Submission)
    assert entry.mime == "image/png"


def test_a_folder_is_for_pictures(tmp_path: Path, builder: ItemBuilder) -> None:
    (entry,) = read_items(tmp_path, "messages", builder)
    assert isinstance(entry, Refusal)
    assert "a folder holds pictures" in entry.reason


def test_more_files_than_allowed_are_refused_once(
    tmp_path: Path, write: Write, builder: ItemBuilder
) -> None:
    for number in range(5):
        write(f"f/{number}.png", square(number))
    entries = list(read_items(tmp_path / "f", "media", builder, Limits(rows=2)))
    assert [type(entry) for entry in entries] == [Submission, Submission, Refusal]


def test_pictures_wait_in_bounded_number_while_nobody_asks(
    tmp_path: Path, write: Write, builder: ItemBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts the files that were opened when only the first was asked for."""
    for number in range(60):
        write(f"f/{number:02}.png", square(number))
    opened: list[object] = []
    real = os.open

    def counting(path: str, *rest: int) -> int:
        opened.append(path)
        return real(path, *rest)

    monkeypatch.setattr(os, "open", counting)
    entries = read_folder(tmp_path / "f", builder, Limits(), workers=2)
    next(entries)
    assert len(opened) <= 6
    threads = [t for t in threading.enumerate() if t.name.startswith("lapwing-hash")]
    assert 1 <= len(threads) <= 2
    assert len(list(entries)) == 59
    assert not any(t.is_alive() for t in threads)
