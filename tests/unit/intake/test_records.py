from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from lapwing.intake.limits import Limits
from lapwing.intake.records import ItemBuilder
from lapwing.intake.wire import RECORDS
from lapwing.model.accounts import account_key
from lapwing.model.errors import InvalidInput, LimitExceeded
from lapwing.model.items import ITEM_KINDS, Contact, Media, Message, Payment, Surface
from lapwing.model.videos import Frame
from lapwing.store.clock import new_id, utc_now

PDQ = "f8" * 32
SHA256 = "0" * 64

WHOLE: dict[str, dict[str, Any]] = {
    "media": {"pdq": PDQ.upper(), "quality": "93", "md5": "a" * 32, "url": "https://a.example/x"},
    "message": {"text": "hello", "surface": "public", "recipient": "r", "conversation": 7},
    "advert": {"text": "a bicycle", "title": "Bicycle", "price": "90 EUR", "links": ["a.example"]},
    "payment": {"amount": "12.50", "currency": "EUR", "counterparty": "c", "memo": "rent"},
    "url": {"url": "https://a.example/x"},
    "contact": {"action": "request", "other": "o"},
    "chat_access": {"room": "garden"},
    "profile": {"text": "likes trains", "pictures": [{"md5": "a" * 32}]},
    "tip": {"text": "a worry"},
}


def refusal(builder: ItemBuilder, kind: str, /, **changes: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        builder.build(kind, {"id": "1"} | WHOLE[kind] | changes)
    return caught.value


def test_every_kind_of_item_can_be_built_and_passes_the_models_own_checks(
    builder: ItemBuilder,
) -> None:
    assert WHOLE.keys() == ITEM_KINDS.keys() == RECORDS.keys()
    for kind, record in WHOLE.items():
        item = builder.build(kind, {"source_id": "1", "account": "me", "country": "DE"} | record)
        assert type(item) is ITEM_KINDS[kind]
        encoded = msgspec.json.encode(item)
        assert msgspec.json.decode(encoded, type=ITEM_KINDS[kind]) == item


def test_json_and_mapping_give_the_same_item(builder: ItemBuilder) -> None:
    for kind, record in WHOLE.items():
        whole = {"id": "1", "at": "2026-01-01T10:00:00+02:00", "account": "me"} | record
        one = builder.build(kind, whole)
        other = builder.build_json(kind, msgspec.json.encode(whole))
        assert msgspec.structs.replace(one, id=other.id) == other


def test_accounts_are_keyed_and_their_raw_ids_are_nowhere() -> None:
    builder = ItemBuilder(new_id(), "test", (3, b"k" * 32), "forum", clock=utc_now, new_id=new_id)
    raw = {"account": "alice@home", "recipient": 4711, "text": "hello", "id": "1"}
    item = builder.build("message", raw)
    assert isinstance(item, Message)
    assert item.account == account_key(b"k" * 32, 3, "forum", "alice@home")
    assert item.recipient == account_key(b"k" * 32, 3, "forum", "4711")
    contact = builder.build("contact", {"id": "2", "action": "block", "other": "bob77"})
    payment = builder.build(
        "payment", {"id": "3", "amount": "1", "currency": "EUR", "counterparty": "carol88"}
    )
    assert isinstance(contact, Contact)
    assert isinstance(payment, Payment)
    everything = repr((item, contact, payment, vars(builder)))
    for name in ("alice", "4711", "bob77", "carol88"):
        assert name not in everything


def test_an_account_key_is_taken_as_it_is_but_not_beside_a_raw_id(builder: ItemBuilder) -> None:
    key = "1:" + "ab" * 16
    assert builder.build("tip", {"id": "1", "text": "x", "account_key": key}).account == key
    assert refusal(builder, "tip", account_key="alice").field == "account_key"
    assert refusal(builder, "tip", account_key=key, account="alice").field == "account_key"


def test_hashes_are_lower_case_and_numbers_may_be_text(builder: ItemBuilder) -> None:
    item = builder.build("media", {"id": "1"} | WHOLE["media"] | {"width": "640"})
    assert isinstance(item, Media)
    assert item.hashes.pdq == PDQ
    assert (item.hashes.quality, item.width) == (93, 640)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("12.50", "12.50"), (12, "12"), ("-3", "-3"), ("1e3", "1000"), (0.1, "0.1"), ("0.00", "0.00")],
)
def test_amounts_keep_their_digits(builder: ItemBuilder, given: Any, kept: str) -> None:
    item = builder.build("payment", {"id": "1", "amount": given, "currency": "EUR"})
    assert isinstance(item, Payment)
    assert item.amount == kept


