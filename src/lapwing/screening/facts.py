"""What is stored of an item: everything but its free text. Pure.

Free text is reduced to the SHA-256 of each piece, in reading order, so that a text handed in later
can be shown to be the one that was screened. The columns of the items table are not repeated.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import msgspec

from lapwing.model.items import Item, PictureHashes

TEXT_FIELDS = frozenset({"text", "title", "memo"})
_COLUMNS = frozenset({"id", "organisation", "source", "source_id", "at", "account"})
_EMPTY = (None, (), "")

_encode = msgspec.json.Encoder().encode


def facts_of(item: Item) -> bytes:
    """The stored JSON object. Raises UnicodeEncodeError when a string is not valid Unicode."""
    facts: dict[str, Any] = {}
    for name in _kept(type(item)):
        value = getattr(item, name)
        if value in _EMPTY:
            continue
        if isinstance(value, PictureHashes):
            value = _present(value)
        elif isinstance(value, tuple) and isinstance(value[0], PictureHashes):
            value = [_present(picture) for picture in value]
        facts[name] = value
    texts = item.texts
    if texts:
        facts["text_sha256"] = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    return _encode(facts)


@cache
def _kept(kind: type[Item]) -> tuple[str, ...]:
    return tuple(
        name for name in kind.__struct_fields__ if name not in _COLUMNS and name not in TEXT_FIELDS
    )


def _present(picture: PictureHashes) -> dict[str, Any]:
    return {
        name: value
        for name in picture.__struct_fields__
        if (value := getattr(picture, name)) is not None
    }
