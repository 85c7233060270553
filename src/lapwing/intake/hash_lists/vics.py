"""VICS 1.1 to 2.0 (Project VIC, CAID): JSON of any size, row by row.

Read from what open readers and writers of the format do; the schema itself is given under agreement
only. Must never conclude from the marker what a file lists: public files with the same marker
hold known harmless pictures. File names, paths, Exif and comments are not read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from lapwing.intake.hash_lists.json_stream import LONGEST, PIECE, Bunch, JsonStream, UnknownNames
from lapwing.intake.hash_lists.vics_rows import MANY, NAMES, ONE, PHOTODNA, closely, plain
from lapwing.intake.lines import printable
from lapwing.model.errors import InvalidInput, LimitExceeded
from lapwing.model.hash_lists import ListedMedia
from lapwing.model.refusals import Refusal

MARKERS = ("odata.metadata", "@odata.context")
"""The first name of a file: of 1.x and of 2.0."""
VERSIONS = ("1.1", "1.2", "1.3", "2.0")

_CONTEXT = re.compile(r"/DataModels/(\d+\.\d+)\.xml(?:/[^/$#]*/\$metadata)?#(Media|Cases)", re.I)
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
_MOST_NAMES = 300


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
        self._unknown = UnknownNames(NAMES)
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
                rows = MANY.decode(bunch.array)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                yield from self._one_by_one(bunch)
                continue
            for row in rows:
                self._number += 1
                listed = plain(row, self._number)
                if listed is None:
                    yield from closely(row, self._number, self.file, self.left_out)
                    continue
                if row.PhotoDNA:
                    self.left_out[PHOTODNA] += 1
                yield listed

    def _one_by_one(self, bunch: Bunch) -> Iterator[ListedMedia | Refusal]:
        for data in bunch.each():
            self._number += 1
            try:
                row = ONE.decode(data)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                reason = f"not a JSON object: {error}"
                yield Refusal(reason=reason[:500], file=self.file, line=self._number)
            else:
                yield from closely(row, self._number, self.file, self.left_out)
