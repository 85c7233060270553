"""The tree of commands: what is there, what it says of itself, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from command_line import Lapwing
from lapwing.cli import main
from lapwing.cli.main import COMMANDS, Command, run
from lapwing.cli.output import plain
from lapwing.model.errors import (
    Conflict,
    IntegrityBroken,
    InvalidInput,
    LimitExceeded,
    NotAllowed,
    NotFound,
    Unavailable,
)


def leaves() -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its whole name."""
    for name in COMMANDS:
        loaded = main._load(name)
        if hasattr(loaded, "commands"):
            for below, command in loaded.commands.items():
                yield f"{name} {below}", command
        else:
            yield name, loaded


LEAVES = dict(leaves())


@pytest.mark.parametrize(
    "name",
    [
        "demo",
        "serve",
        "screen",
        "hash",
        "bank lists",
        "bank create",
        "bank add",
        "bank import",
        "bank withdraw",
        "bank match",
        "cases",
        "verdict",
        "keys create",
        "keys list",
        "keys revoke",
        "ledger head",
        "ledger verify",
        "doctor",
        "stop",
        "organisation create",
        "organisation list",
        "organisation change",
        "members add",
        "members list",
        "sign-in",
        "bench screen",
        "bench hash",
        "bench match",
        "bench ledger",
        "bench pdq",
        "bench all",
    ],
)
def test_the_command_is_there(name: str) -> None:
    assert name in LEAVES


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_every_command_takes_json_and_explains_itself(name: str) -> None:
    command = LEAVES[name]
    assert "--json" in {option for param in command.params for option in param.opts}
    assert command.help
    for param in command.params:
        if param.opts[0].startswith("-"):
            assert param.help, f"{param.opts[0]} says nothing of itself"


@pytest.mark.parametrize("name", ["", *COMMANDS, *LEAVES])
def test_help_is_a_success(lapwing_alone: Lapwing, name: str) -> None:
    for flag in ("-h", "--help"):
        answer = lapwing_alone(*name.split(), flag)
        assert answer.code == 0
        assert "Usage: lapwing" in answer.out
        assert "--install-completion" not in answer.out
        assert answer.err == ""


def test_help_lists_every_command_and_the_exit_codes(lapwing_alone: Lapwing) -> None:
    said = " ".join(lapwing_alone("--help").out.split())
    assert all(f"│ {name} " in said for name in COMMANDS)
    assert "0 done, 1 failed, 2 wrong use, 3 done with refused rows" in said.replace("│ ", "")


