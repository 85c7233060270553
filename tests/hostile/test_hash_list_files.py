"""Hash lists made to hurt: bounded in time and memory, one bad row at a time, walls kept."""

from __future__ import annotations

import io
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hash_list_files import ICSE_HEADER, digits, media, vics
from lapwing.app import House
from lapwing.bank.hash_lists import declare
from lapwing.bank.profiles.registry import profile_named
from lapwing.intake.hash_lists.icse import IcseFile
from lapwing.intake.hash_lists.opening import HashListForm, OpenedFile
from lapwing.intake.hash_lists.vics import VicsFile
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import InvalidInput
from lapwing.model.hash_lists import ListedMedia
from lapwing.model.indicators import ListKind
from lapwing.model.refusals import Refusal
from web_world import Side

SECONDS = 20.0
START = b'{"odata.metadata":"http://x/DataModels/1.2.xml#Media","value":['
GOOD = b'{"MD5":"' + b"ab" * 16 + b'"}'


@contextmanager
def in_time() -> Iterator[None]:
    list(VicsFile(io.BytesIO(START + GOOD + b"]}")))  # compiled
    started = time.perf_counter()
    yield
    assert time.perf_counter() - started < SECONDS


HURTING = {
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "digits": b'{"MD5":"' + b"ab" * 16 + b'","Category":' + b"9" * 100_000 + b"}",
    "long id": b'{"MD5":"x","MediaID":' + b"9" * 10_000 + b"}",
    "exponent": b'{"MD5":"' + b"ab" * 16 + b'","Category":1e999999}',
    "surrogate": b'{"MD5":"' + b"ab" * 16 + b'","MediaID":"\\ud800","Category":"x"}',
    "not UTF-8": b'{"MD5":"\xff\xfe","MediaID":"\xff"}',
    "many names": b"{" + b",".join(b'"n%d":1' % n for n in range(100_000)) + b"}",
    "many hashes": b'{"AlternativeHashes":[' + b",".join([b'{"HashName":"MD5"}'] * 50_000) + b"]}",
    "a word": b"truefalsenull",
    "long text": b'"' + b"x" * 200_000 + b'"',
}


@pytest.mark.parametrize("name", HURTING)
def test_one_row_made_to_hurt_costs_itself_alone(name: str) -> None:
    data = START + GOOD + b"," + HURTING[name] + b"," + GOOD + b"]}"
    with in_time():
        entries = list(VicsFile(io.BytesIO(data)))
    rows = [one.number for one in entries if isinstance(one, ListedMedia)]
    assert rows[0] == 1
    assert rows[-1] == 3
    assert all(len(one.reason) < 1000 for one in entries if isinstance(one, Refusal))
    assert any(isinstance(one, Refusal) for one in entries)


@pytest.mark.parametrize(
    "data",
    [
        b" " * 30_000_000,
        b'{"' + b"a" * 30_000_000,
        b'{"odata.metadata":"' + b"\\" * 30_000_000,
        START[:-1] + b'"x":' + b"[" * 30_000_000,
        START + b'{"MD5":"' + b"a" * 30_000_000,
        START + b" " * 30_000_000,
        START + b"1," * 100_000,
    ],
    ids=["spaces", "a name", "a marker", "brackets", "a row", "spaces in the list", "numbers"],
)
def test_a_file_without_end_is_read_in_bounded_memory(data: bytes) -> None:
    with in_time():
        tracemalloc.start()
        try:
            count = sum(1 for _ in VicsFile(io.BytesIO(data)))
        except InvalidInput:
            count = 0
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 24 << 20
    assert count <= 100_001


def test_names_without_bound_are_counted_in_bounds() -> None:
    rows = b",".join(b'{"n%d":1,"MD5":"' % n + b"ab" * 16 + b'"}' for n in range(5000))
    tops = b",".join(b'"t%d":1' % n for n in range(5000))
    file = VicsFile(io.BytesIO(START + rows + b"]," + tops + b"}"))
    assert sum(1 for _ in file) == 5000
    assert len(file.left_out) < 700


def test_open_quotes_in_a_csv_cost_the_rows_they_swallow_and_no_more() -> None:
    row = f"{digits(1, 32)};;;;;;;;;;;true"
    text = "\n".join([ICSE_HEADER, row, '"' + row, *[row.replace("true", "false"), row] * 50])
    with in_time():
        entries = list(IcseFile(io.BytesIO(text.encode())))
    assert sum(isinstance(one, ListedMedia) for one in entries) >= 100
    assert sum(isinstance(one, Refusal) for one in entries) == 1


def test_a_marker_with_anything_in_it_can_be_written_down(house: House, ours: Side) -> None:
    data = vics([media(1)]).replace(
        b"http://github", b"\\u0000\\u001b[2J\\ud83d\\ude00http://github"
    )
    made = house.bank.list_named(ours.organisation, ours.list_id)
    opened = OpenedFile(io.BytesIO(data), None)
    read = opened.read(HashListForm.VICS)
    done = house.hash_lists.import_rows(
        made.organisation,
        SYSTEM,
        made,
        declare(ListKind.BLOCK, "partner", profile_named("iped")),
        iter(read),
        form="vics",
        describe=lambda: opened.described(read),
    )
    assert done.added == 2
