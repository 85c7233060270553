"""The documented columns of each kind, and how a file's own names are mapped to them.

`docs/input.md` shows these tables; a test keeps the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from lapwing.intake.wire import RECORDS
from lapwing.model.errors import InvalidInput

IGNORE = "ignore"
"""In a map: names of columns to leave out, with commas between them."""

PLURALS = {
    "adverts": "advert",
    "messages": "message",
    "payments": "payment",
    "urls": "url",
    "contacts": "contact",
    "profiles": "profile",
    "tips": "tip",
}


class Column(Struct, frozen=True):
    """`field` is the name in CSV headers, NDJSON and the API; `form` is what its values must be."""

    field: str
    meaning: str
    form: str
    needed: bool = False


_LINK = "up to 8,192 characters"
_ACCOUNT = "up to 512 characters or a whole number; stored only as a keyed hash"
_KEY = "`version:32 hex digits`"
_PICTURE = (
    Column("pdq", "PDQ hash of the picture", "64 hexadecimal digits"),
    Column("quality", "PDQ quality of the picture", "whole number 0 to 100"),
    Column("md5", "MD5 of the picture's bytes", "32 hexadecimal digits"),
    Column("sha1", "SHA-1 of the picture's bytes", "40 hexadecimal digits"),
    Column("sha256", "SHA-256 of the picture's bytes", "64 hexadecimal digits"),
)
_COMMON = (
    Column("id", "the item's id at its source; `source_id` means the same", "1 to 512 characters"),
    Column("at", "when it happened; now if left out", "RFC 3339 with an offset"),
    Column("account", "who is responsible for the item", _ACCOUNT),
    Column("account_key", "the same, already keyed", _KEY),
    Column("country", "the account's jurisdiction", "ISO 3166-1, two capital letters"),
)
_LINKS = Column("links", "addresses beside the text", "JSON array; in CSV also with spaces between")
_PICTURES = Column(
    "pictures",
    "hashes of attached pictures",
    "JSON array of objects with `pdq`, `quality`, `md5`, `sha1`, `sha256`",
)
_TEXT = Column("text", "what was written", "text; may be empty beside a link or picture", True)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "media": (
        *_COMMON,
        *_PICTURE,
        Column(
            "frames",
            "of a video, its vPDQ features",
            "JSON array of objects with `frame`, `quality`, `hex`, `timestamp`",
        ),
        Column("url", "where the picture was found", _LINK),
        Column("mime", "media type", "text"),
        Column("width", "pixels", "whole number"),
        Column("height", "pixels", "whole number"),
        Column("size", "bytes", "whole number"),
    ),
    "message": (
        *_COMMON,
        _TEXT,
        Column("surface", "`public` if left out", "`public` or `private`"),
        Column("conversation", "room or thread", "up to 512 characters or a whole number"),
        Column("recipient", "account it was sent to", _ACCOUNT),
        Column("recipient_key", "the same, already keyed", _KEY),
        _LINKS,
        _PICTURES,
    ),
    "advert": (
        *_COMMON,
        _TEXT,
        Column("title", "heading", "up to 1,024 characters"),
        Column("place", "place as written", "up to 1,024 characters"),
        Column("price", "price as written", "up to 1,024 characters"),
        Column("phone", "telephone number as written", "up to 1,024 characters"),
        Column("url", "address of the advert", _LINK),
        _LINKS,
        _PICTURES,
    ),
    "payment": (
        *_COMMON,
        Column("amount", "how much", "decimal number with a point, no separators", True),
        Column("currency", "in what", "3 to 5 capital letters or digits", True),
        Column("counterparty", "account on the other side", _ACCOUNT),
        Column("counterparty_key", "the same, already keyed", _KEY),
        Column("memo", "what was written with it", "text"),
        Column("method", "means of payment", "up to 1,024 characters"),
        _LINKS,
    ),
    "url": (*_COMMON, Column("url", "the address", _LINK, True)),
    "contact": (
        *_COMMON,
        Column("action", "what was done", "`request`, `block`, `report` or `join`", True),
        Column("other", "account it was done to", _ACCOUNT),
        Column("other_key", "the same, already keyed", _KEY),
        Column("room", "where", "up to 512 characters or a whole number"),
    ),
    "chat_access": (
        *_COMMON,
        Column("room", "the room to enter", "up to 512 characters or a whole number", True),
        Column("private", "`true` if left out", "`true` or `false`"),
        Column("proof", "id of a proof of age", "up to 512 characters"),
    ),
    "profile": (*_COMMON, _TEXT, _LINKS, _PICTURES),
    "tip": (*_COMMON, _TEXT, _LINKS, _PICTURES),
}


def kind_named(name: str) -> str:
    """`message` for `message` or `messages`; InvalidInput lists the kinds."""
    kind = PLURALS.get(name, name)
    if kind not in COLUMNS:
        raise InvalidInput(f"no kind {name!r}; there are {', '.join(COLUMNS)}", field="kind")
    return kind


def fields_of(kind: str) -> frozenset[str]:
    """Every field that a record of this kind may have."""
    return frozenset(RECORDS[kind].__struct_fields__)


def form_of(kind: str, field: str) -> str | None:
    """What the field's values must look like; `field` may be dotted."""
    last = field.rpartition(".")[2]
    columns = (*COLUMNS[kind], *_PICTURE) if field != last else COLUMNS[kind]
    return next((column.form for column in columns if column.field == last), None)


def renames(kind: str, columns: Mapping[str, str] | None) -> dict[str, str | None]:
    """A file's own name to our field (None: leave it out), from `{field: column}`.

    Raises InvalidInput for a field that the kind does not have, or a column given two meanings.
    """
    found: dict[str, str | None] = {}
    for field, column in (columns or {}).items():
        if field == IGNORE:
            ours: Iterable[tuple[str, str | None]] = (
                (name.strip(), None) for name in column.split(",") if name.strip()
            )
        elif field in fields_of(kind):
            ours = ((column, field),)
        else:
            known = ", ".join(column.field for column in COLUMNS[kind])
            raise InvalidInput(f"{kind} has no field {field!r}; it has {known}", field="map")
        for name, meant in ours:
            if name in found:
                raise InvalidInput(f"column {name!r} is mapped twice", field="map")
            found[name] = meant
    return found


def check_header(
    kind: str, header: list[str], renamed: Mapping[str, str | None]
) -> list[str | None]:
    """Our field for each column of a CSV header, None for those to leave out.

    Raises InvalidInput naming what is unknown, repeated, mapped but absent, or needed and missing.
    """
    absent = [name for name in renamed if name not in header]
    if absent:
        raise InvalidInput(f"the map names column {absent[0]!r}, which is not in the header")
    known = fields_of(kind)
    fields: list[str | None] = []
    for name in header:
        field = renamed.get(name, name)
        if field is not None and field not in known:
            raise InvalidInput(
                f"unknown column {name!r}; name it with --map FIELD={name} or leave it out with "
                f"--map {IGNORE}={name}; fields are {', '.join(c.field for c in COLUMNS[kind])}",
                field=name,
            )
        if field is not None and field in fields:
            raise InvalidInput(f"column {name!r} stands for {field!r} a second time", field=name)
        fields.append(field)
    for column in COLUMNS[kind]:
        if column.needed and column.field not in fields:
            raise InvalidInput(
                f"no column {column.field!r}; if yours has another name: --map {column.field}=NAME",
                field=column.field,
            )
    if "id" not in fields and "source_id" not in fields:
        raise InvalidInput(
            "no column 'id'; items need one so that sending them again changes nothing; "
            "if yours has another name: --map id=NAME",
            field="id",
        )
    return fields