@pytest.mark.parametrize(
    "arguments",
    [["bogus"], ["bank", "bogus"], ["hash"], ["verdict", "1"], ["keys", "create"], ["cases", "--x"],
     ["bank", "create", "n", "--kind", "nonsense"], ["serve", "--port", "0"]],
)  # fmt: skip
def test_wrong_use_is_2_and_says_what_is_wrong(
    lapwing_alone: Lapwing, arguments: list[str]
) -> None:
    answer = lapwing_alone(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert "Usage: lapwing" in answer.err
    with_json = lapwing_alone(*arguments, "--json")
    assert with_json.code == 2
    assert with_json.json["error"]["code"] == "wrong_use"
    assert with_json.json["error"]["message"] in " ".join(with_json.err.split())


@pytest.mark.parametrize("arguments", [[], ["bank"], ["ledger"], ["bench"]])
def test_no_command_prints_help_and_is_wrong_use(
    lapwing_alone: Lapwing, arguments: list[str]
) -> None:
    answer = lapwing_alone(*arguments)
    assert answer.code == 2
    assert "Usage: lapwing" in answer.out + answer.err


def test_the_version_is_printed(lapwing_alone: Lapwing) -> None:
    answer = lapwing_alone("--version")
    assert (answer.code, answer.out) == (0, f"lapwing {main.__version__}\n")


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A command `trouble`, which raises what the list holds."""
    held: list[BaseException] = []

    def command(json: bool = typer.Option(False, "--json")) -> None:
        """Raise."""
        raise held[0]

    module = ModuleType("lapwing.cli.trouble")
    module.command = command  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lapwing.cli.trouble", module)
    monkeypatch.setitem(COMMANDS, "trouble", Command("trouble", "command", "Raise."))
    return held


ERRORS: list[tuple[BaseException, int, dict[str, Any]]] = [
    (InvalidInput("bad", field="a.b"), 2, {"code": "invalid_input", "field": "a.b"}),
    (InvalidInput("bad", line=3, column=1), 2, {"code": "invalid_input", "line": 3, "column": 1}),
    (LimitExceeded("long"), 2, {"code": "limit_exceeded"}),
    (NotFound("gone"), 1, {"code": "not_found"}),
    (NotAllowed("no"), 1, {"code": "not_allowed"}),
    (Conflict("moved"), 1, {"code": "conflict"}),
    (IntegrityBroken("torn", position=4), 1, {"code": "integrity_broken", "position": 4}),
    (Unavailable("down"), 1, {"code": "unavailable"}),
    (PermissionError(13, "Permission denied", "/there"), 1, {"code": "failed"}),
    (KeyboardInterrupt(), 130, {"code": "interrupted"}),
]  # fmt: skip


@pytest.mark.parametrize(("error", "code", "said"), ERRORS, ids=lambda one: type(one).__name__)
def test_an_error_is_told_once_and_ends_with_its_code(
    lapwing_alone: Lapwing,
    trouble: list[BaseException],
    error: BaseException,
    code: int,
    said: dict[str, Any],
) -> None:
    trouble.append(error)
    plainly = lapwing_alone("trouble")
    assert (plainly.code, plainly.out) == (code, "")
    assert plainly.err.startswith("lapwing: ")
    assert "Traceback" not in plainly.err
    answer = lapwing_alone("trouble", "--json")
    assert answer.code == code
    told = answer.json["error"]
    assert told.pop("message") in answer.err
    assert told == said


def test_a_bug_is_not_hidden_but_json_still_gets_its_document(
    trouble: list[BaseException], capfd: pytest.CaptureFixture[str]
) -> None:
    trouble.append(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        run(["trouble", "--json"])
    assert json.loads(capfd.readouterr().out)["error"]["code"] == "crashed"


def test_what_comes_from_outside_is_neither_markup_nor_a_terminal_command(
    lapwing_alone: Lapwing, trouble: list[BaseException]
) -> None:
    trouble.append(NotFound("no [red]such[/red] [/thing] \x1b[2J"))
    answer = lapwing_alone("trouble")
    assert "no [red]such[/red] [/thing] \\x1b[2J" in answer.err
    assert str(plain("a\x07b")) == "a\\x07b"


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], ["numpy", "numba", "sqlalchemy", "litestar", "psycopg", "PIL"]),
        (["hash", __file__], ["sqlalchemy", "litestar", "psycopg", "granian"]),
    ],
    ids=["help", "hash"],
)
def test_a_command_imports_what_it_needs_and_no_more(
    arguments: list[str], absent: list[str]
) -> None:
    code = (
        "import sys; from lapwing.cli.main import run; "
        f"run({arguments!r}); "
        f"print('loaded:', [name for name in {absent!r} if name in sys.modules])"
    )
    assert python("-c", code).stdout.splitlines()[-1] == "loaded: []"


def test_a_reader_that_leaves_early_is_no_trouble(tmp_path: Path) -> None:
    """As in `lapwing hash --json FOLDER | head -n 1`."""
    for number in range(2_000):
        (tmp_path / f"{number:040}").touch()
    with subprocess.Popen(
        [sys.executable, "-m", "lapwing", "hash", "--json", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "refused" in json.loads(process.stdout.readline())
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(30) == 1
    assert said == ""
