"""Catalogues of stored hashes: the same rows from every form, the rest refused by row and field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalogue_files import codes, write
from lapwing.intake.catalogues import read_catalogue
from lapwing.model.catalogues import CatalogueRow
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import IndicatorKind
from lapwing.model.refusals import Refusal

SUFFIXES = ("parquet", "csv", "ndjson")


def split(path: Path, **options: Any) -> tuple[list[CatalogueRow], list[Refusal]]:
    entries = list(read_catalogue(path, **options))
    rows = [entry for entry in entries if isinstance(entry, CatalogueRow)]
    return rows, [entry for entry in entries if isinstance(entry, Refusal)]


def some(count: int) -> list[dict[str, Any]]:
    return [
        {"id": f"p{n}", "pdq": code.tobytes().hex(), "quality": n % 101, "md5": f"{n:032x}"}
        for n, code in enumerate(codes(count, 3))
    ]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_form_gives_the_same_rows(tmp_path: Path, suffix: str) -> None:
    made = some(5000)
    rows, refused = split(write(tmp_path / f"c.{suffix}", made))
    assert refused == []
    assert [row.id for row in rows] == [row["id"] for row in made]
    assert [row.quality for row in rows] == [row["quality"] for row in made]
    assert rows[7].hashes == (
        (IndicatorKind.PDQ, bytes.fromhex(made[7]["pdq"])),
        (IndicatorKind.MD5, bytes.fromhex(made[7]["md5"])),
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_cannot_be_used_is_refused_and_the_rest_goes_on(tmp_path: Path, suffix: str) -> None:
    good = some(1)[0]
    bad = [
        good | {"pdq": "12"},
        good | {"quality": 101},
        good | {"pdq": None, "md5": None},
        good | {"id": None},
        good | {"md5": "z" * 32},
    ]
    rows, refused = split(write(tmp_path / f"c.{suffix}", [good, *bad, good]))
    assert len(rows) == 2
    assert [one.field for one in refused] == ["pdq", "quality", "pdq", "id", "md5"]
    numbers = [one.line for one in refused]
    assert numbers == [n + (suffix == "csv") for n in range(2, 7)]
    assert refused[0].source_id == "p0"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_columns_may_have_other_names(tmp_path: Path, suffix: str) -> None:
    made = [{"Post Id": row["id"], 'the "hash"': row["pdq"], "junk": "x"} for row in some(3)]
    if suffix == "parquet":
        made = [{"post_id": r["Post Id"], "h": r['the "hash"'], "junk": "x"} for r in made]
    names = list(made[0])
    path = write(tmp_path / f"c.{suffix}", made)
    rows, refused = split(path, columns={"id": names[0], "pdq": names[1]})
    assert (len(rows), refused) == (3, [])


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
@pytest.mark.parametrize("lacks", ["id", "pdq"])
def test_a_catalogue_without_what_is_needed_says_so(
    tmp_path: Path, suffix: str, lacks: str
) -> None:
    made = [{"id": "1", "pdq": "00" * 32, "junk": "x"}]
    del made[0][lacks]
    path = write(tmp_path / f"c.{suffix}", made)
    with pytest.raises(InvalidInput, match="there is no column"):
        split(path)
    with pytest.raises(InvalidInput, match="nowhere"):
        split(path, columns={"id": "nowhere"})


def test_hashes_as_bytes_are_taken_from_parquet(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "c.parquet"
    with duckdb.connect() as connection:
        connection.execute("create table t (id bigint, pdq blob)")
        connection.execute("insert into t values (7, ?)", [b"\x0f" * 32])
        connection.table("t").write_parquet(str(path))
    rows, _ = split(path)
    assert rows == [CatalogueRow(1, "7", ((IndicatorKind.PDQ, b"\x0f" * 32),))]


def test_what_is_no_parquet_and_what_is_not_there_are_told_apart(tmp_path: Path) -> None:
    broken = tmp_path / "c.parquet"
    broken.write_bytes(b"PAR1 no more")
    with pytest.raises(InvalidInput, match="not a Parquet file"):
        split(broken)
    with pytest.raises(FileNotFoundError):
        split(tmp_path / "missing.parquet")
    with pytest.raises(InvalidInput, match="say the format"):
        split(tmp_path / "c.xls")
    with pytest.raises(InvalidInput, match="no field"):
        split(broken, columns={"colour": "x"})
