"""The rule language: a typed, total subset of Python's expressions (docs/rules.md).

A rule is checked when it is loaded and compiled once. It can read what `fields` lists, call what
`functions` lists, and nothing else; it has no loops, no assignment and no way to raise, so it
answers True or False for every item, in time bounded by its own length and the item's.
"""

from __future__ import annotations

from dataclasses import dataclass

from lapwing.decide import tree
from lapwing.decide.checking import check
from lapwing.decide.compiling import Holds, compiled
from lapwing.decide.folding import NO, fold, of_kind
from lapwing.decide.syntax import parse
from lapwing.model.errors import InvalidInput
from lapwing.model.items import ITEM_KINDS

KINDS = tuple(ITEM_KINDS)


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked rule. `kinds` and `quiet_kinds` say for which items `holds` is worth asking."""

    text: str
    tree: tree.Node
    holds: Holds
    kinds: frozenset[str]
    """Kinds of item for which it can hold."""
    quiet_kinds: frozenset[str]
    """Kinds of item for which it can hold although nothing was found."""


def condition(text: str) -> Condition:
    """Check and compile the text of a rule.

    Raises InvalidInput with line and column (both from 1) when it is no rule: an unknown field or
    function, types that do not fit, anything outside the language, too long, too deep, or a
    condition that no item can ever meet.
    """
    checked = check(parse(text), text)
    kinds = frozenset(k for k in KINDS if fold(checked, of_kind(k, quiet=False)) != NO)
    if not kinds:
        raise InvalidInput("no item can ever meet this", line=1, column=1)
    quiet = frozenset(k for k in kinds if fold(checked, of_kind(k, quiet=True)) != NO)
    return Condition(text, checked, compiled(checked), kinds, quiet)