def test_an_amount_in_json_is_never_a_float(builder: ItemBuilder) -> None:
    line = b'{"id":"1","amount":12345678901234567890.10,"currency":"EUR"}'
    item = builder.build_json("payment", line)
    assert isinstance(item, Payment)
    assert item.amount == "12345678901234567890.10"


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e999999", "1,234", "twelve", "", True])
def test_unusable_amounts_are_refused(builder: ItemBuilder, amount: Any) -> None:
    assert refusal(builder, "payment", amount=amount).field == "amount"


def test_times_become_utc_and_default_to_now(builder: ItemBuilder) -> None:
    item = builder.build("url", {"id": "1", "at": "2026-01-01T01:30:00+02:00"} | WHOLE["url"])
    assert item.at == datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
    assert item.at.tzinfo is UTC
    assert builder.build("url", {"id": "1"} | WHOLE["url"]).at.year == 2026


@pytest.mark.parametrize(
    "at",
    [
        "2026-01-01T10:00:00",
        "2026-01-01",
        "1767225600",
        "yesterday",
        "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00+10:00",
    ],
)
def test_naive_or_unusable_times_are_refused(builder: ItemBuilder, at: str) -> None:
    error = refusal(builder, "url", at=at)
    assert error.field == "at"
    assert "RFC 3339" in error.message


@pytest.mark.parametrize(
    ("kind", "changes", "field", "reason"),
    [
        ("message", {"colour": 1}, "colour", "unknown field"),
        ("message", {"text": 5}, "text", "wants text"),
        ("message", {"surface": "secret"}, "surface", "`public` or `private`"),
        ("message", {"text": ""}, "text", "empty"),
        ("message", {"kind": "advert"}, "kind", "where message is expected"),
        ("message", {"pictures": [{"pdq": "f8"}]}, "pictures.pdq", "64 hexadecimal digits"),
        ("message", {"pictures": [{"quality": 5}]}, "pictures.quality", "no pdq"),
        ("message", {"pictures": [{}]}, "pictures.pdq", "needs one of"),
        ("message", {"pictures": [{"phash": "f8"}]}, "pictures.phash", "unknown field"),
        ("message", {"links": "https://a.example"}, "links", "JSON array"),
        ("message", {"id": ""}, "id", "1 to 512 characters"),
        ("message", {"id": "x" * 513}, "id", "1 to 512 characters"),
        ("message", {"source_id": "2"}, "source_id", "differ"),
        ("message", {"country": "de"}, "country", "ISO 3166-1"),
        ("message", {"account": ""}, "account", "keyed hash"),
        ("message", {"text": "a\x00b"}, "text", "NUL"),
        ("message", {"text": "a\ud800b"}, "text", "UTF-8"),
        ("message", {"links": ["a\x00"]}, "links", "NUL"),
        ("media", {"pdq": "xy" * 32}, "pdq", "64 hexadecimal digits"),
        ("media", {"quality": 101}, "quality", "0 to 100"),
        ("media", {"pdq": None}, "quality", "no pdq"),
        ("media", {"sha256": SHA256 + "\n"}, "sha256", "64 hexadecimal digits"),
        ("url", {"url": "x" * 8193}, "url", "8,192 characters"),
        ("payment", {"currency": "eur"}, "currency", "capital letters"),
        ("contact", {"other": None}, "other", "missing"),
        ("contact", {"action": "poke"}, "action", "`join`"),
    ],
)
def test_what_cannot_be_used_is_refused_by_field_and_reason(
    builder: ItemBuilder, kind: str, changes: dict[str, Any], field: str, reason: str
) -> None:
    error = refusal(builder, kind, **changes)
    assert error.field == field
    assert reason in error.message


