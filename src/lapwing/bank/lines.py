"""Lines of a stream, bounded: a broken or endless line is refused and the next one is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from lapwing.model.errors import InvalidInput, LimitExceeded
from lapwing.model.refusals import Refusal

LINE_BYTES = 65_536
"""Bytes a line."""

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def lines_of(
    stream: IO[bytes], *, file: str | None = None, line_bytes: int = LINE_BYTES
) -> Iterator[tuple[int, str | Refusal]]:
    """(line number from 1, text without its end) or the line's refusal.

    Raises InvalidInput for a file in UTF-16, where no line could be read.
    """
    number = 0
    while raw := stream.readline(line_bytes + 1):
        number += 1
        if number == 1:
            if raw.startswith(_UTF16_MARKS):
                raise InvalidInput("the file is in UTF-16; save it as UTF-8")
            raw = raw.removeprefix(_UTF8_MARK)
        if len(raw) > line_bytes and not raw.endswith(b"\n"):
            _skip_rest(stream, line_bytes)
            yield (
                number,
                Refusal(
                    reason=f"the line is longer than {line_bytes} bytes",
                    file=file,
                    line=number,
                    code=LimitExceeded.code,
                ),
            )
            continue
        try:
            yield number, raw.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            place = error.start + 1
            yield number, Refusal(reason=f"byte {place} is not UTF-8", file=file, line=number)


def _skip_rest(stream: IO[bytes], line_bytes: int) -> None:
    while (part := stream.readline(line_bytes)) and not part.endswith(b"\n"):
        pass
