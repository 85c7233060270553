"""The command tree, and the one place where errors become exit codes.

A command's module is imported when the command is used: `--help` and `hash` must not wait for
the database and the web server.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from lapwing import __version__
from lapwing.cli.output import DONE, FAILED, INTERRUPTED, WRONG_USE, eye, plain, write_json
from lapwing.model.errors import InvalidInput, LapwingError


class Command(NamedTuple):
    """Where a command is: a function, or a `typer.Typer` with commands below it."""

    module: str
    attribute: str
    help: str


COMMANDS = {
    "demo": Command("demo", "demo", "See it work on real photographs and neutral data."),
    "serve": Command("serving", "serve", "Run the API and the console."),
    "screen": Command("screening", "screen", "Screen files of items, or folders of pictures."),
    "hash": Command("hashing", "hash_files", "Print the hashes of pictures and videos."),
    "watch": Command("watch", "watch", "Watch a running stream for what is listed."),
    "bank": Command("bank", "app", "What is known: lists, indicators, matching."),
    "rescan": Command(
        "rescan", "rescan_catalogue", "Match a catalogue of stored hashes against the lists."
    ),
    "cases": Command("cases", "cases", "List the queue, or show one case."),
    "verdict": Command("cases", "verdict", "Give a verdict on a case, as a named member."),
    "report": Command("report", "app", "Reports to authorities: draft, file, status."),
    "organisation": Command("organisations", "app", "Organisations: create, list, change."),
    "members": Command("people", "app", "Members of an organisation: add, list."),
    "sign-in": Command("people", "sign_in", "Sign a member in: a token, or a link."),
    "keys": Command("keys", "app", "API keys for machines: create, list, revoke."),
    "ledger": Command("ledger", "app", "The tamper-evident record: head, verify, export, keys."),
    "doctor": Command("doctor", "doctor", "Look the installation over and name what is weak."),
    "backup": Command("backup", "backup", "Save everything into one sealed file."),
    "restore": Command("backup", "restore", "Put a backup into an empty data folder."),
    "bench": Command("bench", "app", "Measure: screen, match, import, rescan, … or all."),
    "stop": Command("stopping", "stop", "Stop the embedded database of this data folder."),
}


class _OnUse(TyperGroup):
    """Lists every command; imports the one that is used."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] in COMMANDS:
            self.commands[args[0]] = _load(args[0])
        return super().resolve_command(ctx, args)


def _load(name: str) -> Any:
    place = COMMANDS[name]
    found = getattr(import_module(f"lapwing.cli.{place.module}"), place.attribute)
    alone = typer.Typer(add_completion=False)
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
        return typer.main.get_group(alone).commands[name]
    alone.command(name)(found)
    return typer.main.get_command(alone)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lapwing {__version__}")
        raise typer.Exit(DONE)


def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Find online child trafficking and sexual exploitation, stop it, and help the child."""


def _tree() -> typer.Typer:
    tree = typer.Typer(
        name="lapwing",
        cls=_OnUse,
        epilog=(
            "LAPWING_HOME names the data folder. Exit codes: 0 done, 1 failed, 2 wrong use, "
            "3 done with refused rows, 130 interrupted."
        ),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    tree.callback()(_root)
    for name, place in COMMANDS.items():
        tree.command(name, help=place.help)(_stand_in)
    return tree


def _stand_in() -> None:
    """Listed by --help in place of a command that is not imported yet."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. A bug propagates, but --json gets its document."""
    wants_json = "--json" in arguments
    ended = False
    try:
        code = _ended(arguments, wants_json)
        ended = True
    finally:
        if wants_json and not ended:
            message = "this is a bug in Lapwing; standard error says where"
            write_json({"error": {"code": "crashed", "message": message}})
    return code


def _ended(arguments: Sequence[str], wants_json: bool) -> int:
    try:
        code = _tree()(args=list(arguments), prog_name="lapwing", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        return _misused(error, wants_json)
    except LapwingError as error:
        _tell(error, wants_json)
        return WRONG_USE if isinstance(error, InvalidInput) else FAILED
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        return _unread()
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _say(wants_json, "failed", f"{place}{error.strerror or error}", {})
        return FAILED
    except SystemExit:
        # Typer leaves so when a reader such as `head` has gone.
        return _unread()
    if code == INTERRUPTED:
        _say(wants_json, "interrupted", "interrupted; what was committed stays", {})
    return code if isinstance(code, int) else DONE


def _unread() -> int:
    """Nobody reads standard output any more: say nothing more on it, at exit either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    return FAILED


def _misused(error: typer.TyperException, wants_json: bool) -> int:
    """A command line that does not parse. An empty message is help that was printed already."""
    message = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    if context is not None and message:
        eye.print(plain(context.get_usage()))
    if message:
        _say(wants_json, "wrong_use", message, {})
    if context is not None and message:
        eye.print(plain(f"`{context.command_path} -h` says more"))
    return WRONG_USE


def _tell(error: LapwingError, wants_json: bool) -> None:
    where = {
        name: value
        for name in ("field", "line", "column", "position")
        if (value := getattr(error, name, None)) is not None
    }
    _say(wants_json, error.code, error.message, where)


def _say(wants_json: bool, code: str, message: str, where: dict[str, Any]) -> None:
    if wants_json:
        write_json({"error": {"code": code, "message": message, **where}})
    place = ", ".join(f"{name} {value}" for name, value in where.items())
    eye.print("[bold red]lapwing:[/]", plain(message + (f" ({place})" if place else "")))
