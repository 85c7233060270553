"""Lines of a binary stream, bounded: an endless line is never held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

BOM = b"\xef\xbb\xbf"

_CHUNK = 64 * 1024


def bounded_lines(stream: BinaryIO, limit: int) -> Iterator[bytes | None]:
    """Each line with its line end; None for one of more than `limit` bytes, which is passed over.

    A UTF-8 byte order mark at the start is taken off.
    """
    line = stream.readline(limit + 1)
    if line.startswith(BOM):
        line = line[len(BOM) :]
    while line:
        if len(line) > limit and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = stream.readline(_CHUNK)
            yield None
        else:
            yield line
        line = stream.readline(limit + 1)


def foreign_encoding(start: bytes) -> str | None:
    """The name of an encoding other than UTF-8 that a byte order mark declares."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    return None


def printable(text: str, longest: int = 512) -> str:
    """Text that any output can carry: bytes that were not UTF-8 are escaped, the rest is cut."""
    start = text[: longest + 1].encode("utf-8", "surrogateescape")
    shown = start.decode("utf-8", "backslashreplace")
    return shown if len(shown) <= longest else f"{shown[:longest]}…"
