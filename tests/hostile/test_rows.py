"""Rows made to hurt: the place and the reason are named, and the rows around them go on."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lapwing.bank.importing import read_indicators
from lapwing.decide.language import condition
from lapwing.decide.packs import load_pack
from lapwing.intake.readers import read_items
from lapwing.intake.records import ItemBuilder
from lapwing.model.errors import InvalidInput
from lapwing.model.links import canonical_url, find_links
from lapwing.model.refusals import Refusal
from web_world import NDJSON, Client, Side

SECONDS = 10.0
HASH = "ab" * 16
DEEP = 100_000
DIGITS = b"9" * 100_000


@contextmanager
def in_time() -> Iterator[None]:
    started = time.perf_counter()
    yield
    assert time.perf_counter() - started < SECONDS


def row(name: str, text: bytes = b'"hello"', more: bytes = b"") -> bytes:
    return b'{"kind":"message","id":"%s","text":%s%s}' % (name.encode(), text, more)


BAD: dict[str, tuple[bytes, str | None, str]] = {
    "objects in objects": (b'{"id":' * DEEP + b"1" + b"}" * DEEP, None, "nested deeper"),
    "lists in lists": (row("2", b"[" * DEEP + b"]" * DEEP), None, "nested deeper"),
    "only opened": (b"[" * DEEP, None, "nested deeper"),
    "in an unknown field": (row("2", more=b',"x":' + b"[" * DEEP), None, "nested deeper"),
    "a cut character": (row("2", b'"a\xc3"'), None, "UTF-8"),
    "a character written too long": (row("2", b'"\xc0\xaf"'), None, "UTF-8"),
    "half a pair": (row("2", b'"\xed\xa0\x80"'), None, "UTF-8"),
    "half a pair, escaped": (row("2", b'"\\ud800"'), None, "JSON"),
    "Latin-1": (row("2", "ä".encode("latin-1").join([b'"', b'"'])), None, "UTF-8"),
    "a NUL": (row("2", b'"a\0b"'), None, "JSON"),
    "an escaped NUL": (row("2", b'"a\\u0000b"'), "text", "NUL"),
    "an escaped NUL in the id": (row("2\\u0000"), "id", "NUL"),
    "a number of 100,000 digits": (row("2", DIGITS), "text", ""),
    "such an id": (b'{"kind":"message","id":' + DIGITS + b',"text":"x"}', "id", ""),
    "such a fraction": (row("2", b"0." + DIGITS), "text", ""),
    "a power of ten": (row("2", b"1e" + DIGITS), "text", ""),
    "an id of 100,000 letters": (row("x" * 100_000), "id", ""),
    "a text of 200,000 letters": (row("2", b'"%s"' % (b"x" * 200_000)), "text", "more than"),
    "10,000 links": (
        row("2", more=b',"links":[%s"https://a.example"]' % (b'"https://a.example",' * 9_999)),
        "links",
        "more than",
    ),
    "the same name twice": (row("2", more=b',"colour":1,"colour":2'), "colour", "unknown field"),
    "100,000 names": (
        b'{"kind":"message","id":"2",'
        + b",".join(b'"n%d":1' % n for n in range(50_000))
        + b"}",
        "n0",
        "unknown field",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_of_a_file_is_named_and_the_rest_goes_on(builder: ItemBuilder, name: str) -> None:
    bad, field, reason = BAD[name]
    lines = [row("1"), bad, row("3")]
    with in_time():
        entries = list(read_items(io.BytesIO(b"\n".join(lines)), "message", builder))
    assert len(entries) == 3
    [refused] = [entry for entry in entries if isinstance(entry, Refusal)]
    assert (refused.line, refused.field) == (2, field)
    assert reason in refused.reason
    assert 0 < len(refused.reason) < 1_000


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_of_a_request_is_named_and_the_rest_goes_on(
    client: Client, ours: Side, name: str
) -> None:
    bad, field, reason = BAD[name]
    marked = [row(f"{name} {place}") for place in ("before", "behind")]
    with in_time():
        answer = client.post(
            "/v1/screen",
            headers=ours.bearer | NDJSON,
            content=b"\n".join([marked[0], bad, marked[1]]),
        )
    assert answer.status_code == 200, answer.text[:500]
    found = answer.json()
    assert found["fresh"] == 2
    [refused] = found["refused"]
    assert (refused["line"], refused.get("field")) == (2, field)
    assert reason in refused["reason"]
    with in_time():
        alone = client.post(
            "/v1/screen",
            headers=ours.bearer | {"Content-Type": "application/json"},
            content=bad,
        )
    assert alone.status_code in (400, 413)
    assert len(alone.text) < 2_000


def refusals(entries: Iterable[Any]) -> list[tuple[int | None, str | None]]:
    return [(one.line, one.field) for one in entries if isinstance(one, Refusal)]


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (b'"' + b"a" * 200_000 + b'"', None),
        (b"a\0b", "text"),
        (b"\xff\xfe\xfd", "text"),
        (b'"open', None),
        (b"," * 10_000, None),
    ],
)
def test_a_bad_row_of_a_table_is_named_and_the_rest_goes_on(
    builder: ItemBuilder, bad: bytes, field: str | None
) -> None:
    table = b"id,text\n1,hello\n2," + bad + b"\n3,hello\n4,hello\n"
    with in_time():
        entries = list(read_items(io.BytesIO(table), "message", builder))
    assert refusals(entries) == [(3, field)]
    assert len(entries) == 4


def test_a_table_of_10_000_columns_is_refused_by_the_first_that_is_unknown(
    builder: ItemBuilder,
) -> None:
    names = ",".join(f"column{n}" for n in range(10_000))
    table = f"id,text,{names}\n1,hello{',x' * 10_000}\n".encode()
    with in_time():
        [refused] = list(read_items(io.BytesIO(table), "message", builder))
    assert isinstance(refused, Refusal)
    assert (refused.line, refused.field) == (1, "column0")
    assert len(refused.reason) < 1_000
    header = f"id,text,{names}"
    ignored = {"ignore": header.removeprefix("id,text,")}
    with in_time():
        entries = list(read_items(io.BytesIO(table), "message", builder, columns=ignored))
    assert (len(entries), refusals(entries)) == (1, [])


def test_a_list_with_bad_lines_names_them_and_goes_on() -> None:
    lines = [
        HASH.encode(),
        b"\xff" * 40,
        b"x" * 100_000,
        b"a\0b",
        HASH.encode() + b"\0",
        DIGITS[:60_000],
        b"https://a.example/",
    ]
    with in_time():
        entries = list(read_indicators(io.BytesIO(b"\n".join(lines)), "text"))
    assert [line for line, _ in refusals(entries)] == [2, 3, 4, 5, 6]
    objects = [
        json.dumps({"value": HASH, "kind": "md5"}).encode(),
        b"[" * 60_000,
        b'{"value":' + b"[" * 50_000 + b"]" * 10_000 + b"}",
        b'{"value":"%s","kind":"md5","quality":%s}' % (HASH.encode(), DIGITS[:60_000]),
        b'{"value":"\\ud800","kind":"url"}',
        json.dumps({"md5": HASH}).encode(),
    ]
    with in_time():
        entries = list(read_indicators(io.BytesIO(b"\n".join(objects)), "ndjson"))
    assert [line for line, _ in refusals(entries)] == [2, 3, 4, 5]


@pytest.mark.parametrize(
    "rule",
    [
        "(" * DEEP + "1" + ")" * DEEP,
        "not " * DEEP + "True",
        "1" + " + 1" * DEEP + " > 0",
        "9" * DEEP + " > 0",
        "text == '" + "x" * DEEP + "'",
        "text == '\0'",
        "a" * DEEP,
        "[" * DEEP,
        "kind == " + "'" * 9,
    ],
)
def test_a_rule_made_to_hurt_is_refused_with_its_place(rule: str) -> None:
    with in_time():
        with pytest.raises(InvalidInput) as refused:
            condition(rule)
        assert (refused.value.line, refused.value.column) != (None, None)
        pack = f'id = "p"\n[[rules]]\nwhen = {json.dumps(rule)}\n'
        with pytest.raises(InvalidInput, match=r"^bad\.toml"):
            load_pack(pack, "bad.toml")
        with pytest.raises(InvalidInput, match=r"^bad\.toml"):
            load_pack("a = " + rule, "bad.toml")


LOOK_ALIKE = "а"
GIANTS: dict[str, Callable[[], str]] = {
    "look-alike letters": lambda: f"{LOOK_ALIKE}pple.com " * 8_000,
    "one host of look-alike letters": lambda: f"https://{LOOK_ALIKE * 100_000}.com/",
    "full-width letters": lambda: "ｈｔｔｐｓ：／／ｅｘａｍｐｌｅ．ｃｏｍ " * 3_000,
    "marks upon marks": lambda: "https://a" + "\u0301" * 90_000 + ".com",
    "one letter that becomes eighteen": lambda: "\ufdfa" * 90_000 + ".com",
    "characters from right to left": lambda: "\u202ehttps://moc.elpmaxe" * 4_000,
    "joined with nothing": lambda: "a\u200d.\u200dc\u200do\u200dm" * 9_000,
    "dots of every kind": lambda: "a。b．c｡d." * 12_000,
    "brackets for dots": lambda: "a[.]b(dot)c {.} " * 6_000,
    "opened brackets": lambda: "[" * 90_000,
    "brackets that close": lambda: "https://a.example/" + ")" * 90_000,
    "escapes of escapes": lambda: "https://a.example/%" + "25" * 45_000,
    "steps back": lambda: "https://a.example" + "/.." * 30_000,
    "schemes": lambda: "https://" * 12_000,
    "mail addresses": lambda: "a@b.com" * 14_000,
    "beyond the first plane": lambda: "\U0001d41a.\U0001d41b" * 20_000,
}  # fmt: skip


@pytest.mark.parametrize("name", GIANTS)
def test_giant_texts_are_searched_in_time(client: Client, ours: Side, name: str) -> None:
    text = GIANTS[name]()[:100_000]
    with in_time():
        found = find_links(text)
        for _, _, link in found:
            try:
                assert canonical_url(link).text.isascii()
            except InvalidInput as error:
                assert len(error.message) < 1_000  # noqa: PT017 - both outcomes are right
    record = {"kind": "message", "id": f"giant {name}", "text": text}
    with in_time():
        answer = client.post("/v1/screen", headers=ours.bearer, json=record)
    assert answer.status_code == 200, answer.text[:500]
