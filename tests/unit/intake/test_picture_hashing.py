from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from lapwing.demo.copies import derive_copies
from lapwing.demo.photographs import photographs
from lapwing.intake.media.hashing import digests, hash_bytes
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import NEAR_DISTANCE


def distance(one: str | None, other: str | None) -> int:
    assert one is not None
    assert other is not None
    return (int(one, 16) ^ int(other, 16)).bit_count()


@pytest.fixture(scope="module")
def originals() -> dict[str, str | None]:
    return {name: hash_bytes(path.read_bytes()).hashes.pdq for name, path in photographs().items()}


@pytest.mark.parametrize("photograph", ["china", "flower", "coffee", "chelsea"])
def test_changed_copies_match_their_original_and_no_other(
    photograph: str, originals: dict[str, str | None]
) -> None:
    copies = derive_copies(photographs()[photograph])
    assert len(copies) == len({name for name, _ in copies}) >= 20
    for copy, data in copies:
        hashed = hash_bytes(data)
        near = {
            name
            for name, original in originals.items()
            if distance(hashed.hashes.pdq, original) <= NEAR_DISTANCE
        }
        assert near == {photograph}, copy
        assert hashed.hashes.quality == 100, copy


def test_hashes_of_a_photograph_are_those_that_lists_carry() -> None:
    path = photographs()["china"]
    data = path.read_bytes()
    hashed = hash_bytes(data)
    assert hashed.hashes.md5 == hashlib.md5(data).hexdigest()  # noqa: S324
    assert hashed.hashes.sha1 == hashlib.sha1(data).hexdigest()  # noqa: S324
    assert hashed.hashes.sha256 == hashlib.sha256(data).hexdigest()
    assert (hashed.mime, hashed.width, hashed.height) == ("image/jpeg", 640, 427)
    assert hashed.size == len(data)


def test_bytes_that_are_no_picture_are_refused_but_have_digests() -> None:
    with pytest.raises(InvalidInput, match="of no known form"):
        hash_bytes(b"some words")
    found = digests(b"some words")
    assert found.sha256 == hashlib.sha256(b"some words").hexdigest()
    assert found.pdq is None


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("a.jpg", ()),
        ("a.JPEG", ()),
        ("a", ()),
        ("a.png", ("named .png but is JPEG",)),
        ("a.exe", ("named .exe but is JPEG",)),
    ],
)
def test_a_wrong_extension_is_allowed_and_noted(name: str, notes: tuple[str, ...]) -> None:
    data = photographs()["china"].read_bytes()
    assert hash_bytes(data, name=name).notes == notes


def test_photographs_name_the_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(InvalidInput, match="pip install scikit-learn"):
        photographs()


def test_photographs_are_files_and_their_packages_stay_unimported() -> None:
    program = (
        "import sys; from lapwing.demo.photographs import photographs; photographs();"
        "print('sklearn' in sys.modules or 'skimage' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "False\n"
    assert all(Path(path).is_file() for path in photographs().values())
