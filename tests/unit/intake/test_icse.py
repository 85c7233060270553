"""ICSE exports: the baseline flag stays with the hash, short rows and repeats are taken."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hash_list_files import ICSE_HEADER, digits, icse, icse_row
from lapwing.intake.hash_lists.icse import IcseFile, looks_like_icse
from lapwing.model.errors import InvalidInput
from lapwing.model.hash_lists import ListedMedia
from lapwing.model.indicators import IndicatorKind
from lapwing.model.refusals import Refusal


def read(data: bytes, **options: Any) -> tuple[list[ListedMedia], list[Refusal], dict[str, int]]:
    file = IcseFile(io.BytesIO(data), "icse.csv", **options)
    entries = list(file)
    rows = [entry for entry in entries if isinstance(entry, ListedMedia)]
    refused = [entry for entry in entries if isinstance(entry, Refusal)]
    return rows, refused, dict(file.left_out)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_rows_keep_their_hashes_and_their_baseline_flag(mark: bytes) -> None:
    data = mark + icse([icse_row(1), icse_row(2, "FALSE"), icse_row(3, "")])
    rows, refused, left_out = read(data)
    assert (refused, left_out) == ([], {})
    assert [row.baseline for row in rows] == [True, False, None]
    assert [row.number for row in rows] == [2, 3, 4]
    assert rows[0].media_id == "1"
    assert rows[0].hashes == (
        (IndicatorKind.MD5, bytes.fromhex(digits(1, 32))),
        (IndicatorKind.SHA1, bytes.fromhex(digits(1 + 10**9, 40))),
    )
    assert looks_like_icse(data[:200])


def test_short_rows_are_taken_and_consecutive_repeats_merged() -> None:
    short = f"{digits(9, 32)};{digits(8, 40)}"
    rows, refused, left_out = read(icse([short, icse_row(1), icse_row(1), icse_row(2)]))
    assert not refused
    assert [row.number for row in rows] == [2, 3, 5]
    assert rows[0].baseline is None
    assert left_out == {"rows that repeat the one before merged": 1}


def test_a_row_that_differs_in_its_flag_is_not_merged() -> None:
    rows, _, _ = read(icse([icse_row(1), icse_row(1, "false")]))
    assert [row.baseline for row in rows] == [True, False]


def test_broken_rows_are_refused_with_line_and_field() -> None:
    rows, refused, left_out = read(
        icse(
            [
                "12;;;a;;;;;;;;true",
                icse_row(1, "perhaps"),
                f";;{'AB' * 144};7;;;;;;;;true",
                ";;;;;;;;;;;",
                f"{'d41d8cd98f00b204e9800998ecf8427e'};;;;;;;;;;;true",
                icse_row(2),
            ]
        )
    )
    assert [(one.line, one.field) for one in refused] == [
        (2, "MD5"),
        (3, "Baseline"),
        (4, "MD5"),
        (5, "MD5"),
    ]
    assert len(rows) == 1
    assert left_out == {"PhotoDNA hashes left out": 1, "hashes of the empty file left out": 1}


@pytest.mark.parametrize(
    "header", ["", "a;b;c", "MD5;SHA1", ICSE_HEADER + ";MD5", ICSE_HEADER.replace("Baseline", "B")]
)
def test_another_header_is_refused_as_a_whole(header: str) -> None:
    data = f"{header}\n{icse_row(1)}\n".encode()
    with pytest.raises(InvalidInput):
        read(data)


def test_series_names_never_leave_the_reader() -> None:
    rows, _, left_out = read(icse([icse_row(1).replace("Sun", "HAWTHORN")]))
    assert "HAWTHORN" not in repr(rows) + repr(left_out)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for whole in (data, ICSE_HEADER.encode() + b"\n" + data):
        try:
            entries = list(IcseFile(io.BytesIO(whole), line_bytes=200))
        except InvalidInput:
            continue
        assert all(isinstance(entry, ListedMedia | Refusal) for entry in entries)
