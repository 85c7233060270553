from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lapwing.intake.limits import Limits
from lapwing.intake.readers import read_items
from lapwing.intake.records import ItemBuilder
from lapwing.model.errors import InvalidInput
from lapwing.model.items import Message
from lapwing.model.refusals import Refusal
from lapwing.model.submissions import Submission

Write = Callable[[str, bytes], Path]

GOOD = b'{"id": "%d", "text": "hello"}\n'


def outcome(entries: Any) -> list[str | tuple[int | None, str | None, str]]:
    """The id of each item; line, field and first words of each refusal."""
    return [
        e.item.source_id
        if isinstance(e, Submission)
        else (e.line, e.field, " ".join(e.reason.split()[:2]).rstrip(",;:"))
        for e in entries
    ]


def test_refused_lines_are_named_and_the_rest_goes_on(write: Write, builder: ItemBuilder) -> None:
    lines = [
        GOOD % 1,
        b'{"id": "2", "text": \n',
        GOOD % 3,
        b'{"id": "4", "text": "a\xff"}\n',
        b"\n",
        b'{"id": "6", "text": "a\x00"}\n',
        b'{"id": "7", "text": "a\\u0000"}\n',
        b'{"id": "8", "text": "\\ud800"}\n',
        b"[1, 2]\n",
        b'"text"\n',
        b'{"id": "11", "text": "x", "colour": "red"}\n',
        b'{"id": "12", "text": "x", "at": "2026-01-01T10:00:00"}\n',
        b"\r\n",
        GOOD % 14,
        b'{"id": "15", "text": "no line end"}',
    ]
    path = write("some.ndjson", b"".join(lines))
    entries = list(read_items(path, "messages", builder))
    assert outcome(entries) == [
        "1",
        (2, None, "not JSON"),
        "3",
        (4, None, "not UTF-8"),
        (6, None, "not JSON"),
        (7, "text", "contains a"),
        (8, None, "not JSON"),
        (9, None, "Expected object"),
        (10, None, "Expected object"),
        (11, "colour", "unknown field"),
        (12, "at", "cannot be"),
        "14",
        "15",
    ]
    refused = [e for e in entries if isinstance(e, Refusal)]
    assert {e.file for e in refused} == {str(path)}
    assert refused[-1].source_id == "12"
    assert "--map FIELD=colour" in refused[-2].reason
    assert "--map ignore=colour" in refused[-2].reason


def test_a_long_line_is_passed_over_without_being_held(builder: ItemBuilder) -> None:
    class Endless(io.RawIOBase):
        """40 MiB without a line end, then a good line; never more than a buffer at a time."""

        def __init__(self) -> None:
            self.left = 40 * 2**20
            self.tail = io.BytesIO(b"\n" + GOOD % 2)
            self.largest = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            self.largest = max(self.largest, len(buffer))
            if not self.left:
                return self.tail.readinto(buffer)
            count = min(len(buffer), self.left)
            buffer[:count] = b"{" * count
            self.left -= count
            return count

    stream = Endless()
    entries = read_items(stream, "message", builder, Limits(line_bytes=1000))  # type: ignore[arg-type]
    assert outcome(entries) == [(1, None, "longer than"), "2"]
    assert stream.largest <= 2**17


def test_a_line_of_exactly_the_limit_is_read(write: Write, builder: ItemBuilder) -> None:
    line = GOOD % 1
    path = write("a.ndjson", line + line)
    assert outcome(read_items(path, "message", builder, Limits(line_bytes=len(line)))) == ["1", "1"]
    short = Limits(line_bytes=len(line) - 2)
    assert [e[0] for e in outcome(read_items(path, "message", builder, short))] == [1, 2]


def test_deep_nesting_is_refused_before_it_is_parsed(write: Write, builder: ItemBuilder) -> None:
    deep = b'{"id": "1", "text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    path = write("a.ndjson", deep + GOOD % 2)
    for columns in (None, {"country": "state"}):
        assert outcome(read_items(path, "message", builder, Limits(), columns)) == [
            (1, None, "nested deeper"),
            "2",
        ]


def test_brackets_inside_text_are_not_nesting(builder: ItemBuilder) -> None:
    text = '[[[[[[[[ {{{{{{{{ \\ " ]' * 20
    line = msgspec.json.encode({"id": "1", "text": text})
    (entry,) = read_items(io.BytesIO(line), "message", builder)
    assert isinstance(entry, Submission)
    assert isinstance(entry.item, Message)
    assert entry.item.text == text


def test_a_byte_order_mark_is_no_part_of_the_first_line(write: Write, builder: ItemBuilder) -> None:
    path = write("a.ndjson", b"\xef\xbb\xbf" + GOOD % 1)
    assert outcome(read_items(path, "message", builder)) == ["1"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'[{"id": "1"}]', "a JSON array"),
        ("{}".encode("utf-16"), "UTF-16"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture, where rows of message are expected"),
    ],
)
def test_another_kind_of_file_is_refused_by_what_it_is(
    write: Write, builder: ItemBuilder, data: bytes, reason: str
) -> None:
    (entry,) = read_items(write("a.ndjson", data), "message", builder)
    assert isinstance(entry, Refusal)
    assert reason in entry.reason


def test_names_are_mapped_and_ignored(builder: ItemBuilder) -> None:
    line = b'{"key": 5, "body": "hello", "likes": {"many": [1]}, "score": 2}\n'
    columns = {"id": "key", "text": "body", "ignore": "likes, score"}
    (entry,) = read_items(io.BytesIO(line), "message", builder, columns=columns)
    assert isinstance(entry, Submission)
    assert entry.item.source_id == "5"
    assert entry.item.texts == ("hello",)


def test_an_unknown_kind_or_map_is_an_error_before_anything_is_read(builder: ItemBuilder) -> None:
    with pytest.raises(InvalidInput, match="there are media, message"):
        read_items("nothing", "letters", builder)
    with pytest.raises(InvalidInput, match="message has no field 'colour'"):
        read_items("nothing", "message", builder, columns={"colour": "x"})
    with pytest.raises(InvalidInput, match="mapped twice"):
        read_items("nothing", "message", builder, columns={"id": "x", "text": "x"})


def test_more_rows_than_allowed_are_refused_once(write: Write, builder: ItemBuilder) -> None:
    path = write("a.ndjson", b"".join(GOOD % i for i in range(9)))
    assert outcome(read_items(path, "message", builder, Limits(rows=2))) == [
        "0",
        "1",
        (3, None, "more than"),
    ]


def test_a_missing_file_is_refused_by_name(builder: ItemBuilder, tmp_path: Path) -> None:
    (entry,) = read_items(tmp_path / "none.ndjson", "message", builder)
    assert isinstance(entry, Refusal)
    assert entry.file == str(tmp_path / "none.ndjson")
    assert "No such file" in entry.reason


def test_an_empty_file_has_nothing(write: Write, builder: ItemBuilder) -> None:
    assert list(read_items(write("a.ndjson", b""), "message", builder)) == []


def test_standard_input_is_read_and_left_open(
    monkeypatch: pytest.MonkeyPatch, builder: ItemBuilder
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(GOOD % 1 + b"x\n"))
    monkeypatch.setattr("sys.stdin", stdin)
    first, second = read_items("-", "message", builder)
    assert isinstance(first, Submission)
    assert isinstance(second, Refusal)
    assert (second.file, second.line) == ("standard input", 2)
    assert not stdin.buffer.closed
