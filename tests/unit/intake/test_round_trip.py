"""What is written as CSV or NDJSON comes back as it was, whatever the text."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lapwing.intake.readers import read_items
from lapwing.intake.records import ItemBuilder
from lapwing.model.items import Message, Payment
from lapwing.model.refusals import Refusal
from lapwing.model.submissions import Submission

SAME_BUILDER = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)
ids = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=40)
times = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
hexes = st.text("0123456789abcdef", min_size=64, max_size=64)
messages = st.fixed_dictionaries(
    {"id": ids, "text": texts, "at": times},
    optional={
        "surface": st.sampled_from(["public", "private"]),
        "conversation": ids,
        "links": st.lists(texts.filter(lambda text: len(text) < 100), max_size=3),
        "pictures": st.lists(
            st.fixed_dictionaries({"pdq": hexes, "quality": st.integers(0, 100)}), max_size=2
        ),
    },
)
payments = st.fixed_dictionaries(
    {
        "id": ids,
        "amount": st.decimals(-(10**9), 10**9, places=2).map(str),
        "currency": st.sampled_from(["EUR", "USD", "BTC"]),
        "memo": texts,
    }
)


def read(data: bytes, kind: str, builder: ItemBuilder) -> list[Any]:
    entries = list(read_items(io.BytesIO(data), kind, builder))
    assert not [entry for entry in entries if isinstance(entry, Refusal)]
    return [entry.item for entry in entries if isinstance(entry, Submission)]


def check_messages(records: list[dict[str, Any]], items: list[Message]) -> None:
    assert len(items) == len(records)
    for record, item in zip(records, items, strict=True):
        assert (item.source_id, item.text, item.at) == (record["id"], record["text"], record["at"])
        assert item.surface == record.get("surface", "public")
        assert item.conversation == record.get("conversation")
        assert list(item.url_list) == record.get("links", [])
        assert [p.pdq for p in item.picture_list] == [p["pdq"] for p in record.get("pictures", [])]


@SAME_BUILDER
@given(records=st.lists(messages, min_size=1, max_size=5))
def test_messages_as_ndjson(builder: ItemBuilder, records: list[dict[str, Any]]) -> None:
    data = b"\n".join(msgspec.json.encode(record) for record in records)
    check_messages(records, read(data, "message", builder))


@SAME_BUILDER
@given(
    records=st.lists(messages, min_size=1, max_size=5),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_messages_as_csv(
    builder: ItemBuilder, records: list[dict[str, Any]], delimiter: str, end: str
) -> None:
    names = ["id", "text", "at", "surface", "conversation", "links", "pictures"]
    into = io.StringIO(newline="")
    writer = csv.writer(into, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    for record in records:
        row = record | {"at": record["at"].isoformat()}
        for name in ("links", "pictures"):
            if name in row:
                row[name] = msgspec.json.encode(row[name]).decode()
        writer.writerow([row.get(name, "") for name in names])
    check_messages(records, read(into.getvalue().encode(), "message", builder))


@SAME_BUILDER
@given(records=st.lists(payments, min_size=1, max_size=5))
def test_payments_as_csv(builder: ItemBuilder, records: list[dict[str, Any]]) -> None:
    into = io.StringIO(newline="")
    writer = csv.DictWriter(into, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    items: list[Payment] = read(into.getvalue().encode(), "payment", builder)
    assert [(i.source_id, i.amount, i.memo) for i in items] == [
        (r["id"], r["amount"], r["memo"]) for r in records
    ]


@SAME_BUILDER
@given(data=st.binary(max_size=300), kind=st.sampled_from(["message", "media", "url"]))
def test_any_bytes_end_in_items_and_refusals(builder: ItemBuilder, data: bytes, kind: str) -> None:
    for start in (b"", b"id,text,url\n", b'{"id": "1"'):
        entries = list(read_items(io.BytesIO(start + data), kind, builder))
        msgspec.json.encode([e for e in entries if isinstance(e, Refusal)])
