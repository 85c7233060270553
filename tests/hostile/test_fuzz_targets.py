"""The fuzz targets' promises, kept for their seeds and for every input that once broke one."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[2] / "fuzz"
TARGETS = sorted(
    file.stem for file in (FUZZ / "targets").glob("*.py") if not file.stem.startswith("_")
)

One = Callable[[bytes], None]


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[One, list[bytes]]]:
    monkeypatch.syspath_prepend(str(FUZZ))

    def load(name: str) -> tuple[One, list[bytes]]:
        try:
            target = importlib.import_module(f"targets.{name}")
        except ModuleNotFoundError as error:
            pytest.skip(f"an extra is not installed: {error.name}")
        return target.one, target.SEEDS

    return load


def test_there_is_a_target_for_every_regression() -> None:
    kept = {folder.name for folder in (FUZZ / "regressions").iterdir()}
    assert kept <= set(TARGETS)
    assert len(TARGETS) > 8


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_what_once_broke_it_keep_the_promises(
    one: Callable[[str], tuple[One, list[bytes]]], name: str
) -> None:
    check, seeds = one(name)
    assert seeds
    for data in (b"", *seeds):
        check(data)
    for file in sorted((FUZZ / "regressions" / name).glob("*")):
        check(file.read_bytes())
