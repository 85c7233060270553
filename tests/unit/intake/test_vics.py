"""VICS files: every version, every oddity of practice, in memory that does not grow."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hash_list_files import MARKS, digits, media, vics, vics_cases
from lapwing.intake.hash_lists.vics import VicsFile
from lapwing.model.errors import InvalidInput
from lapwing.model.hash_lists import ListedMedia
from lapwing.model.indicators import IndicatorKind
from lapwing.model.refusals import Refusal

TESTS = Path(__file__).parents[2]


def read(data: bytes, **options: Any) -> tuple[list[ListedMedia], list[Refusal], dict[str, int]]:
    file = VicsFile(io.BytesIO(data), "list.json", **options)
    entries = list(file)
    rows = [entry for entry in entries if isinstance(entry, ListedMedia)]
    refused = [entry for entry in entries if isinstance(entry, Refusal)]
    assert len(rows) + len(refused) == len(entries)
    return rows, refused, dict(file.left_out)


@pytest.mark.parametrize("version", MARKS)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_every_version_is_read_alike(version: str, mark: bytes) -> None:
    rows, refused, left_out = read(mark + vics([media(1), media(2)], version))
    assert not refused
    assert not left_out
    assert [row.number for row in rows] == [1, 2]
    assert rows[0].hashes == (
        (IndicatorKind.MD5, bytes.fromhex(digits(1, 32))),
        (IndicatorKind.SHA1, bytes.fromhex(digits(1 + 10**9, 40))),
    )
    assert (rows[0].category, rows[0].media_id) == (1, "1")
    assert str(rows[0].dated) == "2024-01-02 03:04:05+00:00"


def test_cases_are_walked_into_and_rows_count_through() -> None:
    file = VicsFile(io.BytesIO(vics_cases([[media(1)], [], [media(2), media(3)]])))
    assert [entry.number for entry in file if isinstance(entry, ListedMedia)] == [1, 2, 3]
    assert (file.version, file.form) == ("2.0", "Cases")


def test_what_practice_brings_is_taken() -> None:
    rows = [
        media(1, MD5=digits(1, 32).lower(), Category="2", DateUpdated="2024-01-02T03:04:05+02:00"),
        media(2, Category=None, SHA1=None, IsSuspected=False),
        media(3, IsSuspected="True", DateUpdated=None),
        media(4, MD5="", AlternativeHashes=[{"HashName": "SHA-256", "HashValue": "ab" * 32}]),
        {"MD5": digits(5, 32)},
    ]
    found, refused, _ = read(vics(rows))
    assert not refused
    assert [row.category for row in found] == [2, None, 1, 1, None]
    assert [row.suspected for row in found] == [False, False, True, False, False]
    assert [len(row.hashes) for row in found] == [2, 1, 2, 2, 1]
    assert str(found[0].dated) == "2024-01-02 01:04:05+00:00"
    assert found[3].hashes[1] == (IndicatorKind.SHA256, b"\xab" * 32)


def test_names_nobody_expected_and_photodna_are_counted() -> None:
    rows = [media(1, Odd=1, PhotoDNA="A" * 192), media(2, Odd={"MD5": "x"}, Other=[])]
    document = json.loads(vics(rows)) | {"nextLink": {"a": [1, "]"]}}
    found, refused, left_out = read(json.dumps(document).encode())
    assert (len(found), refused) == (2, [])
    assert left_out == {
        "PhotoDNA hashes left out": 1,
        "unknown name 'Odd' left out": 2,
        "unknown name 'Other' left out": 1,
        "unknown name 'nextLink' left out": 1,
    }


def test_hashes_of_the_empty_file_are_left_out_and_counted() -> None:
    empty = media(
        1,
        MD5="D41D8CD98F00B204E9800998ECF8427E",
        SHA1="da39a3ee5e6b4b0d3255bfef95601890afd80709",
    )
    found, refused, left_out = read(vics([empty, media(2)]))
    assert [row.number for row in found] == [2]
    assert not refused
    assert left_out == {"hashes of the empty file left out": 2}


def test_a_broken_cell_is_refused_with_row_field_and_reason_and_the_rest_goes_on() -> None:
    rows = [
        media(1, MD5="12"),
        media(2, MD5="zz" * 16, SHA1=None),
        media(3, Category="first"),
        media(4, DateUpdated="yesterday"),
        media(5, IsSuspected="perhaps"),
        {"MediaID": 6},
        media(7, MD5="ab cd" * 6 + "ab"),
        media(8),
    ]
    found, refused, _ = read(vics(rows))
    assert [(one.line, one.field) for one in refused] == [
        (1, "MD5"),
        (2, "MD5"),
        (3, "Category"),
        (4, "DateUpdated"),
        (5, "IsSuspected"),
        (6, "MD5"),
        (7, "MD5"),
    ]
    assert {one.file for one in refused} == {"list.json"}
    assert refused[5].source_id == "6"
    # A row with one good hash is still listed by it.
    assert [row.number for row in found] == [1, 7, 8]


def test_a_row_that_is_no_object_costs_only_itself() -> None:
    good = json.dumps(media(1)).encode()
    name, mark = MARKS["1.3"]
    body = b",".join([good, b"7", b'"a]"', b"null", b"[{}]", b'{"MD5": tru}', good])
    data = f'{{"{name}":"{mark.format("Media")}","value":['.encode() + body + b"]}"
    found, refused, _ = read(data)
    assert [row.number for row in found] == [1, 7]
    assert [one.line for one in refused] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("piece", [1, 7, 64, 1000])
def test_where_the_file_is_cut_into_pieces_makes_no_difference(piece: int) -> None:
    rows = [media(n, Comments='a "quoted" \\ and ]}', Odd="ü\\") for n in range(5)]
    data = b"\xef\xbb\xbf" + vics_cases([rows, rows])
    if piece < 3:
        data = data[3:]
    assert read(data, piece=piece) == read(data)


def test_a_row_longer_than_the_limit_is_passed_over() -> None:
    rows = [media(1), media(2, Comments="x" * 5000), media(3)]
    found, refused, _ = read(vics(rows), piece=256, longest=1000)
    assert [row.number for row in found] == [1, 3]
    assert [(one.line, one.code) for one in refused] == [(2, "limit_exceeded")]


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.999])
def test_a_file_that_ends_in_the_middle_gives_what_stands_before_and_says_so(cut: float) -> None:
    data = vics([media(n) for n in range(100)])
    start = data[: int(len(data) * cut)]
    found, refused, _ = read(start)
    assert len(found) == start.count(b"}") > 20
    assert len(refused) == 1
    assert "was not read" in refused[0].reason
    assert refused[0].line == len(found) + 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"value": []}',
        b'{"odata.metadata": "http://somewhere.example/#Media", "value": []}',
        vics([]).replace(b"1.3.xml", b"9.9.xml"),
        vics([]).decode().encode("utf-16"),
        b'{"odata.metadata',
    ],
)
def test_what_is_not_vics_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        read(data)


def test_paths_comments_and_exif_never_leave_the_reader() -> None:
    row = media(
        1,
        Comments="HAWTHORN",
        RelativeFilePath="C:\\HAWTHORN",
        Exifs=[{"PropertyName": "Owner", "PropertyValue": "HAWTHORN"}],
        MediaFiles=[{"FileName": "HAWTHORN.jpg"}],
        Tags="HAWTHORN",
        Series="HAWTHORN",
    )
    found, _, left_out = read(vics([row]))
    assert "HAWTHORN" not in repr(found) + repr(left_out)


@given(st.binary(max_size=300), st.integers(1, 50))
def test_no_bytes_break_the_reader(data: bytes, piece: int) -> None:
    start = b'{"odata.metadata": "http://x/DataModels/1.2.xml#Media", "value": ['
    for whole in (data, start + data, start + b'{"MD5":"' + data):
        try:
            entries = list(VicsFile(io.BytesIO(whole), piece=piece))
        except InvalidInput:
            continue
        assert all(isinstance(entry, ListedMedia | Refusal) for entry in entries)


def test_memory_stays_flat_over_a_file_of_hundreds_of_megabytes() -> None:
    """Under a limit far below the size of the file, which is never whole anywhere."""
    program = textwrap.dedent(
        """
        import io, resource, sys
        from hash_list_files import vics_stream
        from lapwing.intake.hash_lists.vics import VicsFile
        list(VicsFile(io.BytesIO(b"".join(vics_stream(10)))))  # compiled before it is measured
        one = b"".join(vics_stream(2000, Comments="x" * 4000))
        head, rest = one.split(b"[", 1)
        body = rest.rsplit(b"]", 1)[0]
        class Long(io.RawIOBase):
            def __init__(self, times):
                self.pieces = iter([head + b"[" + body, *([b"," + body] * (times - 1)), b"]}"])
                self.rest = b""
                self.size = 0
            def read(self, n=-1):
                while len(self.rest) < n and (piece := next(self.pieces, None)):
                    self.rest += piece
                out, self.rest = self.rest[:n], self.rest[n:]
                self.size += len(out)
                return out
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        stream = Long(int(sys.argv[1]))
        rows = sum(1 for _ in VicsFile(stream))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(rows, stream.size, (after - before) * 1024)
        """
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, "36"],
        env={"PYTHONPATH": str(TESTS), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30)),
    )
    rows, size, grown = map(int, answer.stdout.split())
    assert rows == 72_000
    assert size > 300_000_000
    assert grown < 64 << 20
