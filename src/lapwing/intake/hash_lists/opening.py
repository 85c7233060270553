"""Which hash-list file it is, and its bytes counted on the way, so that the record can name it."""

from __future__ import annotations

import hashlib
import io
from enum import StrEnum
from typing import Any, BinaryIO

from lapwing.intake.hash_lists.icse import IcseFile, looks_like_icse
from lapwing.intake.hash_lists.vics import MARKERS, VicsFile
from lapwing.intake.lines import BOM

_BUFFER = 1 << 20
_PEEK = 8192


class HashListForm(StrEnum):
    VICS = "vics"
    ICSE = "icse"


class CountedBytes(io.RawIOBase):
    """A stream that knows the SHA-256 and the size of what was read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = self._stream.read(len(buffer))
        buffer[: len(read)] = read
        self._digest.update(read)
        self.size += len(read)
        return len(read)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class OpenedFile:
    """A file of bytes whose first ones can be looked at before it is read."""

    def __init__(self, stream: BinaryIO, name: str | None) -> None:
        self.name = name
        self.counted = CountedBytes(stream)
        self.buffered = io.BufferedReader(self.counted, _BUFFER)

    def form(self) -> HashListForm | None:
        """What the first bytes show; None for a list in a form of its own."""
        start = self.buffered.peek(_PEEK)[:_PEEK].removeprefix(BOM)
        text = start.lstrip()
        if text[:1] == b"{":
            name = text[1:].lstrip()
            if any(name.startswith(f'"{marker}"'.encode()) for marker in MARKERS):
                return HashListForm.VICS
        return HashListForm.ICSE if looks_like_icse(start) else None

    def read(self, form: HashListForm) -> VicsFile | IcseFile:
        """Its rows. Raises InvalidInput when it is something else."""
        if form is HashListForm.VICS:
            return VicsFile(self.buffered, self.name)
        return IcseFile(self.buffered, self.name)

    def described(self, read: VicsFile | IcseFile) -> dict[str, Any]:
        """For the ledger: which file it was, and how far it was read."""
        return {
            "marker": "".join(c if c.isprintable() else "?" for c in read.marker[:500]),
            "version": read.version,
            "form": read.form,
            "sha256": self.counted.sha256,
            "bytes": self.counted.size,
            "read_to_end": not self.buffered.read(1),
        }
