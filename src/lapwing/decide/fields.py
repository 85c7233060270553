"""The fields a rule may read, taken from the item types themselves.

A field of `item` is there for every item. A field of one kind (`payment.amount`) is absent for
items of all other kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from lapwing.decide.types import TEXT, TEXTS, WHOLE, YES_NO, Base, Type
from lapwing.model.items import ITEM_KINDS, Item
from lapwing.model.organisations import OrganisationKind


class Root(StrEnum):
    """Where a field is read from: the parameters of a compiled rule."""

    ITEM = "item"
    KIND = "kind"
    ORGANISATION = "organisation"
    GENERATION = "generation"


class Field(Struct, frozen=True, kw_only=True):
    """`attribute` is read from `root` (None: the root itself), then passed through `reader`."""

    name: str
    type: Type
    meaning: str = ""
    root: Root = Root.ITEM
    attribute: str | None = None
    reader: Callable[[Any], Any] | None = None
    only_kind: str | None = None


def _all_text(item: Item) -> str:
    return "\n".join(item.texts)


def _picture_count(item: Item) -> int:
    return len(item.pictures)


def _decimal(text: str) -> float | None:
    """Nearest double of a decimal: equal decimals stay equal, and order is kept."""
    try:
        return float(text)
    except ValueError:
        return None


def _quality(item: Any) -> int | None:
    quality: int | None = item.hashes.quality
    return quality


def _switched_on(row: str | None) -> bool:
    return row is not None


_SHARED = (
    Field(
        name="item.kind",
        type=Type(Base.TEXT, choices=tuple(ITEM_KINDS)),
        meaning="What the item is",
        root=Root.KIND,
    ),
    Field(name="item.source", type=TEXT, attribute="source", meaning="Where the item was taken in"),
    Field(
        name="item.account",
        type=Type(Base.TEXT, optional=True),
        attribute="account",
        meaning="Account key of whoever is responsible",
    ),
    Field(
        name="item.country",
        type=Type(Base.TEXT, optional=True),
        attribute="country",
        meaning="Country of the account, two capital letters",
    ),
    Field(
        name="item.text",
        type=TEXT,
        reader=_all_text,
        meaning="All free text of the item, in reading order, one line after another",
    ),
    Field(
        name="item.links",
        type=TEXTS,
        attribute="links",
        meaning="Links in fields of their own",
    ),
    Field(
        name="item.picture_count",
        type=WHOLE,
        reader=_picture_count,
        meaning="How many pictures the item carries",
    ),
    Field(
        name="organisation.kind",
        type=Type(Base.TEXT, choices=tuple(kind.value for kind in OrganisationKind)),
        root=Root.ORGANISATION,
        attribute="kind",
        meaning="What the organisation is",
    ),
    Field(
        name="organisation.country",
        type=TEXT,
        root=Root.ORGANISATION,
        attribute="country",
        meaning="Country of the organisation, two capital letters",
    ),
    Field(
        name="organisation.keeps_content",
        type=YES_NO,
        root=Root.ORGANISATION,
        attribute="keep_content",
        reader=_switched_on,
        meaning="Whether content may be kept",
    ),
    Field(
        name="organisation.scans_private",
        type=YES_NO,
        root=Root.ORGANISATION,
        attribute="scan_private",
        reader=_switched_on,
        meaning="Whether private messages are looked at",
    ),
    Field(
        name="bank.generation",
        type=Type(Base.WHOLE, optional=True),
        root=Root.GENERATION,
        meaning="Generation of the bank that the item was compared with",
    ),
)

_SPECIAL = {
    ("payment", "amount"): Field(
        name="payment.amount",
        type=Type(Base.NUMBER, optional=True),
        attribute="amount",
        reader=_decimal,
        only_kind="payment",
        meaning="Amount in `payment.currency`",
    ),
}
_EXTRA = (
    Field(
        name="media.quality",
        type=Type(Base.WHOLE, optional=True),
        reader=_quality,
        only_kind="media",
        meaning="PDQ quality of the picture, 0 to 100",
    ),
)
_MEANINGS = {
    "media.mime": "Media type, as in image/jpeg",
    "media.width": "Pixels",
    "media.height": "Pixels",
    "media.size": "Bytes",
    "media.url": "Where the picture was taken from",
    "message.surface": "Where the message was written",
    "message.conversation": "Conversation it belongs to",
    "message.recipient": "Account key of who receives it",
    "advert.place": "As written",
    "advert.price": "As written",
    "advert.phone": "As written",
    "payment.currency": "Code of 3 to 5 capital letters",
    "payment.counterparty": "Account key of the other side",
    "contact.action": "What one account does to another",
    "contact.other": "Account key of the other side",
    "chat_access.private": "Whether the room is private",
    "chat_access.proof": "Id of a proof of age on record",
}
_NOT_OFFERED = ("hashes", "frames", "picture_list")
"""Hashes are the bank's business: a rule asks for findings."""


def _of_kind(kind: str, struct: type[Item]) -> list[Field]:
    shared = set(Item.__struct_fields__)
    own = [f for f in msgspec.structs.fields(struct) if f.name not in shared]
    return [
        _SPECIAL.get((kind, field.name)) or _own_field(kind, field.name, field.type)
        for field in own
        if field.name not in _NOT_OFFERED
    ]


def _own_field(kind: str, name: str, annotation: Any) -> Field:
    return Field(
        name=f"{kind}.{name}",
        type=_type_of(annotation, f"{kind}.{name}"),
        meaning=_MEANINGS.get(f"{kind}.{name}", ""),
        attribute=name,
        only_kind=kind,
    )


def _type_of(annotation: Any, name: str) -> Type:
    """The type of a struct's field; always optional, for the items of other kinds."""
    info = msgspec.inspect.type_info(annotation)
    parts = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    plain = [part for part in parts if not isinstance(part, msgspec.inspect.NoneType)]
    match plain:
        case [msgspec.inspect.StrType()]:
            return Type(Base.TEXT, optional=True)
        case [msgspec.inspect.BoolType()]:
            return Type(Base.YES_NO, optional=True)
        case [msgspec.inspect.IntType()]:
            return Type(Base.WHOLE, optional=True)
        case [msgspec.inspect.FloatType()]:
            return Type(Base.NUMBER, optional=True)
        case [msgspec.inspect.EnumType(cls=choices)]:
            return Type(Base.TEXT, True, tuple(choice.value for choice in choices))
        case [msgspec.inspect.VarTupleType(item_type=msgspec.inspect.StrType())]:
            return Type(Base.TEXTS, optional=True)
    raise TypeError(f"{name}: the rule language has no type for {annotation}")


def _all_fields() -> dict[str, Field]:
    every = list(_SHARED)
    for kind, struct in ITEM_KINDS.items():
        every += _of_kind(kind, struct)
        every += [field for field in _EXTRA if field.only_kind == kind]
    return {field.name: field for field in every}


FIELDS: dict[str, Field] = _all_fields()
NAMESPACES: dict[str, tuple[str, ...]] = {}
"""What stands before the dot, and what may stand after it."""
for _space, _last in (_name.split(".") for _name in FIELDS):
    NAMESPACES[_space] = (*NAMESPACES.get(_space, ()), _last)
