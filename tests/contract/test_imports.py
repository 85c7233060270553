"""The walls between rooms: import-linter's contracts hold, and docs/architecture.md shows them.

A new room needs a row in its table, a contract of its own in pyproject.toml, and a line in the
contracts of every room that may not import it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import lapwing

PROJECT = Path(__file__).parents[2]
HOUSE = Path(lapwing.__file__).parent
ARCHITECTURE = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
TABLE = ARCHITECTURE.partition("## Rooms")[2].partition("\n## ")[0]
EVERYTHING = "all"


def modules_in(folder: Path) -> set[str]:
    """Packages and modules right inside a folder."""
    packages = {one.name for one in folder.iterdir() if (one / "__init__.py").is_file()}
    return packages | {one.stem for one in folder.glob("*.py") if not one.stem.startswith("_")}


def contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(settings["tool"]["importlinter"]["contracts"])


def written_down() -> dict[str, set[str] | str]:
    """What the table in docs/architecture.md lets each room import."""
    rooms: dict[str, set[str] | str] = {}
    for line in TABLE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `") or len(cells) != 3:
            continue
        here, *inside = cells[2].split(";")
        for name in named(cells[0]):
            rooms[name] = imports(here)
        for part in inside:
            place, colon, allowed = part.partition(":")
            if colon:
                rooms[named(place)[0]] = imports(allowed)
    return rooms


def named(text: str) -> list[str]:
    return [
        one.removesuffix(".py").strip("/").replace("/", ".") for one in re.findall(r"`(.+?)`", text)
    ]


def imports(text: str) -> set[str] | str:
    if text.strip().startswith(EVERYTHING):
        return EVERYTHING
    words = {word.strip(" `").replace("/", ".") for word in text.split(",")}
    return words - {"std", "msgspec"}


def enforced(contract: dict[str, Any]) -> set[str]:
    """What a contract leaves to import; of a room forbidden in part, the parts that are left."""
    source = contract["source_modules"][0].removeprefix("lapwing.")
    forbidden = {name.removeprefix("lapwing.") for name in contract["forbidden_modules"]}
    left = set()
    for room in modules_in(HOUSE) - {source, source.partition(".")[0]} - forbidden:
        if any(name.startswith(f"{room}.") for name in forbidden):
            left |= {f"{room}.{part}" for part in modules_in(HOUSE / room)} - forbidden
        else:
            left.add(room)
    return left


ROOMS = {
    contract["source_modules"][0].removeprefix("lapwing."): contract
    for contract in contracts()
    if contract["type"] == "forbidden" and contract.get("allow_indirect_imports")
}


def test_the_contracts_hold() -> None:
    """In a process of its own: import-linter switches off every logger that it finds."""
    program = (
        "from importlinter.cli import lint_imports; "
        "raise SystemExit(lint_imports('pyproject.toml', cache_dir=None, no_cache=True))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_room_stands_in_the_table() -> None:
    assert modules_in(HOUSE) <= set(written_down())


@pytest.mark.parametrize("room", sorted(written_down()))
def test_the_table_is_what_is_enforced(room: str) -> None:
    allowed = written_down()[room]
    if allowed == EVERYTHING:
        return
    assert room in ROOMS, f"no contract says what {room} may import"
    assert enforced(ROOMS[room]) == allowed


@pytest.mark.parametrize("pure", ["detect", "decide"])
def test_nothing_pure_reaches_a_database_a_vault_or_a_door_however_far(pure: str) -> None:
    strict = [
        contract
        for contract in contracts()
        if contract["type"] == "forbidden"
        and contract["source_modules"] == [f"lapwing.{pure}"]
        and not contract.get("allow_indirect_imports")
    ]
    (contract,) = strict
    doors = {"store", "evidence", "cases", "screening", "web", "cli", "app"}
    acting = {"report", "removal", "share"} & modules_in(HOUSE)
    assert {f"lapwing.{name}" for name in doors | acting} <= set(contract["forbidden_modules"])
