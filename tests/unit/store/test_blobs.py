"""Blobs on the local disk."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lapwing.model.errors import InvalidInput, NotFound, Unavailable
from lapwing.store.blobs import Blobs


@pytest.fixture
def blobs(home: Path) -> Blobs:
    return Blobs((home / "a folder with % and ü").as_uri())


def test_what_is_put_is_got_until_it_is_deleted(blobs: Blobs) -> None:
    data = bytes(range(256)) * 1000
    blobs.put("org/ab/object.age", data)
    assert blobs.exists("org/ab/object.age")
    assert blobs.get("org/ab/object.age") == data
    assert blobs.delete("org/ab/object.age") is True
    assert not blobs.exists("org/ab/object.age")
    assert blobs.delete("org/ab/object.age") is False


def test_a_blob_that_is_not_there_is_not_found(blobs: Blobs) -> None:
    with pytest.raises(NotFound):
        blobs.get("nothing")


def test_put_replaces_the_whole_blob(blobs: Blobs) -> None:
    blobs.put("one", b"a long first version")
    blobs.put("one", b"")
    assert blobs.get("one") == b""


def test_the_folder_is_private_and_the_bytes_are_in_it(home: Path) -> None:
    blobs = Blobs((home / "blobs").as_uri())
    blobs.put("x/y", b"sealed")
    assert (home / "blobs").stat().st_mode & 0o777 == 0o700
    assert (home / "blobs" / "x" / "y").read_bytes() == b"sealed"


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/etc/passwd", "../x", "a/../../x", "a/..", ".", "./a", "a//b", "a/", "a/.b"),
        *("a\\b", "a\0b", "a b", "ü", "a%2e%2e", "a\n", "x" * 513, "~/x", "C:/x", "a#1"),
    ],
)
def test_a_path_that_could_lead_out_is_refused(blobs: Blobs, home: Path, path: str) -> None:
    before = sorted(home.rglob("*"))
    for act in (blobs.get, blobs.delete, blobs.exists, lambda at: blobs.put(at, b"x")):
        with pytest.raises(InvalidInput) as error:
            act(path)
        assert error.value.field == "path"
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize(
    "url", ["", "ftp://host/x", "/plain/path", "file://host/x", "s3:///x", "memory:///"]
)
def test_only_a_folder_or_a_bucket_can_hold_blobs(url: str) -> None:
    with pytest.raises(InvalidInput, match="s3://bucket"):
        Blobs(url)


def test_a_folder_that_cannot_be_made_is_unavailable(home: Path) -> None:
    (home / "file").write_text("not a folder")
    with pytest.raises(Unavailable):
        Blobs((home / "file" / "blobs").as_uri())


def test_a_blob_that_cannot_be_written_is_unavailable(home: Path) -> None:
    blobs = Blobs((home / "blobs").as_uri())
    blobs.put("taken", b"a file where a folder is needed")
    with pytest.raises(Unavailable) as error:
        blobs.put("taken/below", b"x")
    assert "\n" not in error.value.message


def test_old_blobs_are_found_and_half_written_ones_deleted(blobs: Blobs, home: Path) -> None:
    blobs.put("vault/a/2030-01-01/old.age", b"old")
    blobs.put("vault/a/2030-01-01/new.age", b"new")
    blobs.put("vault/b/2030-01-01/other.age", b"another's")
    folder = home / "a folder with % and ü" / "vault" / "a" / "2030-01-01"
    half = folder / "half.age#1"
    half.write_bytes(b"ha")
    hour_ago = time.time() - 3600
    for file in (folder / "old.age", half):
        os.utime(file, (hour_ago, hour_ago))
    before = datetime.now(UTC) - timedelta(minutes=30)
    assert list(blobs.written_before("vault/a", before)) == ["vault/a/2030-01-01/old.age"]
    assert not half.exists()
    assert sorted(blobs.folders("vault")) == ["a", "b"]
    assert blobs.folders("nothing") == []
    assert list(blobs.written_before("nothing", before)) == []
