from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lapwing.intake.limits import Limits
from lapwing.intake.readers import read_items
from lapwing.intake.records import ItemBuilder
from lapwing.model.items import Advert, Media, Message, Payment
from lapwing.model.refusals import Refusal
from lapwing.model.submissions import Submission

Write = Callable[[str, bytes], Path]

TEXTS = b"id,text\n"


def read(
    builder: ItemBuilder, data: bytes, kind: str = "message", **more: Any
) -> list[str | tuple[int | None, str | None, str]]:
    """The id of each item; line, field and reason of each refusal."""
    return [
        e.item.source_id if isinstance(e, Submission) else (e.line, e.field, e.reason)
        for e in read_items(named(data), kind, builder, **more)
    ]


def named(data: bytes) -> io.BytesIO:
    return io.BytesIO(data)


def test_refused_rows_are_named_and_the_rest_goes_on(write: Write, builder: ItemBuilder) -> None:
    path = write(
        "payments.csv",
        b"id,at,amount,currency,memo\n"
        b"1,2026-01-01T00:00:00Z,12.50,EUR,rent\n"
        b"2,2026-01-01T00:00:00Z,twelve,EUR,\n"
        b"3,2026-01-01T00:00:00,1,EUR,\n"
        b"\n"
        b"4,,1,EUR\n"
        b"5,,1,EUR,two,three\n"
        b"6,,,EUR,\n"
        b"7,,1,EUR,caf\xe9\n"
        b"8,,1,EUR,a\x00b\n"
        b"9,, 1 ,EUR,last",
    )
    entries = list(read_items(path, "payments", builder))
    items = [e.item for e in entries if isinstance(e, Submission)]
    refused = [e for e in entries if isinstance(e, Refusal)]
    assert [item.source_id for item in items] == ["1", "9"]
    assert isinstance(items[1], Payment)
    assert (items[1].amount, items[1].memo) == ("1", "last")
    assert [(e.line, e.source_id, e.field) for e in refused] == [
        (3, "2", "amount"),
        (4, "3", "at"),
        (6, "4", None),
        (7, "5", None),
        (8, "6", "amount"),
        (9, "7", "memo"),
        (10, "8", "memo"),
    ]
    assert {e.file for e in refused} == {str(path)}
    assert refused[2].reason == "4 cells where the header has 5"
    assert refused[4].reason == "missing"
    assert refused[5].reason == "is not UTF-8 text"
    assert refused[6].reason == "contains a NUL character"


def test_line_numbers_count_the_lines_inside_quotes(builder: ItemBuilder) -> None:
    data = TEXTS + b'1,"one\ntwo\r\nthree"\n' + b"2\n" + b'3,"a ""word"", a comma"\n' + b"4\n"
    entries = list(read_items(named(data), "message", builder))
    assert isinstance(entries[0], Submission)
    assert entries[0].item.texts == ("one\ntwo\r\nthree",)
    assert isinstance(entries[2], Submission)
    assert entries[2].item.texts == ('a "word", a comma',)
    assert [e.line for e in entries if isinstance(e, Refusal)] == [5, 7]


def test_an_open_quote_costs_its_row_alone(builder: ItemBuilder) -> None:
    rows = b"".join(b"%d,hello\n" % i for i in range(2, 6))
    outcome = read(builder, TEXTS + b'1,"never closed\n' + rows)
    assert outcome[1:] == ["2", "3", "4", "5"]
    assert outcome[0] == (
        2,
        None,
        "the file ends inside a quoted cell; is a quote left open? "
        "Reading goes on in the line after",
    )


def test_an_open_quote_in_a_large_file_costs_its_row_alone(builder: ItemBuilder) -> None:
    rows = b"".join(b"%d,hello\n" % i for i in range(2, 500))
    outcome = read(builder, TEXTS + b'1,"never closed\n' + rows, limits=Limits(line_bytes=200))
    assert outcome[1:] == [str(i) for i in range(2, 500)]
    assert outcome[0][:2] == (2, None)
    assert "longer than 200 bytes" in outcome[0][2]


def test_many_open_quotes_are_given_up_on_in_linear_time(builder: ItemBuilder) -> None:
    # Each line opens a quote on its own, and keeps one open when it stands inside one.
    data = TEXTS + b'x,"",""\n' * 3 + b'x","\n' * 20_000
    limits = Limits(line_bytes=5_000)
    outcome = read(builder, data, limits=limits)
    assert len(outcome) < 100
    assert any("are passed over" in entry[2] for entry in outcome)


def test_text_after_a_closing_quote_is_refused(builder: ItemBuilder) -> None:
    outcome = read(builder, TEXTS + b'1,"a"b\n2,c\n')
    assert outcome[0][:2] == (2, None)
    assert "not CSV" in outcome[0][2]
    assert outcome[1] == "2"


def test_quotes_inside_a_bare_cell_are_text(builder: ItemBuilder) -> None:
    (entry,) = read_items(named(TEXTS + b'1,a 5" pipe\n'), "message", builder)
    assert isinstance(entry, Submission)
    assert entry.item.texts == ('a 5" pipe',)


