"""Arrays in one file that many processes map and share: written once, never changed.

Layout: magic (8 bytes), format version and header length (uint32, little-endian), the header as
JSON, its BLAKE2b-256; then the arrays, each from a multiple of 4096 bytes. The header names every
array with type, shape, place and `checksum`, and the size of the whole file. It must never be
unpickled, written in place, or readable by another user.
"""

from __future__ import annotations

import hashlib
import os
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Self

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lapwing.bank.index.checksum import checksum
from lapwing.model.errors import IntegrityBroken, InvalidInput

MAGIC = b"LAPWING\x1a"
VERSION = 1
PAGE = 4096
_MAX_HEADER = 1 << 20
_START = struct.Struct("<8sII")
_DIGEST_BYTES = 32

Array = NDArray[Any]


class Section(Struct, frozen=True):
    """One array: `dtype` as numpy writes it (`<u8`), `offset` from the start of the file."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    checksum: str

    @property
    def size(self) -> int:
        """Bytes. Counted in whole numbers of Python, as a hostile header may overflow others."""
        size = np.dtype(self.dtype).itemsize
        for length in self.shape:
            size *= length
        return size


class Header(Struct, frozen=True):
    """`kind` says what the arrays are, `about` is that kind's own."""

    kind: str
    size: int
    about: dict[str, Any]
    sections: dict[str, Section]


class MappedFile:
    """An open file of arrays. The arrays are read-only and live as long as anything holds them."""

    def __init__(self, path: Path, header: Header, arrays: dict[str, Array], body: Array) -> None:
        self.path = path
        self.about = header.about
        self.arrays = arrays
        self._header = header
        self._body = body

    @classmethod
    def open(cls, path: Path, kind: str) -> Self:
        """Map the file; reads the header only, so that size does not matter.

        Raises IntegrityBroken when it is truncated or its header damaged, InvalidInput when it is
        not such a file, OSError when it cannot be read.
        """
        with path.open("rb") as file:
            header = _header(file, path)
            if header.kind != kind:
                raise InvalidInput(f"{path.name} holds {header.kind}, not {kind}", field="path")
            size = os.fstat(file.fileno()).st_size
            if size != header.size:
                raise IntegrityBroken(
                    f"{path.name} is {size} bytes long and should be {header.size}: "
                    f"{'truncated' if size < header.size else 'something was appended'}"
                )
            body = np.memmap(file, np.uint8, "r")
        arrays = {
            name: _array(body, name, section, path) for name, section in header.sections.items()
        }
        return cls(path, header, arrays, body)

    def verify(self) -> None:
        """Read everything and compare the checksums; IntegrityBroken names the first bad array."""
        for name, section in self._header.sections.items():
            data = self._body[section.offset : section.offset + section.size]
            if checksum(data) != section.checksum:
                raise IntegrityBroken(f"{self.path.name}: the array {name!r} is damaged")


def write(path: Path, kind: str, about: dict[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write arrays and `about` (plain JSON values) under `path`, all or nothing, owner-only.

    The file appears under its name only when all of it is on the disk. Raises OSError.
    """
    if sys.byteorder != "little":
        raise InvalidInput("index files are little-endian, this machine is not")
    flat = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    checksums = {name: checksum(_bytes(array)) for name, array in flat.items()}
    start = PAGE * 4
    while True:
        head, places = _laid_out(kind, about, flat, checksums, start)
        if len(head) <= start:
            break
        start = _rounded(len(head))
    with _replacing(path) as file:
        file.write(head)
        for name, array in flat.items():
            file.seek(places[name].offset)
            file.write(_bytes(array).data)
        file.truncate(max([start, *(place.offset + place.size for place in places.values())]))


def _laid_out(
    kind: str,
    about: dict[str, Any],
    arrays: Mapping[str, Array],
    checksums: Mapping[str, str],
    start: int,
) -> tuple[bytes, dict[str, Section]]:
    """(head, sections) with the first array at `start`."""
    sections = {}
    end = offset = start
    for name, array in arrays.items():
        place = Section(array.dtype.str, array.shape, offset, checksums[name])
        sections[name] = place
        end = offset + place.size
        offset = _rounded(end)
    header = msgspec.json.encode(Header(kind, end, about, sections))
    head = _START.pack(MAGIC, VERSION, len(header)) + header
    return head + hashlib.blake2b(head, digest_size=_DIGEST_BYTES).digest(), sections


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file for writing that takes the place of `path` when all went well, else nothing."""
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _header(file: BinaryIO, path: Path) -> Header:
    start = file.read(_START.size)
    if len(start) < _START.size:
        raise IntegrityBroken(f"{path.name} is truncated: it has no header")
    magic, version, length = _START.unpack(start)
    if magic != MAGIC:
        raise InvalidInput(f"{path.name} is not an index file of Lapwing", field="path")
    if version != VERSION:
        raise InvalidInput(f"{path.name} has format {version}, this reads {VERSION}", field="path")
    if length > _MAX_HEADER:
        raise IntegrityBroken(f"{path.name}: the header is damaged (its length)")
    rest = file.read(length + _DIGEST_BYTES)
    if len(rest) < length + _DIGEST_BYTES:
        raise IntegrityBroken(f"{path.name} is truncated within its header")
    header, digest = rest[:length], rest[length:]
    if hashlib.blake2b(start + header, digest_size=_DIGEST_BYTES).digest() != digest:
        raise IntegrityBroken(f"{path.name}: the header is damaged (its checksum)")
    try:
        return msgspec.json.decode(header, type=Header)
    except msgspec.MsgspecError as error:
        raise IntegrityBroken(f"{path.name}: the header is damaged ({error})") from error


def _array(body: Array, name: str, section: Section, path: Path) -> Array:
    """The array in its place; it must lie inside of the file."""
    try:
        dtype, size = np.dtype(section.dtype), section.size
    except TypeError as error:
        raise IntegrityBroken(f"{path.name}: the array {name!r} has no known type") from error
    outside = section.offset + size > len(body)
    if dtype.hasobject or min((0, section.offset, *section.shape)) < 0 or outside:
        raise IntegrityBroken(f"{path.name}: the array {name!r} does not lie inside of the file")
    return np.ndarray(section.shape, dtype, body, section.offset)


def _bytes(array: Array) -> NDArray[np.uint8]:
    return array.reshape(-1).view(np.uint8)


def _rounded(size: int) -> int:
    return -(-size // PAGE) * PAGE
