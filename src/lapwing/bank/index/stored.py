"""A snapshot as one mapped file: written once, shared by all processes of the node.

It holds every column, key and index of every kind, once. The lists themselves are not in it, only
their numbers: what a list asks for is read from the database. It is a cache, so whatever is wrong
with a file, it is refused; it must never be repaired or half believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from lapwing.bank.index import mapped
from lapwing.bank.index.columns import Columns
from lapwing.bank.index.layers import Arrays, Layer
from lapwing.bank.index.shelf import Shelf
from lapwing.bank.index.snapshot import Snapshot
from lapwing.model.errors import IntegrityBroken
from lapwing.model.indicators import BankList, IndicatorKind

KIND = "bank"
"""What a file of it says it holds."""
FORM = 1
"""Raised with every change of what the arrays mean."""


class Stored(NamedTuple):
    """What a file holds. `mark` and `generation` say which moment of which database it is of."""

    generation: int
    mark: UUID
    lists: tuple[UUID, ...]
    """By number."""
    words: tuple[str, ...]
    shelves: Mapping[IndicatorKind, Shelf]
    marks: Mapping[int, int]

    def snapshot(self, lists: Mapping[UUID, BankList]) -> Snapshot:
        """The snapshot, with its lists as they are now. Raises KeyError when one is not there."""
        numbered = tuple(lists[identity] for identity in self.lists)
        return Snapshot(self.generation, numbered, self.words, self.shelves, self.marks)


def write(path: Path, snapshot: Snapshot, mark: UUID, schema: str) -> None:
    """Write the snapshot, all or nothing, owner-only; layers are merged on the way.

    `schema` is the revision of the database's tables. Raises OSError.
    """
    arrays: Arrays = {
        "lists": _written([str(listed.id) for listed in snapshot.lists]),
        "words": _written(list(snapshot.words)),
        "marks.indicator": np.fromiter(snapshot.marks.keys(), np.int64, len(snapshot.marks)),
        "marks.mark": np.fromiter(snapshot.marks.values(), np.int64, len(snapshot.marks)),
    }
    kinds: dict[str, Any] = {}
    for kind, shelf in snapshot.shelves.items():
        layer = shelf.merged()
        if layer is not None:
            kinds[kind.value] = layer.about()
            arrays |= {f"{kind.value}.{name}": each for name, each in layer.arrays().items()}
    about = {
        "form": FORM,
        "schema": schema,
        "columns": list(Columns.__struct_fields__),
        "generation": snapshot.generation,
        "mark": str(mark),
        "kinds": kinds,
    }
    mapped.write(path, KIND, about, arrays)


def open_stored(path: Path, schema: str) -> Stored:
    """Read the whole file, compare every checksum, and map it.

    Raises IntegrityBroken when it is truncated, damaged, or of another form or schema;
    InvalidInput when it is no such file; OSError when it cannot be read.
    """
    file = mapped.MappedFile.open(path, KIND)
    about = file.about
    made_by = (about.get("form"), about.get("schema"), about.get("columns"))
    if made_by != (FORM, schema, list(Columns.__struct_fields__)):
        raise IntegrityBroken(f"{path.name} was written by another version")
    file.verify()
    try:
        marks = zip(
            file.arrays["marks.indicator"].tolist(), file.arrays["marks.mark"].tolist(), strict=True
        )
        return Stored(
            generation=int(about["generation"]),
            mark=UUID(about["mark"]),
            lists=tuple(UUID(text) for text in _read(file.arrays["lists"])),
            words=tuple(_read(file.arrays["words"])),
            shelves={
                kind: _shelf(kind, about["kinds"].get(kind.value), file.arrays)
                for kind in IndicatorKind
            },
            marks=dict(marks),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise IntegrityBroken(f"{path.name} does not hold together: {error}") from error


def _shelf(kind: IndicatorKind, about: Mapping[str, Any] | None, arrays: Arrays) -> Shelf:
    if about is None:
        return Shelf(kind)
    start = f"{kind.value}."
    mine = {name[len(start) :]: each for name, each in arrays.items() if name.startswith(start)}
    return Shelf.of(Layer.of_arrays(kind, about, mine))


def _written(words: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer(msgspec.json.encode(words), np.uint8)


def _read(written: NDArray[np.uint8]) -> list[str]:
    return msgspec.json.decode(written.tobytes(), type=list[str])
