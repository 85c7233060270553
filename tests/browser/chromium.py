"""The Chromium on this machine. Nothing is downloaded: where there is none, these tests skip."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VARIABLE = "LAPWING_TEST_CHROMIUM"
MISSING = (
    "no Chromium found; install one (Debian: apt-get install chromium) "
    f"or name its executable in {VARIABLE}"
)
SWITCHES = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium(environment: Mapping[str, str]) -> Path | None:
    """The executable that the variable names, else the first that is on the path, else None.

    Raises FileNotFoundError where the variable names none: whoever sets it wants the tests to run.
    """
    named = environment.get(VARIABLE)
    if named:
        if not shutil.which(named):
            raise FileNotFoundError(f"{VARIABLE} names {named}, which cannot be run")
        return Path(named)
    found = (shutil.which(name, path=environment.get("PATH")) for name in NAMES)
    return next((Path(path) for path in found if path), None)


def switches() -> list[str]:
    """Command-line switches; Chromium's sandbox cannot be had as root."""
    return [*SWITCHES, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
