"""Catalogues of random hashes, for tests, in every form."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIELDS = ("id", "pdq", "quality", "md5")
Codes = NDArray[np.uint8]


def codes(count: int, seed: int) -> Codes:
    return np.random.default_rng(seed).integers(0, 256, (count, 32), dtype=np.uint8)


def flipped(code: Codes, bits: int, seed: int) -> Codes:
    """The code with so many of its bits turned."""
    chosen = np.random.default_rng(seed).choice(256, bits, replace=False)
    mask = np.zeros(256, np.uint8)
    mask[chosen] = 1
    return code ^ np.packbits(mask)


def near_copies(listed: Codes, stored: int, seed: int) -> tuple[Codes, dict[int, int]]:
    """(stored codes, {place: distance from some listed one}); the others are far from all."""
    made = codes(stored, seed)
    truth: dict[int, int] = {}
    for number, distance in enumerate((0, 1, 9, 10, 11, 30, 31, 32)):
        place = number * (stored // 8)
        made[place] = flipped(listed[number], distance, seed + number)
        truth[place] = distance
    return made, truth


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """As the name's ending says."""
    if path.suffix == ".csv":
        with path.open("w", newline="") as to:
            lines = csv.DictWriter(to, list(rows[0]))
            lines.writeheader()
            lines.writerows(rows)
    elif path.suffix == ".ndjson":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        import duckdb

        names = ", ".join(rows[0])
        marks = ", ".join("?" for _ in rows[0])
        with duckdb.connect() as connection:
            typed = ", ".join(
                f"{name} {'INTEGER' if name == 'quality' else 'VARCHAR'}" for name in rows[0]
            )
            connection.execute(f"create table t ({typed})")
            connection.executemany(
                f"insert into t ({names}) values ({marks})", [list(row.values()) for row in rows]
            )
            connection.table("t").write_parquet(str(path), row_group_size=2048)
    return path
