"""From a checked tree to one Python function.

The syntax tree that is compiled is built here, node by node, from the checked tree: no text of a
rule reaches the compiler. The function sees no builtins, only the constants and the allow-listed
functions put beside it, and its four parameters.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from lapwing.decide import tree
from lapwing.decide.fields import Field, Root
from lapwing.decide.functions import selecting
from lapwing.decide.tree import Node, combine
from lapwing.model.findings import Finding
from lapwing.model.items import Item
from lapwing.model.organisations import Organisation

Holds = Callable[[Item, str, Sequence[Finding], Organisation, int | None], bool]
"""(item, kind of the item, findings, organisation, bank generation) → whether the rule holds."""

_FINDINGS = "findings"
_PARAMETERS = (Root.ITEM, Root.KIND, _FINDINGS, Root.ORGANISATION, Root.GENERATION)
_SIGNS: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}


def compiled(node: Node) -> Holds:
    """The function of a checked yes/no tree. It is total: it returns True or False for any item."""
    writer = _Writer()
    body = writer.write(node)
    arguments = ast.arguments(
        posonlyargs=[ast.arg(arg=str(name)) for name in _PARAMETERS],
        args=[],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    module = ast.Expression(ast.Lambda(args=arguments, body=body))
    code = compile(ast.fix_missing_locations(module), "<rule>", "eval")
    function: Holds = eval(code, {"__builtins__": {}, **writer.beside})  # noqa: S307
    return function


class _Writer:
    """Writes a tree as Python. `beside` holds what the code refers to by name."""

    def __init__(self) -> None:
        self.beside: dict[str, Any] = {}
        self._held = 0

    def write(self, node: Node) -> ast.expr:
        match node:
            case tree.Constant():
                return self._constant(node)
            case tree.Read():
                return self._read(node.field)
            case tree.Holds():
                return _is(self.write(node.operand), True)
            case tree.Not():
                return ast.UnaryOp(ast.Not(), self.write(node.operand))
            case tree.Every():
                return ast.BoolOp(ast.And(), [self.write(one) for one in node.operands])
            case tree.Some():
                return ast.BoolOp(ast.Or(), [self.write(one) for one in node.operands])
            case tree.Compare():
                return self._compare(node)
            case tree.Within():
                return self._within(node)
            case tree.Absent():
                return _is(self.write(node.operand), None, negated=node.negated)
            case tree.Choose():
                return ast.IfExp(
                    self.write(node.test), self.write(node.then), self.write(node.otherwise)
                )
            case tree.Arithmetic():
                return self._arithmetic(node)
            case tree.Call():
                function = self._beside(node.function.does)
                return ast.Call(function, [self.write(one) for one in node.arguments], [])
            case tree.Ask():
                select, gather = selecting(node.as_filter), node.query.gather
                return ast.Call(
                    self._beside(lambda findings: gather(select(findings))), [_name(_FINDINGS)], []
                )

    def _constant(self, node: tree.Constant) -> ast.expr:
        if isinstance(node.value, tuple):
            return self._beside(node.value)
        return ast.Constant(node.value)

    def _read(self, field: Field) -> ast.expr:
        value: ast.expr = _name(field.root)
        if field.attribute is not None:
            value = ast.Attribute(value, field.attribute, ast.Load())
        if field.reader is not None:
            value = ast.Call(self._beside(field.reader), [value], [])
        if field.only_kind is None:
            return value
        right_kind = ast.Compare(_name(Root.KIND), [ast.Eq()], [ast.Constant(field.only_kind)])
        return ast.IfExp(right_kind, value, ast.Constant(None))

    def _compare(self, node: tree.Compare) -> ast.expr:
        """Every operand is written once, and looked at only while the comparison may still hold."""
        if not any(operand.type.optional for operand in node.operands):
            first, *rest = [self.write(operand) for operand in node.operands]
            return ast.Compare(first, [_SIGNS[sign]() for sign in node.operators], rest)
        parts: list[ast.expr] = []
        before = None
        for at, operand in enumerate(node.operands):
            value = self.write(operand)
            if isinstance(operand, tree.Constant) and operand.value is not None:
                again: ast.expr = value
            else:
                again, present = self._present(value)
                parts.append(present)
            if before is not None:
                parts.append(ast.Compare(before, [_SIGNS[node.operators[at - 1]]()], [again]))
            before = again
        return _all(parts)

    def _within(self, node: tree.Within) -> ast.expr:
        sign = ast.NotIn() if node.negated else ast.In()
        parts: list[ast.expr] = []
        value = self.write(node.operand)
        if node.operand.type.optional:
            value, present = self._present(value)
            parts.append(present)
        if isinstance(node.members, frozenset):
            members: ast.expr = self._beside(node.members)
        else:
            members = self.write(node.members)
            if node.members.type.optional:
                members, present = self._present(members)
                parts.append(present)
        parts.append(ast.Compare(value, [sign], [members]))
        return _all(parts)

    def _arithmetic(self, node: tree.Arithmetic) -> ast.expr:
        parts: list[ast.expr] = []
        sides = []
        for side in (node.left, node.right):
            value = self.write(side)
            if side.type.optional:
                value, present = self._present(value)
                parts.append(present)
            sides.append(value)
        result: ast.expr = ast.Call(
            self._beside(combine), [ast.Constant(node.operator), *sides], []
        )
        if parts:
            result = ast.IfExp(_all(parts), result, ast.Constant(None))
        return result

    def _present(self, value: ast.expr) -> tuple[ast.expr, ast.expr]:
        """A name for the value, and the test that holds it under that name and is not absent."""
        self._held += 1
        name = f"_held_{self._held}"
        held = ast.NamedExpr(ast.Name(name, ast.Store()), value)
        return _name(name), _is(held, None, negated=True)

    def _beside(self, thing: Any) -> ast.expr:
        name = f"_{len(self.beside)}"
        self.beside[name] = thing
        return _name(name)


def _name(name: str) -> ast.Name:
    return ast.Name(str(name), ast.Load())


def _is(value: ast.expr, constant: bool | None, *, negated: bool = False) -> ast.expr:
    return ast.Compare(value, [ast.IsNot() if negated else ast.Is()], [ast.Constant(constant)])


def _all(parts: list[ast.expr]) -> ast.expr:
    return ast.BoolOp(ast.And(), parts) if len(parts) > 1 else parts[0]
