"""One row of a VICS file: which of its cells are read, and what each may hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from lapwing.intake.hash_lists.hashes import EMPTY_FILE, date_of, flag_of, hash_bytes_of, number_of
from lapwing.intake.lines import printable
from lapwing.model.errors import InvalidInput
from lapwing.model.hash_lists import ListedMedia
from lapwing.model.indicators import IndicatorKind
from lapwing.model.refusals import Refusal, refusal_of

NAMES = frozenset(
    {
        "MediaID",
        "Category",
        "MD5",
        "SHA1",
        "PhotoDNA",
        "AlternativeHashes",
        "MediaSize",
        "MimeType",
        "DateUpdated",
        "VictimIdentified",
        "OffenderIdentified",
        "IsDistributed",
        "IsPrecategorized",
        "IsSuspected",
        "Series",
        "Tags",
        "Comments",
        "PrecategorizationSource",
        "RelativeFilePath",
        "Exifs",
        "MediaFiles",
        "odata.id",
        "odata.editLink",
        "MediaFiles@odata.navigationLinkUrl",
        "Media@odata.navigationLinkUrl",
        "Exifs@odata.navigationLinkUrl",
        "AlternativeHashes@odata.navigationLinkUrl",
    }
)
"""What a row may hold; other names are counted."""

_ALTERNATIVE = {
    "md5": IndicatorKind.MD5,
    "sha1": IndicatorKind.SHA1,
    "sha256": IndicatorKind.SHA256,
    "pdq": IndicatorKind.PDQ,
}
_LARGEST_ID = 2**63
_NOT_SUSPECTED = (None, "false", False)
_MD5, _SHA1 = IndicatorKind.MD5, IndicatorKind.SHA1
PHOTODNA = "PhotoDNA hashes left out"
_EMPTY = "hashes of the empty file left out"


class Media(msgspec.Struct):
    """What is read of a row; `Any`, so that one odd cell costs one row."""

    MD5: Any = None
    SHA1: Any = None
    PhotoDNA: Any = None
    AlternativeHashes: Any = None
    Category: Any = None
    IsSuspected: Any = None
    DateUpdated: Any = None
    MediaID: Any = None


MANY = msgspec.json.Decoder(list[Media])
ONE = msgspec.json.Decoder(Media)


def plain(row: Media, number: int) -> ListedMedia | None:
    """The row when all of it is as most rows are; else None, and `closely` has to look.

    Not needed for the answer: it makes a file of gigabytes half as long to read.
    """
    md5, sha1, category, media_id, dated = row.MD5, row.SHA1, row.Category, row.MediaID, None
    if type(md5) is not str or len(md5) != 32 or row.AlternativeHashes:
        return None
    if category is not None and (type(category) is not int or not -100 < category < 100):
        return None
    if row.IsSuspected not in _NOT_SUSPECTED or not (
        media_id is None or (type(media_id) is int and -_LARGEST_ID < media_id < _LARGEST_ID)
    ):
        return None
    try:
        first = bytes.fromhex(md5)
        if len(first) != 16 or first in EMPTY_FILE:
            return None
        hashes: tuple[tuple[IndicatorKind, bytes], ...] = ((_MD5, first),)
        if sha1 is not None:
            if type(sha1) is not str or len(sha1) != 40:
                return None
            second = bytes.fromhex(sha1)
            if len(second) != 20 or second in EMPTY_FILE:
                return None
            hashes = ((_MD5, first), (_SHA1, second))
        if row.DateUpdated is not None:
            dated = date_of(row.DateUpdated, "DateUpdated")
    except (ValueError, InvalidInput):
        return None
    named = None if media_id is None else str(media_id)
    return ListedMedia(number, hashes, category, None, False, dated, named)


def closely(
    row: Media, number: int, file: str | None, left_out: Counter[str]
) -> Iterator[ListedMedia | Refusal]:
    """The row, and a refusal for each cell of it that cannot be used."""
    named = _named(row.MediaID)
    hashes: list[tuple[IndicatorKind, bytes]] = []
    broken = empty = False
    for kind, cell, field in _cells(row, left_out):
        try:
            value = hash_bytes_of(kind, cell, field)
        except InvalidInput as error:
            broken = True
            yield refusal_of(error, file=file, line=number, source_id=named)
            continue
        if value is None:
            continue
        if value in EMPTY_FILE:
            left_out[_EMPTY] += 1
            empty = True
        else:
            hashes.append((kind, value))
    if not hashes:
        if not (broken or empty):
            nothing = InvalidInput("the row holds no hash", field="MD5")
            yield refusal_of(nothing, file=file, line=number, source_id=named)
        return
    try:
        category = number_of(row.Category, "Category")
        suspected = bool(flag_of(row.IsSuspected, "IsSuspected"))
        dated = date_of(row.DateUpdated, "DateUpdated")
    except InvalidInput as error:
        yield refusal_of(error, file=file, line=number, source_id=named)
        return
    yield ListedMedia(
        number=number,
        hashes=tuple(hashes),
        category=category,
        suspected=suspected,
        dated=dated,
        media_id=named,
    )


def _cells(row: Media, left_out: Counter[str]) -> Iterator[tuple[IndicatorKind, object, str]]:
    yield IndicatorKind.MD5, row.MD5, "MD5"
    yield IndicatorKind.SHA1, row.SHA1, "SHA1"
    if row.PhotoDNA:
        left_out[PHOTODNA] += 1
    if not isinstance(row.AlternativeHashes, list):
        return
    for other in row.AlternativeHashes:
        name = other.get("HashName") if isinstance(other, dict) else None
        if not isinstance(name, str):
            left_out["other hashes left out"] += 1
            continue
        kind = _ALTERNATIVE.get(name.strip().lower().replace("-", ""))
        if kind is not None:
            yield kind, other.get("HashValue"), f"AlternativeHashes.{kind}"
        elif name.strip().lower() == "photodna":
            left_out[PHOTODNA] += 1
        else:
            left_out["other hashes left out"] += 1


def _named(media_id: object) -> str | None:
    """The row's own id, for people; Python does not write out numbers of thousands of digits."""
    if isinstance(media_id, int) and abs(media_id) < _LARGEST_ID:
        return str(media_id)
    return printable(media_id, 100) or None if isinstance(media_id, str) else None
