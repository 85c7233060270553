"""A file of the bank answers as the snapshot it was made of, or is refused."""

from __future__ import annotations

import stat
import struct
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from lapwing.bank.generations import Generations
from lapwing.bank.index import mapped, stored
from lapwing.bank.index.blocks import HEAD, Block, Vocabulary, columns_of
from lapwing.bank.index.columns import ALWAYS, FOR_EVER, NO_QUALITY
from lapwing.bank.index.hits import HASH_WIDTHS, Hit
from lapwing.bank.index.snapshot import Snapshot
from lapwing.bank.index.stored import open_stored, write
from lapwing.model.errors import IntegrityBroken, InvalidInput
from lapwing.model.indicators import BankList, IndicatorKind, ListKind
from lapwing.store.clock import new_id, utc_now

NOW = utc_now()
ORG, ELSE = new_id(), new_id()
MARK = uuid4()
SCHEMA = "0042"
ROWS = 60
"""Of each kind and list."""


def a_list(organisation: UUID) -> BankList:
    return BankList(
        id=new_id(),
        organisation=organisation,
        name="a list",
        kind=ListKind.BLOCK,
        source="hotline",
        basis="agreement",
        category="known",
        verified=True,
        created_at=NOW,
    )


LISTS = [a_list(ORG), a_list(ELSE), a_list(ORG)]


def value_of(kind: IndicatorKind, number: int) -> bytes:
    width = HASH_WIDTHS.get(kind)
    if width is None:
        return f"example.com/{number}".encode()
    return np.random.default_rng([number, width]).bytes(width)


def a_snapshot(generation: int = 7) -> Snapshot:
    """Every kind on every list, in two layers, some of it withdrawn, some of it dated or marked."""
    numbers = {listed.id: number for number, listed in enumerate(LISTS)}
    vocabulary = Vocabulary()
    snapshot = Snapshot.empty()
    identity = 0
    for _ in range(2):
        blocks = []
        for kind in IndicatorKind:
            for place, listed in enumerate(LISTS):
                records = b""
                for row in range(ROWS):
                    identity += 1
                    value = value_of(kind, identity)
                    start = ALWAYS if row % 5 else identity
                    quality = NO_QUALITY if row % 3 else row
                    records += HEAD.pack(identity, quality, start, FOR_EVER, len(value)) + value
                source = f"source {place}"
                blocks.append(Block(kind, listed.id, f"category {place}", source, records))
        added = columns_of(blocks, numbers, vocabulary)
        gone = np.arange(1, identity, 17)
        snapshot = snapshot.changed(
            generation, LISTS, vocabulary.words, gone, added, {5: 1, 900: 2}
        )
    return snapshot


def everything(snapshot: Snapshot, organisation: UUID) -> list[list[Hit]]:
    view = snapshot.view(organisation, NOW)
    numbers = range(1, 2 * ROWS * len(LISTS) * len(IndicatorKind) + 1)
    asked = {kind: [value_of(kind, number) for number in numbers] for kind in IndicatorKind}
    codes = np.frombuffer(b"".join(asked[IndicatorKind.PDQ]), np.uint8).reshape(-1, 32)
    return [view.near(codes), *(view.exact(kind, values) for kind, values in asked.items())]


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return a_snapshot()


@pytest.fixture
def file(tmp_path: Path, snapshot: Snapshot) -> Path:
    path = tmp_path / "a.bank"
    write(path, snapshot, MARK, SCHEMA)
    return path


def opened(path: Path) -> Snapshot:
    return open_stored(path, SCHEMA).snapshot({listed.id: listed for listed in LISTS})


def test_what_is_opened_answers_as_what_was_written(file: Path, snapshot: Snapshot) -> None:
    found = opened(file)
    assert found.generation == 7
    assert (found.lists, found.words, dict(found.marks)) == (
        snapshot.lists,
        snapshot.words,
        dict(snapshot.marks),
    )
    assert len(found) == len(snapshot) > 1000
    for organisation in (ORG, ELSE, new_id()):
        assert everything(found, organisation) == everything(snapshot, organisation)
    assert any(everything(found, ORG))
    assert found.apart() == 0
    assert open_stored(file, SCHEMA).mark == MARK


def test_another_organisation_sees_nothing_more_out_of_a_file(file: Path) -> None:
    found = opened(file)
    mine = {hit.list.organisation for hits in everything(found, ORG) for hit in hits}
    assert mine == {ORG}
    assert not any(everything(found, new_id()))


