"""The records that files and the API hand in, one struct a kind: what may be said, and its form.

Field names here are the documented ones (docs/input.md, `lapwing.intake.columns`). Raw account ids
appear here and nowhere after: `lapwing.intake.records` keys them at once.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from lapwing.model.items import ContactAction, Quality, Surface

Identity = Annotated[str, Meta(min_length=1, max_length=512)] | int
Key = Annotated[str, Meta(pattern=r"^[0-9]{1,9}:[0-9a-f]{32}\Z")]
Short = Annotated[str, Meta(max_length=1024)]
Name = Annotated[str, Meta(min_length=1, max_length=512)]
Link = Annotated[str, Meta(min_length=1, max_length=8192)]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
Hex32 = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{32}\Z")]
Hex40 = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{40}\Z")]
Hex64 = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{64}\Z")]
Seconds = Annotated[float, Meta(ge=0, le=1_000_000)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class PictureRecord(Struct, kw_only=True, forbid_unknown_fields=True):
    """Hashes of one picture; at least one of them."""

    pdq: Hex64 | None = None
    quality: Quality | None = None
    md5: Hex32 | None = None
    sha1: Hex40 | None = None
    sha256: Hex64 | None = None


class FrameRecord(Struct, kw_only=True, forbid_unknown_fields=True):
    """One vPDQ feature of a video, under vPDQ's names."""

    frame: Count
    quality: Quality
    hex: Hex64
    timestamp: Seconds


class Record(Struct, kw_only=True, forbid_unknown_fields=True):
    """What every kind may say. `id` is short for `source_id`."""

    kind: str | None = None
    id: Identity | None = None
    source_id: Identity | None = None
    at: str | None = None
    account: Identity | None = None
    account_key: Key | None = None
    country: Country | None = None


class MediaRecord(Record, kw_only=True):
    pdq: Hex64 | None = None
    quality: Quality | None = None
    md5: Hex32 | None = None
    sha1: Hex40 | None = None
    sha256: Hex64 | None = None
    frames: tuple[FrameRecord, ...] = ()
    url: Link | None = None
    mime: Name | None = None
    width: Count | None = None
    height: Count | None = None
    size: Count | None = None


class MessageRecord(Record, kw_only=True):
    text: str = ""
    surface: Surface = Surface.PUBLIC
    conversation: Identity | None = None
    recipient: Identity | None = None
    recipient_key: Key | None = None
    links: tuple[Link, ...] = ()
    pictures: tuple[PictureRecord, ...] = ()


class AdvertRecord(Record, kw_only=True):
    text: str = ""
    title: Short | None = None
    place: Short | None = None
    price: Short | None = None
    phone: Short | None = None
    url: Link | None = None
    links: tuple[Link, ...] = ()
    pictures: tuple[PictureRecord, ...] = ()


class PaymentRecord(Record, kw_only=True):
    amount: Decimal
    currency: Annotated[str, Meta(pattern=r"^[A-Z0-9]{3,5}\Z")]
    counterparty: Identity | None = None
    counterparty_key: Key | None = None
    memo: str | None = None
    method: Short | None = None
    links: tuple[Link, ...] = ()


class UrlRecord(Record, kw_only=True):
    url: Link


class ContactRecord(Record, kw_only=True):
    action: ContactAction
    other: Identity | None = None
    other_key: Key | None = None
    room: Identity | None = None


class ChatAccessRecord(Record, kw_only=True):
    room: Identity
    private: bool = True
    proof: Name | None = None


class TextRecord(Record, kw_only=True):
    """A profile or a tip."""

    text: str = ""
    links: tuple[Link, ...] = ()
    pictures: tuple[PictureRecord, ...] = ()


RECORDS: dict[str, type[Record]] = {
    "media": MediaRecord,
    "message": MessageRecord,
    "advert": AdvertRecord,
    "payment": PaymentRecord,
    "url": UrlRecord,
    "contact": ContactRecord,
    "chat_access": ChatAccessRecord,
    "profile": TextRecord,
    "tip": TextRecord,
}
