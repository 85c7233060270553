"""Run as a program: hands one reader an endless line and tells what it cost.

    long_input.py items|csv|cell|list MEGABYTES

Prints JSON: seconds, growth of the largest memory in MB, and what was read. A process of its own,
because the largest memory of a process never shrinks again.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from lapwing.bank.importing import read_indicators
from lapwing.intake.readers import read_items
from lapwing.intake.records import ItemBuilder
from lapwing.model.refusals import Refusal

HASH = b"ab" * 16


class LongLine(io.RawIOBase):
    """`before`, then so many letters, then `behind`. Never holds more than it is asked for."""

    def __init__(self, before: bytes, letters: int, behind: bytes) -> None:
        self._parts: list[bytes] = [before]
        self._left = letters
        self._behind = behind

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        if self._parts:
            part = self._parts.pop()
            taken, rest = part[: len(view)], part[len(view) :]
            if rest:
                self._parts.append(rest)
        else:
            taken = b"x" * min(len(view), self._left)
            self._left -= len(taken)
            if not taken:
                taken, self._behind = self._behind[: len(view)], self._behind[len(view) :]
        view[: len(taken)] = taken
        return len(taken)


def builder() -> ItemBuilder:
    return ItemBuilder(
        UUID(int=1),
        "long",
        (1, bytes(32)),
        "long",
        clock=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        new_id=lambda: UUID(int=2),
    )


def items(letters: int) -> Iterable[Any]:
    good = b'{"id":"%d","text":"hello"}\n'
    stream = LongLine(good % 1 + b'{"id":"2","text":"', letters, b'"}\n' + good % 3)
    return read_items(stream, "message", builder())  # type: ignore[arg-type]


def csv(letters: int) -> Iterable[Any]:
    stream = LongLine(b"id,text\n1,hello\n2,", letters, b"\n3,hello\n")
    return read_items(stream, "message", builder())  # type: ignore[arg-type]


def cell(letters: int) -> Iterable[Any]:
    """A quoted cell that never closes."""
    stream = LongLine(b'id,text\n1,hello\n2,"', letters, b"\n3,hello\n")
    return read_items(stream, "message", builder())  # type: ignore[arg-type]


def listed(letters: int) -> Iterable[Any]:
    stream = LongLine(HASH + b"\n", letters, b"\n" + HASH + b"\n")
    return read_indicators(io.BufferedReader(stream), "text")


READERS: dict[str, Callable[[int], Iterable[Any]]] = {
    "items": items,
    "csv": csv,
    "cell": cell,
    "list": listed,
}


def largest() -> float:
    """Megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(name: str, megabytes: str) -> None:
    list(READERS[name](10))
    before, started = largest(), time.perf_counter()
    read = list(READERS[name](int(megabytes) << 20))
    refused = [
        {"line": one.line, "reason": one.reason, "code": one.code}
        for one in read
        if isinstance(one, Refusal)
    ]
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - started,
                "growth": largest() - before,
                "taken": len(read) - len(refused),
                "refused": refused,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
