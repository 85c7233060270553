"""A JSON document walked from front to back in bounded memory, whatever its size.

Names and brackets are read here; the elements of the array that matters are handed on in bunches
of bytes. Must never hold more than one piece of the file and one element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, NoReturn

import msgspec
import numpy as np
from numpy.typing import NDArray

from lapwing.intake.hash_lists.scanning import (
    BROKEN,
    CLOSED,
    KEY_SLOTS,
    MORE,
    elements,
    name_hash,
    skipped,
)
from lapwing.intake.lines import BOM, foreign_encoding, printable
from lapwing.model.errors import InvalidInput

PIECE = 1 << 20
"""Bytes read at a time."""
LONGEST = 4 << 20
"""Bytes of one element."""
BUNCH = 1_000
"""Elements handed on at a time."""

_LONGEST_NAME = 64 * 1024
_SOLID = re.compile(rb"[^ \t\r\n]")


class Bunch(NamedTuple):
    """Elements as they stand in `data`; `array` is the same as one JSON array.

    Without spans it stands for one element that was longer than `LONGEST` and passed over.
    """

    data: bytes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def array(self) -> bytes:
        return b"[" + self.data[int(self.starts[0]) : int(self.ends[-1])] + b"]"

    def each(self) -> Iterator[bytes]:
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            yield self.data[start:end]


class JsonStream:
    """Every method raises InvalidInput, with the byte, where the document is broken or ends."""

    def __init__(self, stream: BinaryIO, *, piece: int = PIECE, longest: int = LONGEST) -> None:
        self._stream = stream
        self._piece = piece
        self._longest = longest
        self._before = 0
        """Bytes of the file in front of the buffer."""
        self._at = 0
        self._buffer = stream.read(piece)
        encoding = foreign_encoding(self._buffer)
        if encoding is not None:
            raise InvalidInput(f"the file is {encoding}; save it as UTF-8")
        if self._buffer.startswith(BOM):
            self._at = len(BOM)
        self._starts = np.empty(BUNCH, np.int64)
        self._ends = np.empty(BUNCH, np.int64)

    @property
    def position(self) -> int:
        """Bytes that were read, for progress."""
        return self._before + self._at

    def peek(self) -> bytes:
        """The next byte that is not space; empty at the end of the file."""
        while True:
            found = _SOLID.search(self._buffer, self._at)
            if found is not None:
                self._at = found.start()
                return found[0]
            self._at = len(self._buffer)
            if not self._more():
                return b""

    def take(self, expected: bytes) -> None:
        """Pass over this byte."""
        found = self.peek()
        if found != expected:
            self._break(f"{expected.decode()!r} should stand here")
        self._at += 1

    def string(self) -> str:
        """The string that begins here."""
        if self.peek() != b'"':
            self._break("text should stand here")
        end = self._at + 1
        while True:
            end = self._buffer.find(b'"', end)
            if end == -1:
                if len(self._buffer) - self._at > _LONGEST_NAME or not self._more():
                    self._break("a text does not end")
                end = self._at + 1
                continue
            escapes = end - 1
            while self._buffer[escapes] == 0x5C:
                escapes -= 1
            end += 1
            if (end - 1 - escapes) % 2 == 1:
                break
        try:
            text = msgspec.json.decode(self._buffer[self._at : end], type=str)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._break("a text cannot be read")
        self._at = end
        return text

    def names(self) -> Iterator[str]:
        """The names of the object that begins here; take or skip each value before the next."""
        self.take(b"{")
        if self.peek() == b"}":
            self._at += 1
            return
        while True:
            name = self.string()
            self.take(b":")
            yield name
            if self.peek() != b",":
                break
            self._at += 1
        self.take(b"}")

    def skip(self) -> None:
        """Pass over the value that begins here, however long it is."""
        if not self.peek():
            self._break("the file ends in the middle of it")
        depth, quoted, escaped, ended = 0, False, False, False
        while True:
            data = np.frombuffer(self._buffer, np.uint8)
            self._at, depth, quoted, escaped, ended = skipped(
                data, self._at, depth, quoted, escaped
            )
            if ended:
                return
            if not self._more():
                self._break("the file ends in the middle of it")

    def items(self) -> Iterator[None]:
        """The elements of the array that begins here; take or skip each before the next."""
        self.take(b"[")
        if self.peek() == b"]":
            self._at += 1
            return
        while True:
            yield
            if self.peek() != b",":
                break
            self._at += 1
        self.take(b"]")

    def bunches(self, names: UnknownNames) -> Iterator[Bunch]:
        """The elements of the array that begins here, in bunches, in order."""
        self.take(b"[")
        after = False
        while True:
            data = self._buffer
            found, self._at, after, ended = elements(
                np.frombuffer(data, np.uint8),
                self._at,
                after,
                self._starts,
                self._ends,
                names.known,
                names.counted,
            )
            names.remember(data)
            if found:
                yield Bunch(data, self._starts[:found].copy(), self._ends[:found].copy())
            if ended == CLOSED:
                return
            if ended == BROKEN:
                self._break("a comma or the end of the list should stand here")
            if ended == MORE:
                if len(self._buffer) - self._at > self._longest:
                    self.skip()
                    after = True
                    yield Bunch(b"", self._starts[:0], self._ends[:0])
                elif not self._more():
                    self._break("the file ends in the middle of it")

    def _more(self) -> bool:
        """Read on, keeping what begins at the cursor; False at the end of the file."""
        kept = self._buffer[self._at :]
        read = self._stream.read(max(self._piece, len(kept)))
        if not read:
            return False
        self._before += self._at
        self._buffer, self._at = kept + read, 0
        return True

    def _break(self, what: str) -> NoReturn:
        place = self._before + self._at + 1
        raise InvalidInput(f"not JSON at byte {place:,}: {what}")


class UnknownNames:
    """Names in the elements of an array that nobody expected, counted; at most 256 of them."""

    def __init__(self, expected: frozenset[str]) -> None:
        self.known = np.array(sorted(map(name_hash, expected)), np.uint64)
        self.counted = np.zeros((KEY_SLOTS, 4), np.uint64)
        self._names: dict[int, str] = {}

    def remember(self, data: bytes) -> None:
        """Note the spelling of names that were counted for the first time in these bytes."""
        rows = np.flatnonzero(self.counted[:, 1])
        if len(rows) == len(self._names):
            return
        for row in rows.tolist():
            if row not in self._names:
                start, length = int(self.counted[row, 2]), int(self.counted[row, 3])
                text = data[start : start + min(length, 200)].decode("utf-8", "replace")
                self._names[row] = printable(text, 100)

    def counts(self) -> dict[str, int]:
        """How often each stood there."""
        found: dict[str, int] = {}
        for row, name in self._names.items():
            found[name] = found.get(name, 0) + int(self.counted[row, 1])
        return dict(sorted(found.items()))
