"""Items: the things Lapwing looks at. Frozen, typed, each with its own time and organisation.

An item never carries names, e-mail or IP addresses of a person: accounts are keyed
(`lapwing.model.accounts`), and what a report may need later travels beside the item as a sealed
identity envelope (see `lapwing.screening`).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from lapwing.model.videos import Frame

Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]*$")]
PdqHex = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Md5Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
Sha1Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]{40}$")]
Sha256Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Quality = Annotated[int, Meta(ge=0, le=100)]
SourceId = Annotated[str, Meta(min_length=1, max_length=512)]


class Surface(StrEnum):
    """Where a message was written. Private surfaces need a recorded legal basis (law/)."""

    PUBLIC = "public"
    PRIVATE = "private"


class ContactAction(StrEnum):
    REQUEST = "request"
    BLOCK = "block"
    REPORT = "report"
    JOIN = "join"


class PictureHashes(Struct, frozen=True, kw_only=True):
    """What is known of one picture's bytes. PDQ is 256 bits as hex with its 0-100 quality."""

    pdq: PdqHex | None = None
    quality: Quality | None = None
    md5: Md5Hex | None = None
    sha1: Sha1Hex | None = None
    sha256: Sha256Hex | None = None

    @property
    def empty(self) -> bool:
        return not (self.pdq or self.md5 or self.sha1 or self.sha256)


class Item(Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """What all items share. (organisation, source, source_id) is unique for ever."""

    id: UUID
    organisation: UUID
    source: Annotated[str, Meta(min_length=1, max_length=128)]
    source_id: SourceId
    at: datetime
    account: str | None = None
    """Account key of whoever is responsible for the item, see `lapwing.model.accounts`."""
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] | None = None
    """ISO 3166-1 alpha-2 of the account's jurisdiction, where the caller knows it."""

    @property
    def links(self) -> tuple[str, ...]:
        """Links in fields of the item's own (links inside text are found by detectors)."""
        return ()

    @property
    def pictures(self) -> tuple[PictureHashes, ...]:
        return ()

    @property
    def texts(self) -> tuple[str, ...]:
        """Free text, in reading order."""
        return ()

    @property
    def film(self) -> tuple[Frame, ...]:
        """Sampled frames of a video or an animation."""
        return ()


class Media(Item, frozen=True, kw_only=True, tag="media"):
    """A picture or a video, reduced to its hashes by intake."""

    hashes: PictureHashes
    """Of the file; PDQ only for a picture."""
    frames: tuple[Frame, ...] = ()
    """Of a video, or of a picture that moves or has several pages."""
    mime: str | None = None
    width: int | None = None
    height: int | None = None
    size: int | None = None
    """Bytes."""
    url: str | None = None

    @property
    def links(self) -> tuple[str, ...]:
        return (self.url,) if self.url else ()

    @property
    def pictures(self) -> tuple[PictureHashes, ...]:
        return (self.hashes,)

    @property
    def film(self) -> tuple[Frame, ...]:
        return self.frames


class Message(Item, frozen=True, kw_only=True, tag="message"):
    text: str
    surface: Surface = Surface.PUBLIC
    conversation: str | None = None
    recipient: str | None = None
    url_list: tuple[str, ...] = ()
    picture_list: tuple[PictureHashes, ...] = ()

    @property
    def links(self) -> tuple[str, ...]:
        return self.url_list

    @property
    def pictures(self) -> tuple[PictureHashes, ...]:
        return self.picture_list

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.text,)


class Advert(Item, frozen=True, kw_only=True, tag="advert"):
    text: str
    title: str | None = None
    place: str | None = None
    price: str | None = None
    phone: str | None = None
    url: str | None = None
    url_list: tuple[str, ...] = ()
    picture_list: tuple[PictureHashes, ...] = ()

    @property
    def links(self) -> tuple[str, ...]:
        return ((self.url,) if self.url else ()) + self.url_list

    @property
    def pictures(self) -> tuple[PictureHashes, ...]:
        return self.picture_list

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.title, self.text) if self.title else (self.text,)


class Payment(Item, frozen=True, kw_only=True, tag="payment"):
    amount: Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
    """Decimal as text: money is never a float."""
    currency: Annotated[str, Meta(pattern=r"^[A-Z0-9]{3,5}$")]
    counterparty: str | None = None
    """Account key of the other side."""
    memo: str | None = None
    method: str | None = None
    url_list: tuple[str, ...] = ()

    @property
    def links(self) -> tuple[str, ...]:
        return self.url_list

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.memo,) if self.memo else ()


class Url(Item, frozen=True, kw_only=True, tag="url"):
    url: Annotated[str, Meta(min_length=1, max_length=8192)]

    @property
    def links(self) -> tuple[str, ...]:
        return (self.url,)


class Contact(Item, frozen=True, kw_only=True, tag="contact"):
    """One account asks, blocks, reports or joins another."""

    action: ContactAction
    other: str
    room: str | None = None


class ChatAccess(Item, frozen=True, kw_only=True, tag="chat_access"):
    """An account asks to enter a chat room."""

    room: str
    private: bool = True
    proof: str | None = None
    """Id of a proof of age on record, where the account has one."""


class Profile(Item, frozen=True, kw_only=True, tag="profile"):
    text: str = ""
    url_list: tuple[str, ...] = ()
    picture_list: tuple[PictureHashes, ...] = ()

    @property
    def links(self) -> tuple[str, ...]:
        return self.url_list

    @property
    def pictures(self) -> tuple[PictureHashes, ...]:
        return self.picture_list

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.text,) if self.text else ()


class Tip(Item, frozen=True, kw_only=True, tag="tip"):
    text: str
    url_list: tuple[str, ...] = ()
    picture_list: tuple[PictureHashes, ...] = ()

    @property
    def links(self) -> tuple[str, ...]:
        return self.url_list

    @property
    def pictures(self) -> tuple[PictureHashes, ...]:
        return self.picture_list

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.text,)


AnyItem = Media | Message | Advert | Payment | Url | Contact | ChatAccess | Profile | Tip

ITEM_KINDS: dict[str, type[Item]] = {
    "media": Media,
    "message": Message,
    "advert": Advert,
    "payment": Payment,
    "url": Url,
    "contact": Contact,
    "chat_access": ChatAccess,
    "profile": Profile,
    "tip": Tip,
}


def kind_of(item: Item) -> str:
    """The item's kind as written in JSON and in the database."""
    return str(type(item).__struct_config__.tag)
