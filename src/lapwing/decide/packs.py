"""Rule packs: TOML files of rules, each with its reason, its source and the day it was reviewed.

Everything is checked when a pack is loaded. A pack can ask only for the actions of
`lapwing.model.decisions.Action`; none of those reports to an authority or accuses anyone.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from lapwing.decide.language import Condition, condition
from lapwing.model.decisions import Action
from lapwing.model.errors import InvalidInput, LimitExceeded, NotFound

MAX_PACK = 256 * 1024
"""Characters in a pack."""
MAX_RULES = 500
MAX_LINE = 300
"""Characters in a title, a reason or a source."""

_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PACK_KEYS = ("id", "title", "source", "reviewed", "rules")
_RULE_KEYS = ("id", "when", "actions", "why", "source", "reviewed")
_RULE_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*rules[ \t]*\]\]", re.MULTILINE)
_WHEN = re.compile(r"^[ \t]*when[ \t]*=", re.MULTILINE)
_TOML_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    when: Condition
    actions: tuple[Action, ...]
    why: str
    """One plain sentence for the caller."""
    source: str
    reviewed: date


@dataclass(frozen=True, slots=True)
class Pack:
    id: str
    title: str
    source: str
    reviewed: date
    rules: tuple[Rule, ...]
    version: str
    """First 12 hex digits of the SHA-256 of its text: what a decision refers to."""

    @property
    def name(self) -> str:
        """`id@version`, as written into decisions."""
        return f"{self.id}@{self.version}"


def load_pack(text: str, name: str) -> Pack:
    """The pack of a TOML text; `name` is its file's name, for messages.

    Raises InvalidInput that names file, rule, line and column.
    """
    text = text.replace("\r\n", "\n")
    if len(text) > MAX_PACK:
        raise LimitExceeded(f"{name}: a pack has at most {MAX_PACK} characters")
    try:
        version = hashlib.sha256(text.encode()).hexdigest()[:12]
        document = tomllib.loads(text)
    except UnicodeEncodeError:
        raise InvalidInput(f"{name}: it holds halves of characters (lone surrogates)") from None
    except ValueError as error:
        # tomllib's own error is one, and so is a number of more digits than Python reads.
        raise _not_toml(name, str(error)) from None
    except RecursionError:
        raise InvalidInput(f"{name}: brackets are nested too deep") from None
    entries = document.get("rules")
    _require_keys(document, _PACK_KEYS, name)
    if not isinstance(entries, list) or not entries:
        raise InvalidInput(f"{name}: a pack needs at least one [[rules]]", field="rules")
    if len(entries) > MAX_RULES:
        raise LimitExceeded(f"{name}: a pack has at most {MAX_RULES} rules", field="rules")
    starts = [found.start() for found in _RULE_HEADER.finditer(text)]
    places = starts if len(starts) == len(entries) else [None] * len(entries)
    rules: dict[str, Rule] = {}
    for entry, start in zip(entries, places, strict=True):
        rule = _rule(entry, text, start, name, number=len(rules) + 1)
        if rule.id in rules:
            taken = InvalidInput("the id is taken", field="id")
            raise _fault(f"{name}, rule {rule.id!r}", text, start, taken)
        rules[rule.id] = rule
    return Pack(
        id=_identity(document["id"], name),
        title=_line(document["title"], "title", name),
        source=_line(document["source"], "source", name),
        reviewed=_day(document["reviewed"], name),
        rules=tuple(rules.values()),
        version=version,
    )


@cache
def shipped_pack(name: str = "known_material") -> Pack:
    """A pack that ships with Lapwing. Raises NotFound."""
    for pack in shipped_packs():
        if pack.id == name:
            return pack
    raise NotFound(f"no pack called {name!r} ships with Lapwing")


@cache
def shipped_packs() -> tuple[Pack, ...]:
    """Every pack in `decide/packs/`, ordered by file name."""
    folder = files("lapwing.decide").joinpath("packs")
    found = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".toml")),
        key=lambda file: file.name,
    )
    return tuple(load_pack(file.read_text("utf-8"), file.name) for file in found)


def _rule(entry: Any, text: str, start: int | None, file: str, number: int) -> Rule:
    known = entry.get("id") if isinstance(entry, dict) else None
    where = f"{file}, rule {known!r}" if isinstance(known, str) else f"{file}, rule number {number}"
    try:
        if not isinstance(entry, dict):
            raise InvalidInput("a rule is a table: [[rules]]")
        _require_keys(entry, _RULE_KEYS)
        return Rule(
            id=_identity(entry["id"]),
            when=_condition(entry["when"]),
            actions=_actions(entry["actions"]),
            why=_line(entry["why"], "why"),
            source=_line(entry["source"], "source"),
            reviewed=_day(entry["reviewed"]),
        )
    except InvalidInput as error:
        if error.field == "when" and error.line is not None:
            raise _fault_in_when(where, text, start, entry["when"], error) from None
        raise _fault(where, text, start, error) from None


def _condition(text: Any) -> Condition:
    if not isinstance(text, str):
        raise InvalidInput("when must be text", field="when")
    try:
        return condition(text)
    except InvalidInput as error:
        raise type(error)(
            error.message, field="when", line=error.line, column=error.column
        ) from None


def _actions(names: Any) -> tuple[Action, ...]:
    if not isinstance(names, list) or not names:
        raise InvalidInput("actions must be a list of at least one", field="actions")
    known = {action.value: action for action in Action}
    actions: dict[Action, None] = {}
    for name in names:
        if not isinstance(name, str) or name not in known:
            raise InvalidInput(
                f"there is no action {name!r}; there are {', '.join(known)}", field="actions"
            )
        actions[known[name]] = None
    if Action.ALLOW in actions and len(actions) > 1:
        raise InvalidInput("allow stands alone", field="actions")
    return tuple(actions)


def _require_keys(table: Mapping[str, Any], keys: tuple[str, ...], where: str = "") -> None:
    lead = f"{where}: " if where else ""
    for key in keys:
        if key not in table:
            raise InvalidInput(f"{lead}{key} is missing", field=key)
    for key in table:
        if key not in keys:
            raise InvalidInput(
                f"{lead}{key!r} is not known here; there are {', '.join(keys)}", field=key
            )


def _identity(value: Any, where: str = "") -> str:
    lead = f"{where}: " if where else ""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise InvalidInput(
            f"{lead}an id is lower-case letters, digits and _, a letter first", field="id"
        )
    return value


def _line(value: Any, key: str, where: str = "") -> str:
    lead = f"{where}: " if where else ""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise InvalidInput(f"{lead}{key} must be one line of text", field=key)
    if len(value) > MAX_LINE:
        raise LimitExceeded(f"{lead}{key} has at most {MAX_LINE} characters", field=key)
    return value.strip()


def _day(value: Any, where: str = "") -> date:
    lead = f"{where}: " if where else ""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise InvalidInput(f"{lead}reviewed must be a day, as in 2026-01-31", field="reviewed")
    return value


# Places


def _not_toml(name: str, message: str) -> InvalidInput:
    found = _TOML_PLACE.search(message)
    line, column = (int(found[1]), int(found[2])) if found else (None, None)
    return InvalidInput(f"{name}: not TOML: {message}", line=line, column=column)


def _fault(where: str, text: str, start: int | None, error: InvalidInput) -> InvalidInput:
    """The error with the line on which its rule begins."""
    line = None if start is None else text.count("\n", 0, start) + 1
    at = "" if line is None else f", line {line}"
    return type(error)(f"{where}{at}: {error.message}", field=error.field, line=line)


def _fault_in_when(
    where: str, text: str, start: int | None, when: str, error: InvalidInput
) -> InvalidInput:
    """Line and column in the file, where the rule's text stands there as it is (no escapes)."""
    line, column = error.line or 1, error.column or 1
    key = None if start is None else _WHEN.search(text, start)
    at = text.find(when, key.end()) if key else -1
    if at < 0:
        return type(error)(
            f"{where}, line {line}, column {column} of its condition: {error.message}",
            field="when",
            line=line,
            column=column,
        )
    if line == 1:
        column += at - (text.rfind("\n", 0, at) + 1)
    line += text.count("\n", 0, at)
    return type(error)(
        f"{where}, line {line}, column {column}: {error.message}",
        field="when",
        line=line,
        column=column,
    )
