"""Finding the browser; these need none."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser.chromium import MISSING, VARIABLE, find_chromium


def executable(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_named_one_comes_before_those_on_the_path(tmp_path: Path) -> None:
    named = executable(tmp_path, "named")
    found = executable(tmp_path, "google-chrome")
    assert find_chromium({"PATH": str(tmp_path)}) == found
    assert find_chromium({"PATH": str(tmp_path), VARIABLE: str(named)}) == named


def test_a_wrong_name_is_an_error_and_none_at_all_is_not(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="cannot be run"):
        find_chromium({VARIABLE: str(tmp_path / "nothing")})
    assert find_chromium({"PATH": str(tmp_path)}) is None
    assert "apt-get install chromium" in MISSING
