"""Records to items: validated, accounts keyed at once, times in UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from lapwing.intake.checks import check_depth, check_text, refuse
from lapwing.intake.columns import kind_named
from lapwing.intake.limits import DEFAULT_LIMITS, Limits
from lapwing.intake.media.hashing import HashedPicture
from lapwing.intake.media.video import HashedVideo
from lapwing.intake.wire import (
    RECORDS,
    AdvertRecord,
    ChatAccessRecord,
    ContactRecord,
    MediaRecord,
    MessageRecord,
    PaymentRecord,
    PictureRecord,
    Record,
    TextRecord,
    UrlRecord,
)
from lapwing.model.accounts import account_key
from lapwing.model.errors import InvalidInput, LimitExceeded
from lapwing.model.items import (
    Advert,
    AnyItem,
    ChatAccess,
    Contact,
    Media,
    Message,
    Payment,
    PictureHashes,
    Profile,
    Tip,
    Url,
)
from lapwing.model.videos import Frame

_AWARE = Annotated[datetime, Meta(tz=True)]
_LARGEST_POWER = 30


class ItemBuilder:
    """Makes items of one organisation and source. Holds the account secret, keeps no raw id."""

    def __init__(
        self,
        organisation: UUID,
        source: str,
        account_secret: tuple[int, bytes],
        platform: str,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], UUID],
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        if not 1 <= len(source) <= 128 or "\x00" in source:
            raise InvalidInput("a source has 1 to 128 characters", field="source")
        self.organisation = organisation
        self.source = source
        self.limits = limits
        self._version, self._secret = account_secret
        self._platform = platform
        self._clock = clock
        self._new_id = new_id
        self._decoders = {
            kind: msgspec.json.Decoder(record, strict=False) for kind, record in RECORDS.items()
        }

    def build(self, kind: str, record: Mapping[str, Any]) -> AnyItem:
        """The item of a record with the fields of docs/input.md.

        Raises InvalidInput, with `field`, for an unknown, missing or unusable one, and
        LimitExceeded for one that is too long.
        """
        kind = kind_named(kind)
        check_text(record, self.limits.json_depth)
        try:
            read = msgspec.convert(record, RECORDS[kind], strict=False)
        except msgspec.ValidationError as error:
            refuse(kind, error)
        return self._item(kind, read)

    def build_json(self, kind: str, line: bytes) -> AnyItem:
        """The item of one JSON object; raises as `build` does, and for what is not JSON."""
        kind = kind_named(kind)
        check_depth(line, self.limits.json_depth)
        try:
            read = self._decoders[kind].decode(line)
        except msgspec.ValidationError as error:
            refuse(kind, error)
        except UnicodeDecodeError as error:
            raise InvalidInput("not UTF-8 text") from error
        except msgspec.DecodeError as error:
            raise InvalidInput(f"not JSON: {error}") from error
        if b"\\u0000" in line:
            check_text(msgspec.structs.asdict(read), self.limits.json_depth)
        return self._item(kind, read)

    def picture(self, source_id: str, hashed: HashedPicture | HashedVideo) -> Media:
        """The item of a picture or a video whose bytes are at hand."""
        return Media(
            id=self._new_id(),
            organisation=self.organisation,
            source=self.source,
            source_id=source_id,
            at=self._clock(),
            hashes=hashed.hashes,
            frames=hashed.frames,
            mime=hashed.mime,
            width=hashed.width,
            height=hashed.height,
            size=hashed.size,
        )

    def _item(self, kind: str, record: Record) -> AnyItem:
        if record.kind is not None and record.kind != kind:
            raise InvalidInput(f"says {record.kind!r} where {kind} is expected", field="kind")
        source_id = record.source_id if record.source_id is not None else record.id
        if source_id is None:
            raise InvalidInput("an item needs an id", field="id")
        if record.id is not None and record.source_id not in (None, record.id):
            raise InvalidInput("id and source_id differ; one is enough", field="source_id")
        common: dict[str, Any] = {
            "id": self._new_id(),
            "organisation": self.organisation,
            "source": self.source,
            "source_id": str(source_id),
            "at": self._clock() if record.at is None else _aware(record.at),
            "account": self._keyed("account", record.account, record.account_key),
            "country": record.country,
        }
        match record:
            case MessageRecord():
                self._check_sizes(record.text, record.links, record.pictures)
                return Message(
                    **common,
                    text=record.text,
                    surface=record.surface,
                    conversation=_name(record.conversation),
                    recipient=self._keyed("recipient", record.recipient, record.recipient_key),
                    url_list=record.links,
                    picture_list=_pictures(record.pictures),
                )
            case AdvertRecord():
                links = (record.url, *record.links) if record.url else record.links
                self._check_sizes(record.text or record.title or "", links, record.pictures)
                return Advert(
                    **common,
                    text=record.text,
                    title=record.title,
                    place=record.place,
                    price=record.price,
                    phone=record.phone,
                    url=record.url,
                    url_list=record.links,
                    picture_list=_pictures(record.pictures),
                )
            case PaymentRecord():
                self._check_sizes(record.memo or "", record.links, None, text_field="memo")
                other = self._keyed("counterparty", record.counterparty, record.counterparty_key)
                return Payment(
                    **common,
                    amount=_amount(record.amount),
                    currency=record.currency,
                    counterparty=other,
                    memo=record.memo,
                    method=record.method,
                    url_list=record.links,
                )
            case MediaRecord():
                if len(record.frames) > self.limits.video_frames:
                    most = self.limits.video_frames
                    raise LimitExceeded(
                        f"{len(record.frames):,}, more than {most:,}", field="frames"
                    )
                other_content = record.url is not None or bool(record.frames)
                return Media(
                    **common,
                    hashes=_hashes(record, empty_allowed=other_content),
                    frames=tuple(
                        Frame(one.frame, one.quality, one.hex.lower(), one.timestamp)
                        for one in record.frames
                    ),
                    url=record.url,
                    mime=record.mime,
                    width=record.width,
                    height=record.height,
                    size=record.size,
                )
            case UrlRecord():
                return Url(**common, url=record.url)
            case ContactRecord():
                to = self._keyed("other", record.other, record.other_key)
                if to is None:
                    raise InvalidInput("missing", field="other")
                return Contact(**common, action=record.action, other=to, room=_name(record.room))
            case ChatAccessRecord():
                return ChatAccess(
                    **common,
                    room=str(record.room),
                    private=record.private,
                    proof=record.proof,
                )
            case TextRecord():
                self._check_sizes(record.text, record.links, record.pictures)
                made = Profile if kind == "profile" else Tip
                return made(
                    **common,
                    text=record.text,
                    url_list=record.links,
                    picture_list=_pictures(record.pictures),
                )
        raise AssertionError(kind)

    def _keyed(self, field: str, raw: str | int | None, key: str | None) -> str | None:
        if raw is None:
            return key
        if key is not None:
            raise InvalidInput(f"give {field} or {field}_key, not both", field=f"{field}_key")
        return account_key(self._secret, self._version, self._platform, str(raw))

    def _check_sizes(
        self,
        text: str,
        links: tuple[str, ...],
        pictures: tuple[PictureRecord, ...] | None,
        *,
        text_field: str = "text",
    ) -> None:
        limits = self.limits
        if len(text) > limits.text_characters:
            raise LimitExceeded(
                f"{len(text):,} characters, more than {limits.text_characters:,}", field=text_field
            )
        if len(links) > limits.links:
            raise LimitExceeded(f"{len(links):,}, more than {limits.links:,}", field="links")
        if pictures is None:
            return
        if len(pictures) > limits.pictures:
            raise LimitExceeded(
                f"{len(pictures):,}, more than {limits.pictures:,}", field="pictures"
            )
        if not (text or links or pictures):
            raise InvalidInput("empty, and there is no link or picture either", field=text_field)


def _aware(text: str) -> datetime:
    """An RFC 3339 time with its offset, in UTC."""
    try:
        return msgspec.convert(text, _AWARE).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise InvalidInput(
            "cannot be used: wants RFC 3339 with an offset, like 2026-01-31T18:00:00Z", field="at"
        ) from None


def _amount(value: Decimal) -> str:
    power = value.adjusted() if value.is_finite() else _LARGEST_POWER + 1
    exponent = value.as_tuple().exponent
    if power > _LARGEST_POWER or not isinstance(exponent, int) or exponent < -_LARGEST_POWER:
        raise InvalidInput("is not a usable decimal number", field="amount")
    return format(value, "f")


def _name(value: str | int | None) -> str | None:
    return None if value is None else str(value)


def _hashes(
    record: MediaRecord | PictureRecord, inside: str = "", *, empty_allowed: bool = False
) -> PictureHashes:
    if record.quality is not None and record.pdq is None:
        reason = "there is no pdq that it could be the quality of"
        raise InvalidInput(reason, field=f"{inside}quality")
    hashes = PictureHashes(
        pdq=_lower(record.pdq),
        quality=record.quality,
        md5=_lower(record.md5),
        sha1=_lower(record.sha1),
        sha256=_lower(record.sha256),
    )
    if hashes.empty and not empty_allowed:
        raise InvalidInput("needs one of pdq, md5, sha1, sha256", field=f"{inside}pdq")
    return hashes


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _pictures(records: tuple[PictureRecord, ...]) -> tuple[PictureHashes, ...]:
    return tuple(_hashes(record, "pictures.") for record in records) if records else ()
