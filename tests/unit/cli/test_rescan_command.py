"""`lapwing rescan`: tells what a stored catalogue matches, and acts only through screening."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalogue_files import codes, near_copies, write
from command_line import Answer

Lapwing = Callable[..., Answer]
STORED = 400


@pytest.fixture
def stored(lapwing: Lapwing, tmp_path: Path) -> list[dict[str, Any]]:
    """A catalogue; one list of it knows some of its pictures."""
    words = ("--source", "us", "--basis", "verdict", "--category", "a")
    assert lapwing("bank", "create", "Ours", "--kind", "block", "--verified", *words).code == 0
    assert lapwing("bank", "create", "Other", "--kind", "review", *words).code == 0
    listed = codes(100, 7)
    lines = "".join(f"{code.tobytes().hex()},90\n" for code in listed)
    file = tmp_path / "listed.csv"
    file.write_text("pdq,quality\n" + lines)
    assert lapwing("bank", "import", file, "--list", "Ours").code == 0
    made, _ = near_copies(listed, STORED, 11)
    return [
        {"id": f"p{n}", "pdq": code.tobytes().hex(), "quality": 80, "md5": f"{n:032x}"}
        for n, code in enumerate(np.asarray(made))
    ]


DISTANCES = [0, 1, 9, 10, 11, 30, 31]


@pytest.mark.parametrize("suffix", ["parquet", "csv", "ndjson"])
def test_hits_come_line_by_line_and_a_summary_ends_them(
    lapwing: Lapwing, stored: list[dict[str, Any]], tmp_path: Path, suffix: str
) -> None:
    path = write(tmp_path / f"c.{suffix}", stored)
    answer = lapwing("rescan", path, "--json")
    assert answer.code == 0
    hits = [line["hit"] for line in answer.lines[:-1]]
    assert [hit["distance"] for hit in hits] == DISTANCES
    assert [hit["level"] for hit in hits] == ["known"] * 4 + ["near"] * 3
    assert hits[1]["id"] == "p50"
    assert {hit["list_name"] for hit in hits} == {"Ours"}
    summary = answer.lines[-1]["summary"]
    assert (summary["rows"], summary["hits"]) == (STORED, {"known": 4, "near": 3})
    shown = lapwing("rescan", path)
    assert "7 matches in 400 rows" in shown.out
    assert lapwing("cases", "--json").json == []


@pytest.mark.parametrize("suffix", ["parquet", "csv", "ndjson"])
def test_hits_go_into_a_file_of_ones_own(
    lapwing: Lapwing, stored: list[dict[str, Any]], tmp_path: Path, suffix: str
) -> None:
    path = write(tmp_path / "c.csv", stored)
    out = tmp_path / f"hits.{suffix}"
    answer = lapwing("rescan", path, "--out", out, "--json")
    assert (answer.code, answer.json["summary"]["rows"]) == (0, STORED)
    assert out.stat().st_mode & 0o777 == 0o600
    assert [int(row["distance"]) for row in read(out)] == DISTANCES
    assert sorted(one.name for one in tmp_path.glob("hits*")) == [out.name]
    assert lapwing("rescan", path, "--out", out).code == 2


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        return list(csv.DictReader(path.open()))
    if path.suffix == ".ndjson":
        return [json.loads(line) for line in path.read_text().splitlines()]
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        found = connection.read_parquet(str(path))
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def test_refused_rows_are_listed_and_the_rest_is_searched(
    lapwing: Lapwing, stored: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = write(tmp_path / "c.csv", [stored[0] | {"pdq": "zz"}, *stored])
    answer = lapwing("rescan", path, "--json")
    assert answer.code == 3
    summary = answer.lines[-1]["summary"]
    assert (summary["rows"], summary["refused"]) == (STORED, 1)
    assert (summary["refusals"][0]["line"], summary["refusals"][0]["field"]) == (2, "pdq")


def test_a_rescan_can_be_kept_to_a_list(
    lapwing: Lapwing, stored: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = write(tmp_path / "c.csv", stored)
    answer = lapwing("rescan", path, "--list", "Other", "--json")
    assert answer.json["summary"]["hits"] == {}
    assert lapwing("rescan", path, "--list", "Nobody's", "--json").code == 1


def test_cases_are_opened_by_screening_and_only_when_asked(
    lapwing: Lapwing, stored: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = write(tmp_path / "c.csv", stored)
    answer = lapwing("rescan", path, "--open-cases", "--json")
    screened = answer.lines[-1]["summary"]["screened"]
    assert (answer.code, screened["items"], screened["fresh"]) == (0, 7, 7)
    assert screened["cases_opened"] > 0
    again = lapwing("rescan", path, "--open-cases", "--json").lines[-1]["summary"]["screened"]
    assert (again["repeated"], again["cases_opened"]) == (7, 0)


def test_a_gpu_that_is_not_there_is_told_and_never_pretended(
    lapwing: Lapwing, stored: list[dict[str, Any]], tmp_path: Path
) -> None:
    try:
        import torch
    except ImportError:
        pass
    else:
        if torch.cuda.is_available():
            pytest.skip("there is a GPU")
    path = write(tmp_path / "c.csv", stored)
    answer = lapwing("rescan", path, "--gpu", "--json")
    assert (answer.code, answer.lines[-1]["error"]["code"]) == (1, "unavailable")
    assert "not on a GPU" in answer.err
    both = lapwing("rescan", path, "--gpu", "--ray", "local", "--json")
    assert both.code == 2