@pytest.mark.parametrize(("kind", "field"), [("url", "url"), ("payment", "amount"), ("tip", "id")])
def test_a_missing_field_is_refused_by_name(builder: ItemBuilder, kind: str, field: str) -> None:
    record = {"id": "1"} | WHOLE[kind]
    del record[field]
    with pytest.raises(InvalidInput) as caught:
        builder.build(kind, record)
    assert caught.value.field == field


def test_a_media_item_needs_a_hash_or_an_address(builder: ItemBuilder) -> None:
    with pytest.raises(InvalidInput, match="needs one of pdq"):
        builder.build("media", {"id": "1", "mime": "image/png"})
    item = builder.build("media", {"id": "1", "url": "https://a.example/p.jpg"})
    assert isinstance(item, Media)
    assert item.hashes.empty


def test_a_message_may_be_a_picture_alone(builder: ItemBuilder) -> None:
    item = builder.build("message", {"id": "1", "pictures": [{"sha256": SHA256}]})
    assert isinstance(item, Message)
    assert (item.text, item.surface) == ("", Surface.PUBLIC)
    assert item.picture_list[0].sha256 == SHA256


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"text": "x" * 11}, "text"),
        ({"links": ["a"] * 4}, "links"),
        ({"pictures": [{"md5": "a" * 32}] * 3}, "pictures"),
    ],
)
def test_what_is_beyond_a_limit_is_refused(changes: dict[str, Any], field: str) -> None:
    limits = Limits(text_characters=10, links=3, pictures=2)
    small = ItemBuilder(
        new_id(), "test", (1, b"k" * 32), "p", clock=utc_now, new_id=new_id, limits=limits
    )
    with pytest.raises(LimitExceeded) as caught:
        small.build("message", {"id": "1", "text": "hello"} | changes)
    assert caught.value.field == field


def test_refusals_do_not_repeat_what_was_said(builder: ItemBuilder) -> None:
    for field, value in (("account", "x" * 600), ("at", "private words"), ("country", "words")):
        assert "words" not in refusal(builder, "message", **{field: value}).message
        assert "xxx" not in refusal(builder, "message", **{field: value}).message


@pytest.mark.parametrize("source", ["", "x" * 129, "a\x00"])
def test_a_source_must_be_storable(source: str) -> None:
    with pytest.raises(InvalidInput, match="source"):
        ItemBuilder(new_id(), source, (1, b"k" * 32), "p", clock=utc_now, new_id=new_id)


def test_features_of_a_video_come_under_vpdqs_names(builder: ItemBuilder) -> None:
    feature = {"frame": 25, "quality": 90, "hex": "AB" * 32, "timestamp": 1.0}
    item = builder.build("media", {"id": "v", "frames": [feature]})
    assert isinstance(item, Media)
    assert item.frames == (Frame(25, 90, "ab" * 32, 1.0),)
    with pytest.raises(InvalidInput) as refused:
        builder.build("media", {"id": "v", "frames": [feature | {"hex": "ab"}]})
    assert (refused.value.field or "").startswith("frames")
    few = ItemBuilder(
        new_id(utc_now()),
        "s",
        (1, b"k" * 32),
        "p",
        clock=utc_now,
        new_id=new_id,
        limits=Limits(video_frames=2),
    )
    with pytest.raises(LimitExceeded, match="more than 2"):
        few.build("media", {"id": "v", "frames": [feature] * 3})
