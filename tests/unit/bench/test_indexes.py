"""The index beside others: same pairs from all of them, and none passed over in silence."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lapwing.bench import indexes
from lapwing.bench.codes import KINDS, asked
from lapwing.bench.sides import Builder, scanned

NAMES = [name for name, _, _ in indexes.OTHERS]


def test_every_other_index_has_a_row_measured_or_with_the_reason() -> None:
    rows = indexes.measure_sides((3_000,), 10, others_up_to=2_000)
    assert [row["index"] for row in rows] == ["Lapwing", "plain scan", *NAMES]
    for row in rows[2:]:
        assert row["note"] == "not measured above 2,000 codes"
        assert "p50 ms" not in row


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "installed", lambda module: False)
    rows = indexes.measure_sides((500,), 4, others_up_to=10_000)
    assert [row["note"] for row in rows[2:]] == [
        "threatexchange is not installed",
        "faiss is not installed",
        "faiss is not installed",
    ]


@pytest.mark.parametrize(("name", "module", "build"), indexes.OTHERS)
def test_the_others_find_what_the_scan_finds(name: str, module: str, build: Builder) -> None:
    for needed in {module, "faiss"}:
        if find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed: pip install faiss-cpu threatexchange")
    rng = np.random.default_rng(2)
    codes = KINDS["uniform"](rng, 5_000)
    queries = asked(rng, codes, 60)
    side = build(codes)
    assert side.name == name
    found = {(k, position) for k in range(60) for _, position in side.single(queries[k : k + 1])}
    assert found == scanned(codes, queries)
    assert len(found) >= 30
    if side.batch is not None:
        assert side.batch(queries, 2) == found


def test_recall_is_measured_on_every_kind_and_a_missed_pair_would_show(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = indexes.measure_recall(20_000, 20)
    assert {row["codes"] for row in rows} == set(KINDS)
    assert all(row["recall"] == 1.0 and row["wrong"] == 0 for row in rows)
    assert all(row["pairs"] >= 10 for row in rows if row["radius"] == 31)
    nothing = (np.empty(0, np.int64),) * 3
    monkeypatch.setattr(indexes.HammingIndex, "search_rows", lambda *_, **__: nothing)
    assert min(row["recall"] for row in indexes.measure_recall(2_000, 6)) == 0.0


def test_changes_are_measured_and_checked(tmp_path: Path) -> None:
    (row,) = indexes.measure_changes((4_000,), tmp_path, 5)
    assert (row["added but not found"], row["removed but found"]) == (0, 0)
    assert row["file bytes a code"] >= 40
    assert not list(tmp_path.iterdir())


def test_queries_are_half_near_and_kinds_are_what_they_say() -> None:
    rng = np.random.default_rng(1)
    for name, make in KINDS.items():
        codes = make(rng, 2_000)
        assert codes.shape == (2_000, 32)
        bits = np.unpackbits(codes, axis=1).sum(axis=1)
        assert (set(bits.tolist()) == {128}) == (name == "PDQ-like")
        near = scanned(codes, asked(rng, codes, 40))
        assert {query for query, _ in near} >= set(range(0, 40, 2))