def test_a_file_that_is_written_again_holds_the_same(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "b.bank"
    write(again, opened(file), MARK, SCHEMA)
    assert again.read_bytes() == file.read_bytes()


def test_an_empty_bank_is_a_file_too(tmp_path: Path) -> None:
    write(tmp_path / "a", Snapshot.empty(), MARK, SCHEMA)
    assert len(open_stored(tmp_path / "a", SCHEMA).snapshot({})) == 0


def test_what_changes_after_the_file_counts_and_the_file_stays(file: Path) -> None:
    found = opened(file)
    before = file.read_bytes()
    kind = IndicatorKind.MD5
    value = value_of(kind, 10**6)
    record = HEAD.pack(10**6, NO_QUALITY, ALWAYS, FOR_EVER, len(value)) + value
    added = columns_of(
        [Block(kind, LISTS[0].id, "category 0", "source 0", record)],
        {LISTS[0].id: 0},
        Vocabulary(found.words),
    )
    gone = np.array([hit.indicator for hit in everything(found, ORG)[0][:3]])
    later = found.changed(8, LISTS, found.words, gone, added)
    assert [hit.indicator for hit in later.view(ORG, NOW).exact(kind, [value])] == [10**6]
    assert not {hit.indicator for hit in everything(later, ORG)[0]} & set(gone.tolist())
    assert len(later) == len(found) - 2
    assert later.apart() == 4
    assert file.read_bytes() == before


def head_bytes(path: Path) -> int:
    """Where the header and its checksum end."""
    _, _, length = struct.unpack("<8sII", path.read_bytes()[:16])
    return 16 + int(length) + 32


def test_every_byte_of_the_header_counts(file: Path) -> None:
    whole = file.read_bytes()
    step = max(1, head_bytes(file) // 400)
    for place in [*range(48), *range(48, head_bytes(file), step), head_bytes(file) - 1]:
        file.write_bytes(flipped(whole, place))
        with pytest.raises((IntegrityBroken, InvalidInput)):
            open_stored(file, SCHEMA)


def test_every_array_counts_from_its_first_to_its_last_byte(file: Path) -> None:
    whole = file.read_bytes()
    header = msgspec.json.decode(whole[16 : head_bytes(file) - 32], type=mapped.Header)
    chance = np.random.default_rng(3)
    tried = 0
    for section in header.sections.values():
        if not section.size:
            continue
        places = {0, section.size - 1, *chance.integers(0, section.size, 3).tolist()}
        for place in places:
            file.write_bytes(flipped(whole, section.offset + place, int(chance.integers(8))))
            with pytest.raises(IntegrityBroken, match="damaged"):
                open_stored(file, SCHEMA)
            tried += 1
    assert tried > 100


def flipped(whole: bytes, place: int, bit: int = 0) -> bytes:
    return whole[:place] + bytes([whole[place] ^ (1 << bit)]) + whole[place + 1 :]


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.001, 0.01, 0.5, 0.9, 0.9999])
def test_a_truncated_file_is_refused(file: Path, share: float) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises((IntegrityBroken, InvalidInput)):
        open_stored(file, SCHEMA)


def test_a_file_with_something_behind_or_zeros_within_is_refused(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole + b"\0")
    with pytest.raises(IntegrityBroken):
        open_stored(file, SCHEMA)
    half = len(whole) // 2
    file.write_bytes(whole[:half] + bytes(len(whole) - half))  # as after a crash without fsync
    with pytest.raises(IntegrityBroken):
        open_stored(file, SCHEMA)


def test_a_file_of_another_version_or_kind_is_refused(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(IntegrityBroken, match="another version"):
        open_stored(file, "0041")
    monkeypatch.setattr(stored, "FORM", stored.FORM + 1)
    with pytest.raises(IntegrityBroken, match="another version"):
        open_stored(file, SCHEMA)
    mapped.write(tmp_path / "other", "hamming index", {}, {})
    with pytest.raises(InvalidInput):
        open_stored(tmp_path / "other", SCHEMA)


def test_arrays_that_do_not_fit_each_other_are_refused(file: Path, tmp_path: Path) -> None:
    """Every checksum is right, and yet it cannot be."""
    good = mapped.MappedFile.open(file, stored.KIND)
    broken: list[dict[str, NDArray[np.generic]]] = []
    for name in (
        "md5.index.probes",
        "pdq.column.list_no",
        "url.per_list",
        "lists",
        "sha1.index.ids",
    ):
        broken.append({key: each for key, each in good.arrays.items() if key != name})
    shorter = dict(good.arrays)
    shorter["md5.index.ids"] = good.arrays["md5.index.ids"][:-1]
    broken.append(shorter)
    for number, arrays in enumerate(broken):
        path = tmp_path / f"broken {number}"
        mapped.write(path, stored.KIND, good.about, arrays)
        with pytest.raises(IntegrityBroken):
            open_stored(path, SCHEMA)


def test_only_the_owner_may_read_it_and_nothing_else_is_left(
    tmp_path: Path, snapshot: Snapshot
) -> None:
    files = Generations(tmp_path / "bank", SCHEMA)
    assert files.become_writer()
    path = files.write(snapshot, MARK)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700
    draft = files.folder / f".{path.name}.draft"
    draft.touch()
    older = files.folder / "generation-0041-3-00000000.bank"
    newer = files.folder / "generation-0043-3-00000000.bank"
    older.touch()
    newer.touch()
    second = files.write(a_snapshot(9), MARK)
    assert files.found() == [(9, second)]
    assert not draft.exists()
    assert not older.exists()
    assert newer.exists()
    assert not path.exists()


def test_a_replaced_file_lives_on_for_whoever_has_mapped_it(
    tmp_path: Path, snapshot: Snapshot
) -> None:
    files = Generations(tmp_path / "bank", SCHEMA)
    first = files.write(snapshot, MARK)
    held = opened(first)
    said = everything(held, ORG)
    files.write(Snapshot.empty(), MARK)
    assert not first.exists()
    assert everything(held, ORG) == said


def test_a_refused_file_is_deleted_and_an_unreadable_one_is_left(
    tmp_path: Path, snapshot: Snapshot
) -> None:
    files = Generations(tmp_path / "bank", SCHEMA)
    path = files.write(snapshot, MARK)
    assert files.open(path) is not None
    path.write_bytes(flipped(path.read_bytes(), path.stat().st_size - 1))
    assert files.open(path) is None
    assert not path.exists()
    folder = files.folder / "generation-0042-1-00000000.bank"
    folder.mkdir()
    assert files.open(folder) is None
    assert folder.exists()


def test_one_of_two_becomes_the_writer(tmp_path: Path) -> None:
    one, two = (Generations(tmp_path / "bank", SCHEMA) for _ in range(2))
    other_version = Generations(tmp_path / "bank", "0043")
    assert one.become_writer()
    assert one.become_writer()
    assert not two.become_writer()
    assert other_version.become_writer()
    one.resign()
    assert two.become_writer()
