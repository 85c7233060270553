"""ICSE exports of INTERPOL: semicolon-separated, one picture a row, consecutive repeats merged.

Rows outside the international baseline are nationally illegal at most, so the flag goes on with the
hash. Must never read series names or counts into what is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from lapwing.intake.csv_rows import CsvRows
from lapwing.intake.hash_lists.hashes import EMPTY_FILE, flag_of, hash_bytes_of
from lapwing.intake.limits import MEBIBYTE
from lapwing.intake.lines import BOM, printable
from lapwing.model.errors import InvalidInput
from lapwing.model.hash_lists import ListedMedia
from lapwing.model.indicators import IndicatorKind
from lapwing.model.refusals import Refusal, refusal_of

COLUMNS = (
    "MD5",
    "SHA1",
    "PhotoDNA",
    "Image ID",
    "Is distributed",
    "Victim identified",
    "Offender identified",
    "Series name",
    "Number of submissions",
    "File Available",
    "Media Type",
    "Baseline",
)
_NEEDED = ("MD5", "SHA1", "Baseline")
_PHOTODNA = "PhotoDNA hashes left out"
_EMPTY = "hashes of the empty file left out"
_REPEATED = "rows that repeat the one before merged"


def looks_like_icse(start: bytes) -> bool:
    """Whether a file's first line is the header of such an export."""
    first = start.removeprefix(BOM).partition(b"\n")[0].decode("utf-8", "replace")
    cells = {cell.strip().strip('"').casefold() for cell in first.split(";")}
    return {name.casefold() for name in _NEEDED} <= cells


class IcseFile:
    """Rows and refusals in order; iterate once. Raises InvalidInput for another header."""

    def __init__(
        self, stream: BinaryIO, file: str | None = None, *, line_bytes: int = MEBIBYTE
    ) -> None:
        self.file = file
        self.marker, self.version, self.form = ";".join(COLUMNS), "", "ICSE"
        self.left_out: Counter[str] = Counter()
        """What was passed over without harm, in words, with its count."""
        self._rows = CsvRows(stream, line_bytes, frozenset(COLUMNS))
        self._at: dict[str, int] = {}

    def __iter__(self) -> Iterator[ListedMedia | Refusal]:
        before: ListedMedia | None = None
        for row in self._rows:
            if isinstance(row, InvalidInput):
                if not self._at:
                    raise row
                yield refusal_of(row, file=self.file)
                continue
            if not self._at:
                self._at = self._header(row.cells)
                continue
            try:
                read = self._row(row.line, row.cells)
            except InvalidInput as error:
                named = printable(self._cell(row.cells, "Image ID"), 100) or None
                yield refusal_of(error, file=self.file, line=row.line, source_id=named)
                continue
            if read is None:
                continue
            if before is not None and (read.hashes, read.baseline) == (
                before.hashes,
                before.baseline,
            ):
                self.left_out[_REPEATED] += 1
                continue
            before = read
            yield read

    def _header(self, cells: list[str]) -> dict[str, int]:
        known = {name.casefold(): name for name in COLUMNS}
        at: dict[str, int] = {}
        for number, cell in enumerate(cells):
            name = known.get(cell.strip().casefold())
            if name is None:
                told = printable(cell.strip(), 100)
                self.left_out[f"unknown column {told!r} left out"] += 1
            elif name in at:
                raise InvalidInput(f"column {name!r} stands there twice", line=1)
            else:
                at[name] = number
        missing = [name for name in _NEEDED if name not in at]
        if missing:
            raise InvalidInput(
                f"not an ICSE export: the header has no column {', '.join(missing)}", line=1
            )
        return at

    def _row(self, line: int, cells: list[str]) -> ListedMedia | None:
        """The row; None when all its hashes are those of the empty file. Raises InvalidInput."""
        hashes = []
        empty = False
        for kind, name in ((IndicatorKind.MD5, "MD5"), (IndicatorKind.SHA1, "SHA1")):
            value = hash_bytes_of(kind, self._cell(cells, name), name)
            if value is None:
                continue
            if value in EMPTY_FILE:
                self.left_out[_EMPTY] += 1
                empty = True
            else:
                hashes.append((kind, value))
        if self._cell(cells, "PhotoDNA"):
            self.left_out[_PHOTODNA] += 1
        if not hashes:
            if empty:
                return None
            raise InvalidInput("the row holds no hash", field="MD5")
        return ListedMedia(
            number=line,
            hashes=tuple(hashes),
            baseline=flag_of(self._cell(cells, "Baseline"), "Baseline"),
            media_id=printable(self._cell(cells, "Image ID"), 100) or None,
        )

    def _cell(self, cells: list[str], name: str) -> str:
        """Rows may have fewer cells than the header: what is not there is empty."""
        at = self._at.get(name)
        return cells[at].strip() if at is not None and at < len(cells) else ""
