"""Struct types made ready before threads share them.

msgspec works out how to read a type when it is first read into, and puts it on the class before it
is complete, for types that contain themselves. A second thread that reads the same type at that
moment finds it half done, and the process dies. So a process makes all types ready while it still
has one thread to do it in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import msgspec


def prepare_structs() -> int:
    """Make every struct of Lapwing's that is imported by now ready; how many there are."""
    found = list(dict.fromkeys(_structs(msgspec.Struct)))
    for struct in found:
        # What msgspec cannot read, or whose names stand for type checkers only, is never read into.
        with suppress(TypeError, NameError):
            msgspec.json.Decoder(struct)
    return len(found)


def _structs(parent: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for struct in parent.__subclasses__():
        if struct.__module__.partition(".")[0] == "lapwing":
            yield struct
        yield from _structs(struct)