def test_a_long_line_is_refused_and_the_rest_goes_on(builder: ItemBuilder) -> None:
    data = TEXTS + b"1," + b"x" * 5000 + b"\n2,hello\n"
    assert read(builder, data, limits=Limits(line_bytes=100)) == [
        (2, None, "longer than 100 bytes"),
        "2",
    ]


def test_a_long_cell_is_refused_in_plain_words(builder: ItemBuilder) -> None:
    (entry,) = read(builder, TEXTS + b"1," + b"x" * 200_000 + b"\n")
    assert entry[:2] == (2, None)
    assert "a cell is longer than" in entry[2]


@pytest.mark.parametrize("separator", [b",", b";", b"\t", b"|"])
def test_the_separator_is_told_from_the_header(builder: ItemBuilder, separator: bytes) -> None:
    data = b"id,text,place\n1,hello; you | there,Leeds\n".replace(b",", separator)
    if separator in (b";", b"|"):
        data = data.replace(b"hello; you | there", b"hello")
    (entry,) = read_items(named(data), "advert", builder)
    assert isinstance(entry, Submission)
    assert isinstance(entry.item, Advert)
    assert entry.item.place == "Leeds"


def test_a_byte_order_mark_and_quoted_header_are_understood(builder: ItemBuilder) -> None:
    data = b'\xef\xbb\xbf"id";"text"\r\n"1";"hello"\r\n'
    assert read(builder, data) == ["1"]


@pytest.mark.parametrize(
    ("header", "field", "words"),
    [
        (b"id,text,colour", "colour", "--map FIELD=colour"),
        (b"id,text,colour", "colour", "--map ignore=colour"),
        (b"id,title", "text", "--map text=NAME"),
        (b"text", "id", "--map id=NAME"),
        (b"id,text,text", "text", "second time"),
        (b"id,text,", "", "unknown column ''"),
        (b'"id,text', None, "ends inside a quoted cell"),
        (b"\xff\xfei\0d\0", None, "UTF-16"),
        (b"name\xff,x", "name\\xff", "unknown column"),
    ],
)
def test_a_header_that_does_not_fit_refuses_the_file_with_advice(
    builder: ItemBuilder, header: bytes, field: str | None, words: str
) -> None:
    outcome = read(builder, header + b"\n1,a,b\n2,c,d\n", "advert")
    assert len(outcome) == 1
    assert outcome[0][1] == field
    assert words in outcome[0][2]


def test_columns_are_mapped_and_ignored(builder: ItemBuilder) -> None:
    data = b"key,body,likes\n1,hello,5\n"
    columns = {"id": "key", "text": "body", "ignore": "likes"}
    assert read(builder, data, columns=columns) == ["1"]
    (entry,) = read(builder, data, columns=columns | {"account": "writer"})
    assert "'writer', which is not in the header" in entry[2]


def test_links_and_pictures_are_lists_in_a_cell(builder: ItemBuilder) -> None:
    data = (
        b"id,text,links,pictures\n"
        b'1,a,https://a.example/x  https://b.example/y,"[{""md5"": ""%s""}]"\n'
        b'2,b,"[""https://a.example/a b""]",\n'
        b"3,c,,{}\n"
        b'4,d,,"[[[[[[[[[[[[]]]]]]]]]]]]"\n'
    ) % (b"a" * 32)
    entries = list(read_items(named(data), "message", builder))
    items = [e.item for e in entries if isinstance(e, Submission)]
    assert isinstance(items[0], Message)
    assert items[0].url_list == ("https://a.example/x", "https://b.example/y")
    assert items[0].picture_list[0].md5 == "a" * 32
    assert isinstance(items[1], Message)
    assert items[1].url_list == ("https://a.example/a b",)
    assert [(e.line, e.field) for e in entries if isinstance(e, Refusal)] == [
        (4, "pictures"),
        (5, "pictures"),
    ]


def test_hashes_of_media_come_from_columns(builder: ItemBuilder) -> None:
    data = b"id,pdq,quality,width\n1," + b"F8" * 32 + b",93,640\n2,,93,\n"
    first, second = read_items(named(data), "media", builder)
    assert isinstance(first, Submission)
    assert isinstance(first.item, Media)
    assert (first.item.hashes.pdq, first.item.width) == ("f8" * 32, 640)
    assert isinstance(second, Refusal)
    assert second.field == "quality"


def test_spaces_around_a_value_are_dropped_but_those_of_a_text_are_kept(
    builder: ItemBuilder,
) -> None:
    (entry,) = read_items(named(b"id,text,country\n 1 , hello , DE \n"), "message", builder)
    assert isinstance(entry, Submission)
    assert (entry.item.source_id, entry.item.country) == ("1", "DE")
    assert entry.item.texts == (" hello ",)


def test_more_rows_than_allowed_are_refused_once(builder: ItemBuilder) -> None:
    data = TEXTS + b"".join(b"%d,x\n" % i for i in range(5))
    outcome = read(builder, data, limits=Limits(rows=2))
    assert outcome[:2] == ["0", "1"]
    assert outcome[2:] == [(4, None, "more than 2 rows; the rest was not read")]
