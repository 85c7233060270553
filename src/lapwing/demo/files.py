"""Writes the demo's material as the files that a platform would hand in: CSV, NDJSON, pictures."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

BROKEN_LINE = b'{"source_id": "broken-1", "text": \n'
"""A line that is not JSON: it is refused by name, and the rest goes on."""


def write_ndjson(path: Path, records: Iterable[dict[str, Any]], *, broken: bool = False) -> Path:
    """One JSON object a line; `broken` adds a line that cannot be read."""
    with path.open("wb") as file:
        for record in records:
            file.write(msgspec.json.encode(record) + b"\n")
        if broken:
            file.write(BROKEN_LINE)
    return path


def write_csv(path: Path, records: list[dict[str, Any]], *, broken: bool = False) -> Path:
    """A header and one row a record; `broken` adds a row whose amount is not a number."""
    names = list(records[0])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(records)
        if broken:
            writer.writerow(records[-1] | {"source_id": "broken-2", "amount": "twelve"})
    return path


def write_pictures(folder: Path, copies: dict[str, list[tuple[str, bytes]]]) -> Path:
    """`<photograph>/<copy>`: the path is the item's id, so that the truth stays with it."""
    for photograph, derived in copies.items():
        inside = folder / photograph
        inside.mkdir(parents=True, exist_ok=True)
        for name, data in derived:
            (inside / name).write_bytes(data)
    return folder
