"""Where measurements run: a house of their own, thrown away afterwards, and on what machine."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
from msgspec.structs import replace

from lapwing.app import House, open_house
from lapwing.settings import Settings


@contextmanager
def throwaway_house(settings: Settings) -> Iterator[House]:
    """A house in a folder of its own, with an embedded database unless the settings name a server.

    On a server, organisations made for measuring stay behind: name a database made for this.
    """
    home = Path(tempfile.mkdtemp(prefix="lapwing-bench-"))
    # Started by root, the database runs as another user, who has to reach its folder.
    home.chmod(0o711)
    away = replace(
        settings, home=home, secrets=home / "secrets", blobs_url=(home / "blobs").as_uri()
    )
    try:
        with closing(open_house(away)) as house:
            try:
                yield house
            finally:
                house.database.close()
                if house.embedded is not None:
                    house.embedded.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def machine() -> str:
    """What a number depends on, in a line; names no host and no path."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
