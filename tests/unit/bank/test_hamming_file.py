"""An index as a file: shared by processes, refused when anything about it is wrong."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lapwing.bank.index import mapped
from lapwing.bank.index.hamming import HammingIndex
from lapwing.model.errors import IntegrityBroken, InvalidInput

N = 60_000


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 256, (N, 32), dtype=np.uint8)
    path = tmp_path_factory.mktemp("index") / "codes"
    HammingIndex.build(codes, rng.permutation(N).astype(np.int64)).save(path)
    return path


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    path = tmp_path / "copy"
    path.write_bytes(saved.read_bytes())
    return path


def test_the_file_is_the_owners_and_nothing_else_is_left_beside_it(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert [each.name for each in saved.parent.iterdir()] == ["codes"]


def test_saving_again_takes_the_place_of_the_file_whole(copy: Path) -> None:
    held = HammingIndex.open(copy)
    small = HammingIndex.build(held.codes[:3], held.ids[:3].copy())
    small.save(copy)
    assert len(HammingIndex.open(copy)) == 3
    # Who has the old one open goes on with it.
    assert held.search(held.codes[-1:], 0)[1].tolist() == [held.ids[-1]]


def test_a_save_that_fails_leaves_the_old_file_and_no_remains(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = HammingIndex.open(copy)
    before = copy.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        index.save(copy)
    assert copy.read_bytes() == before
    assert [each.name for each in copy.parent.iterdir()] == ["copy"]


def test_an_opened_index_is_read_only_on_disk_but_takes_changes(copy: Path) -> None:
    before = copy.read_bytes()
    index = HammingIndex.open(copy)
    code = index.codes[7:8].copy()
    with pytest.raises(ValueError, match="read-only"):
        index.codes[0, 0] = 1
    index.remove(index.ids[7:8].copy())
    index.add(code, np.array([-4]))
    assert index.search(code, 0)[1].tolist() == [-4]
    index.save(copy.with_name("next"))
    again = HammingIndex.open(copy.with_name("next"))
    assert (len(again), again.search(code, 0)[1].tolist()) == (N, [-4])
    assert copy.read_bytes() == before


def test_another_process_gives_the_same_answer(saved: Path) -> None:
    index = HammingIndex.open(saved)
    program = (
        "import sys, pathlib, numpy as np\n"
        "from lapwing.bank.index.hamming import HammingIndex\n"
        "index = HammingIndex.open(pathlib.Path(sys.argv[1]))\n"
        "print(index.search(index.codes[:50], 31)[1].tolist())\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(saved)], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == str(index.search(index.codes[:50], 31)[1].tolist())


@pytest.mark.parametrize("length", [0, 5, 15, 40, 4096, 100_000])
def test_a_truncated_file_is_refused(copy: Path, length: int) -> None:
    os.truncate(copy, length)
    with pytest.raises(IntegrityBroken, match="truncated"):
        HammingIndex.open(copy)


def test_a_file_that_lost_or_gained_its_last_byte_is_refused(copy: Path) -> None:
    size = copy.stat().st_size
    os.truncate(copy, size - 1)
    with pytest.raises(IntegrityBroken, match="truncated"):
        HammingIndex.open(copy)
    os.truncate(copy, size + 1)
    with pytest.raises(IntegrityBroken, match="appended"):
        HammingIndex.open(copy)


@pytest.mark.parametrize("place", [8, 13, 20, 300])
def test_a_damaged_header_is_refused(copy: Path, place: int) -> None:
    damage(copy, place)
    with pytest.raises((IntegrityBroken, InvalidInput), match=r"header|format|truncated"):
        HammingIndex.open(copy)


@pytest.mark.parametrize("name", ["codes", "ids", "order", "offsets", "postings"])
def test_verifying_names_the_damaged_array(copy: Path, name: str) -> None:
    HammingIndex.verify(copy)
    file = mapped.MappedFile.open(copy, "hamming index")
    array = file.arrays[name]
    start = array.ctypes.data - file._body.ctypes.data
    damage(copy, start + array.nbytes - 1)
    HammingIndex.open(copy)
    with pytest.raises(IntegrityBroken, match=name):
        HammingIndex.verify(copy)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\x80\x04cnumpy" * 100)
    with pytest.raises(InvalidInput, match="not an index file"):
        HammingIndex.open(path)
    mapped.write(path, "something else", {}, {"a": np.arange(3)})
    with pytest.raises(InvalidInput, match="something else"):
        HammingIndex.open(path)
    with pytest.raises(FileNotFoundError):
        HammingIndex.open(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("codes", np.zeros((N, 3), np.uint64)),
        ("ids", np.zeros(N - 1, np.int64)),
        ("order", np.zeros(N, np.int64)),
        ("offsets", np.zeros(8, np.uint32)),
        ("postings", np.zeros((3, N), np.uint32)),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(
    saved: Path, tmp_path: Path, name: str, value: np.ndarray
) -> None:
    index = HammingIndex.open(saved)
    path = tmp_path / "file"
    mapped.write(path, "hamming index", index.about(), index.arrays() | {name: value})
    with pytest.raises(IntegrityBroken, match=name):
        HammingIndex.open(path)


@pytest.mark.parametrize(
    "change",
    [
        {"width": 24},
        {"count": N + 1},
        {"widths": [40]},
        {"widths": []},
        {"buckets": []},
        {"drawn": ""},
    ],
)
def test_a_description_that_does_not_fit_is_refused(saved: Path, change: dict[str, object]) -> None:
    index = HammingIndex.open(saved)
    with pytest.raises(IntegrityBroken):
        HammingIndex.of_arrays(index.about() | change, index.arrays())
    without = {name: value for name, value in index.about().items() if name not in change}
    with pytest.raises(IntegrityBroken):
        HammingIndex.of_arrays(without, index.arrays())


def damage(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 0x40]))
