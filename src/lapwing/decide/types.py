"""The types of the rule language."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace


class Base(StrEnum):
    """What a value is, in the words of error messages and of docs/rules.md."""

    YES_NO = "yes/no"
    WHOLE = "whole number"
    NUMBER = "number"
    TEXT = "text"
    TEXTS = "list of text"


NUMERIC = frozenset({Base.WHOLE, Base.NUMBER})


class Type(Struct, frozen=True):
    """`optional` values may be absent; `choices` are all that a text may be."""

    base: Base
    optional: bool = False
    choices: tuple[str, ...] | None = None

    @property
    def present(self) -> Type:
        return replace(self, optional=False) if self.optional else self

    @property
    def numeric(self) -> bool:
        return self.base in NUMERIC

    def __str__(self) -> str:
        if self.choices:
            return " or ".join(repr(choice) for choice in self.choices)
        return self.base.value


YES_NO = Type(Base.YES_NO)
WHOLE = Type(Base.WHOLE)
NUMBER = Type(Base.NUMBER)
TEXT = Type(Base.TEXT)
TEXTS = Type(Base.TEXTS)


def joined(one: Type, other: Type) -> Type | None:
    """The type of a value that is either; None where the two have nothing in common."""
    optional = one.optional or other.optional
    if one.base is other.base:
        choices = None
        if one.choices and other.choices:
            choices = tuple(dict.fromkeys(one.choices + other.choices))
        return Type(one.base, optional, choices)
    if one.numeric and other.numeric:
        return Type(Base.NUMBER, optional)
    return None
