"""VICS 1.1 to 2.0 (Project VIC, CAID): JSON of any size, row by row.

Read from what open readers and writers of the format do; the schema itself is given under agreement
only. Must never conclude from the marker what a file lists: public files with the same marker
hold known harmless pictures. File names, paths, Exif and comments are not read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from lapwing.intake.hash_lists.hashes import EMPTY_FILE, date_of, flag_of, hash_bytes_of, number_of
from lapwing.intake.hash_lists.json_stream import LONGEST, PIECE, Bunch, JsonStream, UnknownNames
from lapwing.intake.lines import printable
from lapwing.model.errors import InvalidInput, LimitExceeded
from lapwing.model.hash_lists import ListedMedia
from lapwing.model.indicators import IndicatorKind
from lapwing.model.refusals import Refusal, refusal_of

MARKERS = ("odata.metadata", "@odata.context")
"""The first name of a file: of 1.x and of 2.0."""
VERSIONS = ("1.1", "1.2", "1.3", "2.0")

_CONTEXT = re.compile(r"/DataModels/(\d+\.\d+)\.xml(?:/[^/$#]*/\$metadata)?#(Media|Cases)", re.I)
_ROW = frozenset(
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
_CASE = frozenset(
    {
        "CaseID",
        "CaseNumber",
        "ContactOrganization",
        "ContactName",
        "ContactPhone",
        "ContactEmail",
        "SourceApplicationName",
        "CaseMetadata",
        "odata.id",
        "odata.editLink",
        "Media@odata.navigationLinkUrl",
    }
)
_ALTERNATIVE = {
    "md5": IndicatorKind.MD5,
    "sha1": IndicatorKind.SHA1,
    "sha256": IndicatorKind.SHA256,
    "pdq": IndicatorKind.PDQ,
}
_MOST_NAMES = 300
_NOT_SUSPECTED = (None, "false", False)
_MD5, _SHA1 = IndicatorKind.MD5, IndicatorKind.SHA1
_PHOTODNA = "PhotoDNA hashes left out"
_EMPTY = "hashes of the empty file left out"


class _Media(msgspec.Struct):
    """What is read of a row; `Any`, so that one odd cell costs one row."""

    MD5: Any = None
    SHA1: Any = None
    PhotoDNA: Any = None
    AlternativeHashes: Any = None
    Category: Any = None
    IsSuspected: Any = None
    DateUpdated: Any = None
    MediaID: Any = None


_MANY = msgspec.json.Decoder(list[_Media])
_ONE = msgspec.json.Decoder(_Media)


class VicsFile:
    """Rows and refusals in order; iterate once. Raises InvalidInput for what is not VICS.

    `marker`, `version` and `form` (Media or Cases) are there once the first row was asked for.
    """

    def __init__(
        self,
        stream: BinaryIO,
        file: str | None = None,
        *,
        piece: int = PIECE,
        longest: int = LONGEST,
    ) -> None:
        self.file = file
        self.marker = self.version = self.form = ""
        self.left_out: Counter[str] = Counter()
        """What was passed over without harm, in words, with its count."""
        self._json = JsonStream(stream, piece=piece, longest=longest)
        self._longest = longest
        self._unknown = UnknownNames(_ROW)
        self._number = 0

    def __iter__(self) -> Iterator[ListedMedia | Refusal]:
        names = self._json.names()
        self._read_marker(next(names, ""))
        try:
            yield from self._below(names)
        except InvalidInput as error:
            reason = f"{error.message}; what follows row {self._number} was not read"
            yield Refusal(reason=reason, file=self.file, line=self._number + 1)
        for name, count in self._unknown.counts().items():
            self.left_out[f"unknown name {name!r} left out"] += count

    def _read_marker(self, name: str) -> None:
        if name not in MARKERS:
            raise InvalidInput(
                f"not VICS: the first name must be {' or '.join(MARKERS)}, "
                f"not {printable(name, 100)!r}"
            )
        self.marker = self._json.string()
        found = _CONTEXT.search(self.marker)
        if found is None or found[1] not in VERSIONS:
            known = ", ".join(VERSIONS)
            raise InvalidInput(
                f"not a VICS file of a known version ({known}): {printable(self.marker, 200)!r}"
            )
        self.version, self.form = found[1], found[2].capitalize()

    def _below(self, names: Iterator[str]) -> Iterator[ListedMedia | Refusal]:
        listed = False
        for name in names:
            if name != "value" or listed:
                self._leave_out(name)
                self._json.skip()
                continue
            listed = True
            if self.form == "Media":
                yield from self._media()
            else:
                for _ in self._json.items():
                    yield from self._case()
        if not listed:
            raise InvalidInput("there is no list of rows (`value`) in it")
        if self._json.peek():
            raise InvalidInput("something stands after the end of the document")

    def _case(self) -> Iterator[ListedMedia | Refusal]:
        for name in self._json.names():
            if name == "Media" and self._json.peek() == b"[":
                yield from self._media()
                continue
            if name not in _CASE:
                self._leave_out(name)
            self._json.skip()

    def _leave_out(self, name: str) -> None:
        """Count a name; beyond a bound no more of them are told apart."""
        told = printable(name, 100) if len(self.left_out) < _MOST_NAMES else "…"
        self.left_out[f"unknown name {told!r} left out"] += 1

    def _media(self) -> Iterator[ListedMedia | Refusal]:
        for bunch in self._json.bunches(self._unknown):
            if not len(bunch):
                self._number += 1
                reason = f"the row is longer than {self._longest:,} bytes"
                yield Refusal(
                    reason=reason, file=self.file, line=self._number, code=LimitExceeded.code
                )
                continue
            try:
                rows = _MANY.decode(bunch.array)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                yield from self._one_by_one(bunch)
                continue
            for row in rows:
                self._number += 1
                plain = _plain(row, self._number)
                if plain is None:
                    yield from self._row(row)
                    continue
                if row.PhotoDNA:
                    self.left_out[_PHOTODNA] += 1
                yield plain

    def _one_by_one(self, bunch: Bunch) -> Iterator[ListedMedia | Refusal]:
        for data in bunch.each():
            self._number += 1
            try:
                row = _ONE.decode(data)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                reason = f"not a JSON object: {error}"
                yield Refusal(reason=reason[:500], file=self.file, line=self._number)
            else:
                yield from self._row(row)

    def _row(self, row: _Media) -> Iterator[ListedMedia | Refusal]:
        """The row, and a refusal for each cell of it that cannot be used."""
        number = self._number
        media_id = row.MediaID
        named = printable(str(media_id), 100) if isinstance(media_id, int | str) else None
        hashes: list[tuple[IndicatorKind, bytes]] = []
        broken = empty = False
        for kind, cell, field in self._cells(row):
            try:
                value = hash_bytes_of(kind, cell, field)
            except InvalidInput as error:
                broken = True
                yield refusal_of(error, file=self.file, line=number, source_id=named)
                continue
            if value is None:
                continue
            if value in EMPTY_FILE:
                self.left_out[_EMPTY] += 1
                empty = True
            else:
                hashes.append((kind, value))
        if not hashes:
            if not (broken or empty):
                nothing = InvalidInput("the row holds no hash", field="MD5")
                yield refusal_of(nothing, file=self.file, line=number, source_id=named)
            return
        try:
            category = number_of(row.Category, "Category")
            suspected = bool(flag_of(row.IsSuspected, "IsSuspected"))
            dated = date_of(row.DateUpdated, "DateUpdated")
        except InvalidInput as error:
            yield refusal_of(error, file=self.file, line=number, source_id=named)
            return
        yield ListedMedia(
            number=number,
            hashes=tuple(hashes),
            category=category,
            suspected=suspected,
            dated=dated,
            media_id=named,
        )

    def _cells(self, row: _Media) -> Iterator[tuple[IndicatorKind, object, str]]:
        yield IndicatorKind.MD5, row.MD5, "MD5"
        yield IndicatorKind.SHA1, row.SHA1, "SHA1"
        if row.PhotoDNA:
            self.left_out[_PHOTODNA] += 1
        if not isinstance(row.AlternativeHashes, list):
            return
        for other in row.AlternativeHashes:
            name = other.get("HashName") if isinstance(other, dict) else None
            if not isinstance(name, str):
                self.left_out["other hashes left out"] += 1
                continue
            kind = _ALTERNATIVE.get(name.strip().lower().replace("-", ""))
            if kind is not None:
                yield kind, other.get("HashValue"), f"AlternativeHashes.{kind}"
            elif name.strip().lower() == "photodna":
                self.left_out[_PHOTODNA] += 1
            else:
                self.left_out["other hashes left out"] += 1


def _plain(row: _Media, number: int) -> ListedMedia | None:
    """The row when all of it is as most rows are; else None, and `_row` looks closely.

    Not needed for the answer: it makes a file of gigabytes half as long to read.
    """
    md5, sha1, category, media_id, dated = row.MD5, row.SHA1, row.Category, row.MediaID, None
    if type(md5) is not str or len(md5) != 32 or row.AlternativeHashes:
        return None
    if category is not None and (type(category) is not int or not -100 < category < 100):
        return None
    if row.IsSuspected not in _NOT_SUSPECTED or not (media_id is None or type(media_id) is int):
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
