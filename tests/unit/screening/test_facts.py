from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from screening_samples import NOON

from lapwing.model.items import ITEM_KINDS, Item, Message, PictureHashes
from lapwing.screening.facts import facts_of
from lapwing.store.clock import new_id

WORDS = "quinces ripen late"


def example(kind: type[Item]) -> Item:
    """An item of this kind with words in every field that may hold some."""
    values: dict[str, Any] = {
        "id": str(new_id()),
        "organisation": str(new_id()),
        "source": "test",
        "source_id": "one",
        "at": NOON.isoformat(),
        "text": WORDS,
        "title": WORDS,
        "memo": WORDS,
        "hashes": {"sha256": "5b" * 32},
        "amount": "1",
        "currency": "EUR",
        "url": "https://example.test/",
        "action": "join",
        "other": "1:aa",
        "room": "r",
        "kind": kind.__struct_config__.tag,
    }
    known = {*kind.__struct_fields__, "kind"}
    return msgspec.convert({k: v for k, v in values.items() if k in known}, kind)


@pytest.mark.parametrize("kind", ITEM_KINDS.values(), ids=ITEM_KINDS.keys())
def test_no_kind_keeps_its_free_text(kind: type[Item]) -> None:
    item = example(kind)
    facts = facts_of(item)
    for text in item.texts:
        assert text.encode() not in facts
    digests = msgspec.json.decode(facts).get("text_sha256", [])
    assert digests == [hashlib.sha256(text.encode()).hexdigest() for text in item.texts]


def test_empty_fields_and_columns_of_the_table_are_left_out() -> None:
    item = Message(
        id=new_id(),
        organisation=new_id(),
        source="test",
        source_id="one",
        at=NOON,
        account="1:aa",
        text="",
        picture_list=(PictureHashes(sha256="5b" * 32),),
    )
    assert msgspec.json.decode(facts_of(item)) == {
        "surface": "public",
        "picture_list": [{"sha256": "5b" * 32}],
        "text_sha256": [hashlib.sha256(b"").hexdigest()],
    }
