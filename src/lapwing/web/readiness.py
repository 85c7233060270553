"""What this process needs to do its work, named for `/readyz`."""

from __future__ import annotations

from pathlib import Path

from lapwing.app import House
from lapwing.operations.readiness import (
    Heartbeat,
    Look,
    Readiness,
    answers,
    has_room,
    is_current,
    is_loaded,
)
from lapwing.store.blobs import local_folder


def readiness_of(house: House, worker: Heartbeat | None) -> Readiness:
    """Looks at the house's parts, and at the worker where the process has one."""
    looks: dict[str, Look] = {
        "database": lambda: answers(house.database),
        "schema": lambda: is_current(house.database),
        "bank": lambda: is_loaded(house.live),
        "disk": lambda: has_room(_folders(house)),
    }
    if worker is not None:
        looks["worker"] = worker.is_alive
    return Readiness(looks)


def _folders(house: House) -> list[Path]:
    """Those of this machine that are written to; some appear with the first write."""
    folders = [house.settings.home]
    if house.embedded is not None:
        folders.append(house.embedded.data)
    blobs = local_folder(house.settings.blobs_url)
    if blobs is not None:
        folders.append(blobs)
    return [folder for folder in folders if folder.exists()]
