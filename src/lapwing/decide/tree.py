"""A checked rule as a tree. Only `checking` builds it, so every tree is well typed and bounded.

Absent values: a comparison with an absent value is false, whatever the operator; arithmetic with
one is absent; where yes/no is asked, absent is no.
"""

from __future__ import annotations

from dataclasses import dataclass

from lapwing.decide.fields import Field
from lapwing.decide.functions import Filter, Function, Query
from lapwing.decide.types import YES_NO, Type

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Constant:
    """`value` None is an absent value; rules cannot write it, folding can reach it."""

    value: Value | tuple[str, ...] | None
    type: Type


@dataclass(frozen=True, slots=True)
class Read:
    field: Field

    @property
    def type(self) -> Type:
        return self.field.type


@dataclass(frozen=True, slots=True)
class Holds:
    """An optional yes/no where plain yes/no is asked: absent is no."""

    operand: Node
    type: Type = YES_NO


@dataclass(frozen=True, slots=True)
class Not:
    operand: Node
    type: Type = YES_NO


@dataclass(frozen=True, slots=True)
class Every:
    """`and`"""

    operands: tuple[Node, ...]
    type: Type = YES_NO


@dataclass(frozen=True, slots=True)
class Some:
    """`or`"""

    operands: tuple[Node, ...]
    type: Type = YES_NO


@dataclass(frozen=True, slots=True)
class Compare:
    """`a < b <= c`: one operator fewer than operands; each of == != < <= > >=."""

    operands: tuple[Node, ...]
    operators: tuple[str, ...]
    type: Type = YES_NO


@dataclass(frozen=True, slots=True)
class Within:
    """`x in (…constants…)` or `x in list`; false where either is absent, negated or not."""

    operand: Node
    members: frozenset[Value] | Node
    negated: bool
    type: Type = YES_NO


@dataclass(frozen=True, slots=True)
class Absent:
    """`x is None`, or with `negated` `x is not None`."""

    operand: Node
    negated: bool
    type: Type = YES_NO


@dataclass(frozen=True, slots=True)
class Choose:
    """`then if test else otherwise`"""

    test: Node
    then: Node
    otherwise: Node
    type: Type


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """One of + - *. Whole numbers stay within ±2**53: results beyond are cut off there."""

    left: Node
    operator: str
    right: Node
    type: Type


@dataclass(frozen=True, slots=True)
class Call:
    function: Function
    arguments: tuple[Node, ...]
    type: Type


@dataclass(frozen=True, slots=True)
class Ask:
    """A question about the item's findings."""

    query: Query
    filters: tuple[tuple[str, Value], ...]

    @property
    def type(self) -> Type:
        return self.query.result

    @property
    def as_filter(self) -> Filter:
        return dict(self.filters)


Node = (
    Constant
    | Read
    | Holds
    | Not
    | Every
    | Some
    | Compare
    | Within
    | Absent
    | Choose
    | Arithmetic
    | Call
    | Ask
)

MAX_WHOLE = 2**53
"""Beyond this a double no longer tells whole numbers apart."""


def saturated(value: int) -> int:
    """The nearest whole number within ±MAX_WHOLE."""
    return max(-MAX_WHOLE, min(MAX_WHOLE, value))


def combine(operator: str, left: int | float, right: int | float) -> int | float:
    """Total arithmetic: whole numbers saturate, doubles go to infinity."""
    if isinstance(left, int):
        left = saturated(left)
    if isinstance(right, int):
        right = saturated(right)
    result = left + right if operator == "+" else left - right if operator == "-" else left * right
    return saturated(result) if isinstance(result, int) else result
