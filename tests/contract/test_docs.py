"""The documents: their commands exist, their links lead somewhere, rooms and files stay small."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import lapwing
from lapwing.cli.main import COMMANDS, _load

PROJECT = Path(__file__).parents[2]
HOUSE = Path(lapwing.__file__).parent
DOCUMENTS = sorted(
    [PROJECT / "README.md", *PROJECT.glob("docs/*.md"), *PROJECT.glob("src/lapwing/*/README.md")]
)
ROOMS = sorted(path.parent for path in HOUSE.glob("*/__init__.py"))
WITHOUT = {"demo", "bench", "cli"}
"""What every room may look into and none imports: described in docs/ instead."""

LONGEST_README = 30
LONGEST_FILE = 400

_LINK = re.compile(r"(?<!\\)!?\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:\.venv/bin/)?lapwing [^`\n]+)`")


def named(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def commands_in(text: str) -> Iterator[str]:
    """Command lines of `lapwing` in code blocks and in running text."""
    for _, block in _FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"\s[|&;]+\s|\$\(", line.strip().removeprefix("$ ")):
                words = part.strip().split()
                while words and re.fullmatch(r"\w+=\S*", words[0]):
                    del words[0]
                if words and words[0] in ("lapwing", ".venv/bin/lapwing"):
                    yield " ".join(words)
    yield from _INLINE.findall(_FENCE.sub("", text))


@cache
def loaded(name: str) -> Any:
    return _load(name)


def fault_of(line: str) -> str | None:
    """What is wrong with a command line, as far as the tree of commands tells."""
    words = shlex.split(line.replace("…", " … "), comments=True)[1:]
    words = [word.strip("()[],.") for word in words]
    if not words or words[0] in ("…", "-h", "--help", "--version"):
        return None
    # `a | b` and `a|b` in a text name alternatives.
    first = words[0].split("|")[0]
    if first not in COMMANDS:
        return f"there is no command {first!r}"
    command = loaded(first)
    if hasattr(command, "commands") and len(words) > 1 and not words[1].startswith(("-", "…")):
        for below in words[1].split("|"):
            if below not in command.commands:
                return f"there is no command {first} {below!r}"
        command = command.commands[words[1].split("|")[0]]
    options = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    for word in words[1:]:
        if word.startswith("--") and word.partition("=")[0] not in {*options, "--help", "--"}:
            return f"{command.name} has no option {word}"
    return None


FOUND = [(named(path), line) for path in DOCUMENTS for line in commands_in(path.read_text("utf-8"))]


def test_there_are_commands_to_check() -> None:
    assert len(FOUND) > 20
    assert fault_of("lapwing nonsense")
    assert fault_of("lapwing bank nonsense")
    assert fault_of("lapwing screen --nonsense")
    assert fault_of("lapwing screen x.csv --kind adverts --map a=b") is None


@pytest.mark.parametrize(("document", "line"), FOUND, ids=[f"{d}: {line}" for d, line in FOUND])
def test_a_documented_command_exists(document: str, line: str) -> None:
    assert fault_of(line) is None


def anchors_of(path: Path) -> set[str]:
    """Anchors of a document's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ +(.+?) *$", _FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    plain = (re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in plain}


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_leads_somewhere(document: Path) -> None:
    broken = []
    for link in _LINK.findall(_FENCE.sub("", document.read_text("utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = document if not place else (document.parent / place).resolve()
        told = target.exists() and (
            not anchor or target.suffix != ".md" or anchor in anchors_of(target)
        )
        if not told:
            broken.append(link)
    assert broken == []


def test_the_readme_leads_to_every_document() -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    linked = {link.partition("#")[0] for link in _LINK.findall(readme)}
    assert {named(path) for path in PROJECT.glob("docs/*.md")} <= linked


def test_the_command_line_document_has_every_command() -> None:
    text = (PROJECT / "docs" / "command-line.md").read_text("utf-8")
    missing = []
    for name in COMMANDS:
        command = loaded(name)
        whole = [f"{name} {below}" for below in getattr(command, "commands", {})] or [name]
        missing += [one for one in whole if f"`lapwing {one}" not in text]
    assert missing == []


@pytest.mark.parametrize("room", [room for room in ROOMS if room.name not in WITHOUT], ids=named)
def test_every_room_says_what_it_is_in_few_lines(room: Path) -> None:
    readme = room / "README.md"
    assert readme.is_file(), f"{named(room)} has no README.md"
    text = readme.read_text("utf-8")
    assert len(text.splitlines()) <= LONGEST_README
    assert "never" in text.lower(), "what it must never do"


ALONE = {
    "src/lapwing/evidence/standalone/verify_ledger.py": "handed out as one file that needs no other"
}


def test_no_file_is_too_long() -> None:
    lengths = {
        named(path): len(path.read_text("utf-8").splitlines()) for path in HOUSE.rglob("*.py")
    }
    assert {name for name, length in lengths.items() if length > LONGEST_FILE} == set(ALONE)


def test_no_document_names_a_machine_or_a_registry() -> None:
    telling = re.compile(r"/work/|/root/|/home/\w+/|pypi\.org|files\.pythonhosted|registry\.npmjs")
    assert [named(path) for path in DOCUMENTS if telling.search(path.read_text("utf-8"))] == []
