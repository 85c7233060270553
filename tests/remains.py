"""Everything that is left of what was sent: each column of each table, each file, byte for byte."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

from lapwing.store.database import Database


def rows_of(database: Database) -> Iterator[tuple[str, bytes]]:
    """Every row of every table as the owner sees it; bytea is written as hex."""
    with database.owner() as owner:
        tables = owner.execute(
            text(
                "select table_name from information_schema.tables "
                "where table_schema = 'public' and table_type = 'BASE TABLE'"
            )
        ).scalars()
        for table in list(tables):
            for row in owner.execute(text(f"select t::text from {table} t")).scalars():
                yield f"table {table}", row.encode()


def files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield f"file {path.relative_to(folder)}", path.read_bytes()


def places_of(needle: bytes, *remains: Iterator[tuple[str, bytes]]) -> set[str]:
    """Where a value is found: as it is, or written as hex, base64 or JSON."""
    forms = {
        needle,
        needle.hex().encode(),
        # Base64 of whatever may stand before it: three shifts, without the ends that depend on it.
        *(base64.b64encode(b"\0" * shift + needle)[4:-4] for shift in range(3)),
        json.dumps(needle.decode("latin-1"))[1:-1].encode(),
    }
    return {
        place
        for found in remains
        for place, content in found
        if any(form in content or form in content.replace(b"\\\\", b"\\") for form in forms)
    }
