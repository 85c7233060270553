"""From Python's syntax tree to a checked tree of the rule language.

What is not named here does not exist in the language. Every refusal is an InvalidInput with line
and column, in words for the author of the rule.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable
from difflib import get_close_matches
from typing import NoReturn

from lapwing.decide import tree
from lapwing.decide.fields import FIELDS, NAMESPACES
from lapwing.decide.functions import FILTERS, FUNCTIONS, QUERIES, Query
from lapwing.decide.syntax import place
from lapwing.decide.tree import MAX_WHOLE, Node, Value
from lapwing.decide.types import NUMBER, TEXT, WHOLE, YES_NO, Base, Type, joined
from lapwing.model.errors import InvalidInput

MAX_TEXT = 500
"""Characters in a text written in a rule."""
MAX_MEMBERS = 200
"""Values to the right of `in`."""

_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
_STRANGERS: dict[type[ast.AST], str] = {
    ast.Lambda: "lambda",
    ast.NamedExpr: "`:=`",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.JoinedStr: 'a text with values in it (f"…")',
    ast.Subscript: "`[…]` after a value",
    ast.Dict: "a dictionary",
    ast.Starred: "`*`",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.Tuple: "a list of values other than after `in`",
    ast.List: "a list of values other than after `in`",
    ast.Set: "a list of values other than after `in`",
}


def check(expression: ast.expr, text: str) -> Node:
    """The checked tree of a rule; it holds or it does not. Raises InvalidInput."""
    return _Checker(text).condition(expression)


class _Checker:
    def __init__(self, text: str) -> None:
        self._text = text

    def refuse(self, node: ast.expr, message: str) -> NoReturn:
        line, column = place(node, self._text)
        raise InvalidInput(message, line=line, column=column)

    def condition(self, node: ast.expr) -> Node:
        """A node where yes/no is asked."""
        checked = self.value(node)
        if checked.type.base is not Base.YES_NO:
            self.refuse(node, f"yes/no is needed here, this is a {checked.type.base}")
        return tree.Holds(checked) if checked.type.optional else checked

    def value(self, node: ast.expr) -> Node:
        match node:
            case ast.Constant():
                return self.constant(node)
            case ast.Attribute():
                return self.field(node)
            case ast.BoolOp():
                operands = tuple(self.condition(operand) for operand in node.values)
                return (tree.Every if isinstance(node.op, ast.And) else tree.Some)(operands)
            case ast.UnaryOp():
                return self.unary(node)
            case ast.BinOp():
                return self.arithmetic(node)
            case ast.Compare():
                return self.comparison(node)
            case ast.IfExp():
                return self.choice(node)
            case ast.Call():
                return self.call(node)
            case ast.Name():
                return self.name(node)
        stranger = _STRANGERS.get(type(node), "this")
        self.refuse(node, f"{stranger} is not part of the rule language")

    def name(self, node: ast.Name) -> NoReturn:
        if node.id in NAMESPACES:
            example = f"{node.id}.{NAMESPACES[node.id][0]}"
            self.refuse(node, f"{node.id!r} is not a value; name a field of it, such as {example}")
        if node.id in FUNCTIONS or node.id in QUERIES:
            self.refuse(node, f"{node.id!r} is a function; call it: {node.id}(…)")
        known = (*NAMESPACES, *FUNCTIONS, *QUERIES, "True", "False")
        self.refuse(node, f"unknown name {node.id!r}{_meant(node.id, known)}")

    def constant(self, node: ast.Constant) -> tree.Constant:
        match node.value:
            case bool():
                return tree.Constant(node.value, YES_NO)
            case int():
                if abs(node.value) > MAX_WHOLE:
                    self.refuse(node, f"whole numbers go up to {MAX_WHOLE}")
                return tree.Constant(node.value, WHOLE)
            case float():
                if not math.isfinite(node.value):
                    self.refuse(node, "this number is too large")
                return tree.Constant(node.value, NUMBER)
            case str():
                if len(node.value) > MAX_TEXT:
                    self.refuse(node, f"a text in a rule has at most {MAX_TEXT} characters")
                return tree.Constant(node.value, TEXT)
            case None:
                self.refuse(node, "None stands only after `is` and `is not`")
        self.refuse(node, f"{type(node.value).__name__} values are not part of the rule language")

    def field(self, node: ast.Attribute) -> tree.Read:
        if not isinstance(node.value, ast.Name):
            self.refuse(node, "a field is written as in item.kind: one name, a dot, one name")
        space, name = node.value.id, node.attr
        if space not in NAMESPACES:
            self.refuse(node.value, f"unknown name {space!r}{_meant(space, NAMESPACES)}")
        field = FIELDS.get(f"{space}.{name}")
        if field is None:
            self.refuse(node, f"{space!r} has no field {name!r}{_meant(name, NAMESPACES[space])}")
        return tree.Read(field)

    def unary(self, node: ast.UnaryOp) -> Node:
        if isinstance(node.op, ast.Not):
            return tree.Not(self.condition(node.operand))
        if not isinstance(node.op, ast.USub):
            self.refuse(node, "of the signs before a value, only `not` and `-` are known")
        operand = self.number(node.operand)
        zero = tree.Constant(0, WHOLE)
        return tree.Arithmetic(zero, "-", operand, operand.type)

    def number(self, node: ast.expr) -> Node:
        checked = self.value(node)
        if not checked.type.numeric:
            self.refuse(node, f"a number is needed here, this is a {checked.type.base}")
        return checked

    def arithmetic(self, node: ast.BinOp) -> Node:
        operator = _ARITHMETIC.get(type(node.op))
        if operator is None:
            self.refuse(node, "of arithmetic, only + - * are part of the rule language")
        left, right = self.number(node.left), self.number(node.right)
        result = joined(left.type, right.type)
        if result is None:
            self.refuse(node, f"a {left.type.base} and a {right.type.base} do not go together")
        return tree.Arithmetic(left, operator, right, result)

    def choice(self, node: ast.IfExp) -> Node:
        test = self.condition(node.test)
        then, otherwise = self.value(node.body), self.value(node.orelse)
        result = joined(then.type, otherwise.type)
        if result is None:
            self.refuse(
                node.orelse,
                f"both sides must be of one type: {then.type.base} and {otherwise.type.base}",
            )
        return tree.Choose(test, then, otherwise, result)

    # Comparisons

    def comparison(self, node: ast.Compare) -> Node:
        if len(node.ops) == 1:
            operator, right = node.ops[0], node.comparators[0]
            if isinstance(operator, ast.In | ast.NotIn):
                return self.membership(node.left, right, isinstance(operator, ast.NotIn))
            if isinstance(operator, ast.Is | ast.IsNot):
                return self.absence(node.left, right, isinstance(operator, ast.IsNot))
        written = [node.left, *node.comparators]
        signs = [_SIGNS.get(type(operator), "") for operator in node.ops]
        if "" in signs:
            self.refuse(
                written[signs.index("") + 1], "`in` and `is` stand alone: join them with `and`"
            )
        operands = [self.value(operand) for operand in written]
        for at, sign in enumerate(signs):
            self.comparable(written[at], written[at + 1], operands[at], operands[at + 1], sign)
        return tree.Compare(tuple(operands), tuple(signs))

    def comparable(
        self, left_node: ast.expr, right_node: ast.expr, left: Node, right: Node, sign: str
    ) -> None:
        if joined(left.type, right.type) is None:
            self.refuse(
                right_node,
                f"{left.type.base} cannot be compared with {right.type.base}: "
                f"`{sign}` needs two of one type",
            )
        if left.type.base is Base.TEXTS:
            self.refuse(left_node, "a list cannot be compared; use `in` or len(…)")
        if sign not in ("==", "!=") and not left.type.numeric:
            self.refuse(left_node, f"a {left.type.base} has no order; only == and != compare it")
        self.possible(right_node, left.type, right)
        self.possible(left_node, right.type, left)

    def possible(self, node: ast.expr, allowed: Type, other: Node) -> None:
        """Refuse a text that the value beside it can never be."""
        if isinstance(other, tree.Constant) and allowed.choices and isinstance(other.value, str):
            self.one_of(node, other.value, allowed.choices)

    def one_of(self, node: ast.expr, value: str, choices: Iterable[str]) -> None:
        choices = tuple(choices)
        if value not in choices:
            meant = _meant(value, choices)
            self.refuse(
                node, f"{value!r} is never met here: it is one of {', '.join(choices)}{meant}"
            )

    def absence(self, left: ast.expr, right: ast.expr, negated: bool) -> Node:
        if not (isinstance(right, ast.Constant) and right.value is None):
            self.refuse(right, "after `is` comes only None; compare with ==")
        operand = self.value(left)
        if not operand.type.optional:
            self.refuse(left, "this is never absent")
        return tree.Absent(operand, negated)

    def membership(self, left: ast.expr, right: ast.expr, negated: bool) -> Node:
        operand = self.value(left)
        if operand.type.base is Base.TEXTS:
            self.refuse(left, "a list cannot be in a list")
        if isinstance(right, ast.Tuple | ast.List | ast.Set):
            return tree.Within(operand, self.members(operand, right), negated)
        container = self.value(right)
        if container.type.base is Base.TEXT:
            self.refuse(right, "to look inside a text use contains(text, part)")
        if container.type.base is not Base.TEXTS or operand.type.base is not Base.TEXT:
            self.refuse(right, f"a {operand.type.base} is never in a {container.type.base}")
        return tree.Within(operand, container, negated)

    def members(self, operand: Node, right: ast.Tuple | ast.List | ast.Set) -> frozenset[Value]:
        if not 1 <= len(right.elts) <= MAX_MEMBERS:
            self.refuse(right, f"a list has between 1 and {MAX_MEMBERS} values")
        values: set[Value] = set()
        for element in right.elts:
            value = self.literal(element)
            if joined(operand.type, value.type) is None:
                self.refuse(element, f"a {operand.type.base} is never equal to a {value.type.base}")
            self.possible(element, operand.type, value)
            values.add(_plain(value))
        return frozenset(values)

    def literal(self, node: ast.expr) -> tree.Constant:
        """A value written out: True, 3, -0.5, "text"."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            constant = self.literal(node.operand)
            if isinstance(constant.value, int | float) and constant.type.numeric:
                return tree.Constant(-constant.value, constant.type)
        if not isinstance(node, ast.Constant):
            self.refuse(node, "only a value written out can stand here")
        return self.constant(node)

    # Calls

    def call(self, node: ast.Call) -> Node:
        if not isinstance(node.func, ast.Name):
            self.refuse(node.func, "only the functions of the rule language can be called")
        name = node.func.id
        if name in QUERIES:
            return self.query(node, QUERIES[name])
        if name not in FUNCTIONS:
            meant = _meant(name, (*FUNCTIONS, *QUERIES))
            self.refuse(node.func, f"there is no function {name!r}{meant}")
        function = FUNCTIONS[name]
        shape = ", ".join(parameter for parameter, _ in function.parameters)
        if node.keywords or len(node.args) != len(function.parameters):
            self.refuse(node, f"call it as {name}({shape})")
        arguments = []
        for argument, (parameter, types) in zip(node.args, function.parameters, strict=True):
            value = self.value(argument)
            if value.type.base not in {one.base for one in types}:
                wanted = " or ".join(one.base for one in types)
                self.refuse(
                    argument, f"{name}: {parameter} must be {wanted}, this is {value.type.base}"
                )
            arguments.append(value)
        optional = function.absent_in_absent_out and any(one.type.optional for one in arguments)
        result = Type(function.result.base, optional)
        return tree.Call(function, tuple(arguments), result)

    def query(self, node: ast.Call, query: Query) -> Node:
        if node.args:
            self.refuse(node.args[0], f'name what is meant, as in {query.name}(kind="known_media")')
        filters: list[tuple[str, Value]] = []
        for keyword in node.keywords:
            name = keyword.arg or "**"
            if name not in FILTERS:
                meant = _meant(name, FILTERS)
                self.refuse(keyword.value, f"{query.name} has no filter {name!r}{meant}")
            if name in dict(filters):
                self.refuse(keyword.value, f"{name} is named twice")
            wanted, _ = FILTERS[name]
            value = self.literal(keyword.value)
            fits = joined(wanted, value.type)
            if fits is None or (wanted.base is Base.WHOLE and fits.base is not Base.WHOLE):
                self.refuse(keyword.value, f"{name} must be {wanted}, this is {value.type.base}")
            self.possible(keyword.value, wanted, value)
            filters.append((name, _plain(value)))
        return tree.Ask(query, tuple(filters))


def _plain(constant: tree.Constant) -> Value:
    if constant.value is None or isinstance(constant.value, tuple):
        raise TypeError("a rule cannot write this constant")
    return constant.value


def _meant(written: str, known: Iterable[str]) -> str:
    close = get_close_matches(written, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
