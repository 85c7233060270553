"""List files: three forms, each broken line refused by number, nothing guessed."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapwing.bank.importing import import_file, read_indicators
from lapwing.bank.service import Bank
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import BankList, IndicatorKind, ListKind, NewIndicator
from lapwing.model.refusals import Refusal

MakeList = Callable[..., BankList]
PDQ, MD5, SHA1, SHA256 = "a1" * 32, "b2" * 16, "c3" * 20, "d4" * 32


def read(text: str | bytes, format: str, **options: Any) -> list[NewIndicator | Refusal]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_indicators(io.BytesIO(data), format, **options))


def pairs(entries: list[NewIndicator | Refusal]) -> list[tuple[str, str]]:
    assert all(isinstance(entry, NewIndicator) for entry in entries), entries
    return [(entry.kind, entry.value) for entry in entries if isinstance(entry, NewIndicator)]


def refusals(entries: list[NewIndicator | Refusal]) -> list[tuple[int | None, str | None]]:
    return [(entry.line, entry.field) for entry in entries if isinstance(entry, Refusal)]


def test_a_text_file_holds_one_value_a_line() -> None:
    text = (
        f"\ufeff# a comment\r\n{MD5}\r\n\r\n  {SHA1}\npdq {PDQ}\nexample.com\nhttps://a.example/b\n"
    )
    assert pairs(read(text, "text")) == [
        ("md5", MD5),
        ("sha1", SHA1),
        ("pdq", PDQ),
        ("domain", "example.com"),
        ("url", "https://a.example/b"),
    ]


def test_sixty_four_hex_digits_need_their_kind() -> None:
    (refusal,) = read(PDQ, "text")
    assert isinstance(refusal, Refusal)
    assert (refusal.line, refusal.field) == (1, "kind")
    assert "pdq or sha256" in refusal.reason
    assert pairs(read(PDQ, "text", kind=IndicatorKind.PDQ)) == [("pdq", PDQ)]
    assert pairs(read(PDQ, "text", kind=IndicatorKind.SHA256)) == [("sha256", PDQ)]
    assert refusals(read(f"value\n{PDQ}\n", "csv")) == [(2, "kind")]
    assert refusals(read(f'{{"value": "{PDQ}"}}\n', "ndjson")) == [(1, "kind")]


def test_a_csv_row_carries_every_documented_column() -> None:
    text = (
        "kind;value;quality;category;source;basis;valid_from;valid_until\n"
        f'PDQ;{PDQ};77;"a;b";police;verdict;2026-01-02;2026-01-31\n'
        f"SHA-256;{SHA256};;;;;2026-01-02T03:04:05Z;2026-01-02T04:04:06+01:00\n"
    )
    first, second = read(text, "csv")
    assert first == NewIndicator(
        kind=IndicatorKind.PDQ,
        value=PDQ,
        quality=77,
        category="a;b",
        source="police",
        basis="verdict",
        valid_from=datetime(2026, 1, 2, tzinfo=UTC),
        valid_until=datetime(2026, 2, 1, tzinfo=UTC),
    )
    assert second == NewIndicator(
        kind=IndicatorKind.SHA256,
        value=SHA256,
        valid_from=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        valid_until=datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC),
    )


def test_one_row_may_hold_several_hashes_of_a_picture() -> None:
    text = f"pdq,quality,md5,sha1,sha256\n{PDQ},90,{MD5},{SHA1},\n"
    entries = read(text, "csv")
    assert pairs(entries) == [("pdq", PDQ), ("md5", MD5), ("sha1", SHA1)]
    assert [getattr(entry, "quality", None) for entry in entries] == [90, None, None]


def test_columns_can_be_mapped_and_left_out_but_not_overlooked() -> None:
    text = f"Hash,Note,Type\n{MD5},secret,md5\n"
    with pytest.raises(InvalidInput, match="unknown column 'Hash'"):
        read(text, "csv")
    mapped = {"Hash": "value", "Note": "-", "Type": "kind"}
    assert pairs(read(text, "csv", columns=mapped)) == [("md5", MD5)]
    row = f'{{"Hash": "{MD5}", "Note": 1, "other": 2}}\n'
    assert refusals(read(row, "ndjson", columns=mapped)) == [(1, "other")]


def test_ndjson_rows_are_objects_with_the_same_names() -> None:
    text = (
        f'{{"kind": "pdq", "value": "{PDQ}", "quality": 55}}\n'
        "\n"
        f'{{"md5": "{MD5}", "category": null}}\n'
        "[1]\n"
        '{"kind": "pdq", "value"\n'
        f'{{"kind": "photodna", "value": "{PDQ}"}}\n'
        '{"kind": "pdq", "value": 12}\n'
        f'{{"kind": "pdq", "value": "{PDQ}", "quality": true}}\n'
        f'{{"pdq": "{PDQ}", "valid_until": "2026-01-02T00:00:00"}}\n'
        '{"category": "x"}\n'
    )
    entries = read(text, "ndjson")
    assert [entry.kind for entry in entries if isinstance(entry, NewIndicator)] == ["pdq", "md5"]
    assert refusals(entries) == [
        (4, None),
        (5, None),
        (6, "kind"),
        (7, "value"),
        (8, "quality"),
        (9, "valid_until"),
        (10, "value"),
    ]


def test_a_broken_csv_line_costs_only_itself() -> None:
    text = (
        "kind,value\n"
        f'md5,"{MD5}\n'  # a quote that never closes
        f"md5,{MD5},more\n"
        f"md5,{MD5}\n"
    )
    entries = read(text, "csv")
    assert refusals(entries) == [(2, None), (3, None)]
    assert isinstance(entries[-1], NewIndicator)


def test_bytes_that_are_not_utf8_and_endless_lines_are_refused_and_skipped() -> None:
    data = b"caf\xe9\n" + b"a" * 5000 + b"\n" + MD5.encode() + b"\n" + b"b" * 5000
    entries = read(data, "text", line_bytes=1000)
    assert refusals(entries) == [(1, None), (2, None), (4, None)]
    assert [entry.code for entry in entries if isinstance(entry, Refusal)] == [
        "invalid_input",
        "limit_exceeded",
        "limit_exceeded",
    ]
    assert isinstance(entries[2], NewIndicator)


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (f"value\n{MD5}\n".encode("utf-16"), "csv"),
        (b"kind,category\nmd5,x\n", "csv"),
        (b"value,value\n", "csv"),
        (b'value,"kind\n', "csv"),
        (b"\xff\n", "csv"),
        (b"value\n", "xlsx"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_says_why(data: bytes, format: str) -> None:
    with pytest.raises(InvalidInput):
        read(data, format)


def test_the_form_follows_the_name_and_must_be_said_of_a_stream(tmp_path: Path) -> None:
    for name, content in {
        "a.txt": f"{MD5}\n",
        "a.csv": f"md5\n{MD5}\n",
        "a.tsv": f"kind\tvalue\nmd5\t{MD5}\n",
        "a.ndjson": f'{{"md5": "{MD5}"}}\n',
        "a.JSONL": f'{{"md5": "{MD5}"}}\n',
    }.items():
        (tmp_path / name).write_text(content)
        assert pairs(list(read_indicators(tmp_path / name))) == [("md5", MD5)]
    with pytest.raises(InvalidInput, match="say the format"):
        list(read_indicators(io.BytesIO(b"")))


@given(st.binary(max_size=400), st.sampled_from(["text", "csv", "ndjson"]))
def test_no_bytes_break_the_reader(data: bytes, format: str) -> None:
    try:
        entries = read(data, format, line_bytes=50)
    except InvalidInput:
        return
    assert all(isinstance(entry, NewIndicator | Refusal) for entry in entries)


def test_an_import_tells_progress_and_every_refusal_with_its_line(
    bank: Bank, organisation: UUID, make_list: MakeList, tmp_path: Path
) -> None:
    listed = make_list(organisation)
    lines = ["kind,value", *(f"md5,{n:032x}" for n in range(25)), "md5,no", f"pdq,{PDQ}", "x,y"]
    lines[5] = "md5,short"
    path = tmp_path / "list.csv"
    path.write_text("\n".join(lines))
    told: list[tuple[int, int]] = []
    refused: list[Refusal] = []

    def run() -> Any:
        return import_file(
            bank,
            organisation,
            SYSTEM,
            listed.id,
            path,
            progress=lambda done, bad: told.append((done, bad)),
            on_refusal=refused.append,
            chunk=10,
        )

    first = run()
    assert (first.added, first.repeated, first.refused) == (25, 0, 3)
    assert told == [(10, 1), (20, 1), (28, 3)]
    assert [(refusal.line, refusal.field) for refusal in refused] == [
        (6, "value"),
        (27, "value"),
        (29, "kind"),
    ]
    assert {refusal.file for refusal in refused} == {str(path)}
    assert first.refusals == tuple(refused)
    again = run()
    assert (again.added, again.repeated, again.refused) == (0, 25, 3)
    assert len(bank.indicators(organisation, listed.id)) == 25


def test_an_allow_list_refuses_pictures_likeness_by_line(
    bank: Bank, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation, kind=ListKind.ALLOW)
    stream = io.BytesIO(f"# harmless\n{MD5}\npdq {PDQ}\n".encode())
    done = import_file(bank, organisation, SYSTEM, listed.id, stream, format="text")
    assert (done.added, done.refused) == (1, 1)
    assert done.refusals[0].line == 3
