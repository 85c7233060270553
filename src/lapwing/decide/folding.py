"""What is left of a rule once some of what it reads is known.

Used when a pack is loaded: for each kind of item it tells which rules can hold at all, and which
can hold for an item without findings, so that a batch without findings costs next to nothing.
It is a second, separate account of what the language means; tests hold it against `compiling`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeGuard

from lapwing.decide import tree
from lapwing.decide.fields import Root
from lapwing.decide.tree import Constant, Node, combine
from lapwing.decide.types import YES_NO

Known = Callable[[tree.Read | tree.Ask], Constant | None]
"""The value of something that is read, or None where it is not known."""

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
YES, NO = Constant(True, YES_NO), Constant(False, YES_NO)


def of_kind(kind: str, *, quiet: bool) -> Known:
    """What is known of every item of a kind; `quiet`: of those without findings."""

    def known(node: tree.Read | tree.Ask) -> Constant | None:
        if isinstance(node, tree.Ask):
            return Constant(node.query.empty, node.type) if quiet else None
        if node.field.root is Root.KIND:
            return Constant(kind, node.type)
        if node.field.only_kind not in (None, kind):
            return Constant(None, node.type)
        return None

    return known


def fold(node: Node, known: Known) -> Node:
    """An equal tree, with every part that follows from what is known worked out."""
    match node:
        case Constant():
            return node
        case tree.Read() | tree.Ask():
            return known(node) or node
        case tree.Holds():
            operand = fold(node.operand, known)
            return _yes_no(operand.value is True) if _fixed(operand) else tree.Holds(operand)
        case tree.Not():
            operand = fold(node.operand, known)
            return _yes_no(not operand.value) if _fixed(operand) else tree.Not(operand)
        case tree.Every():
            return _fold_every(node, known)
        case tree.Some():
            return _fold_some(node, known)
        case tree.Compare():
            return _fold_compare(node, known)
        case tree.Within():
            return _fold_within(node, known)
        case tree.Absent():
            operand = fold(node.operand, known)
            if _fixed(operand):
                return _yes_no((operand.value is None) is not node.negated)
            return replace(node, operand=operand)
        case tree.Choose():
            test = fold(node.test, known)
            if _fixed(test):
                return fold(node.then if test.value else node.otherwise, known)
            return replace(
                node,
                test=test,
                then=fold(node.then, known),
                otherwise=fold(node.otherwise, known),
            )
        case tree.Arithmetic():
            return _fold_arithmetic(node, known)
        case tree.Call():
            arguments = tuple(fold(argument, known) for argument in node.arguments)
            if all(_fixed(argument) for argument in arguments):
                values = [argument.value for argument in arguments if _fixed(argument)]
                return Constant(node.function.does(*values), node.type)
            return replace(node, arguments=arguments)


def _fold_every(node: tree.Every, known: Known) -> Node:
    left = [fold(operand, known) for operand in node.operands]
    if any(_fixed(operand) and not operand.value for operand in left):
        return NO
    open_ = tuple(operand for operand in left if not _fixed(operand))
    return tree.Every(open_) if open_ else YES


def _fold_some(node: tree.Some, known: Known) -> Node:
    left = [fold(operand, known) for operand in node.operands]
    if any(_fixed(operand) and operand.value for operand in left):
        return YES
    open_ = tuple(operand for operand in left if not _fixed(operand))
    return tree.Some(open_) if open_ else NO


def _fold_compare(node: tree.Compare, known: Known) -> Node:
    operands = tuple(fold(operand, known) for operand in node.operands)
    if any(_fixed(operand) and operand.value is None for operand in operands):
        return NO
    for left, sign, right in zip(operands, node.operators, operands[1:], strict=False):
        if _fixed(left) and _fixed(right) and not _COMPARE[sign](left.value, right.value):
            return NO
    if all(_fixed(operand) for operand in operands):
        return YES
    return replace(node, operands=operands)


def _fold_within(node: tree.Within, known: Known) -> Node:
    operand = fold(node.operand, known)
    if _fixed(operand) and operand.value is None:
        return NO
    members = node.members
    if not isinstance(members, frozenset):
        members = fold(members, known)
        if _fixed(members) and members.value is None:
            return NO
        if _fixed(operand) and _fixed(members) and isinstance(members.value, tuple):
            return _yes_no((operand.value in members.value) is not node.negated)
    elif _fixed(operand):
        return _yes_no((operand.value in members) is not node.negated)
    return replace(node, operand=operand, members=members)


def _fold_arithmetic(node: tree.Arithmetic, known: Known) -> Node:
    left, right = fold(node.left, known), fold(node.right, known)
    for side in (left, right):
        if _fixed(side) and side.value is None:
            return Constant(None, node.type)
    if isinstance(left, Constant) and isinstance(right, Constant):
        one, other = left.value, right.value
        if isinstance(one, int | float) and isinstance(other, int | float):
            return Constant(combine(node.operator, one, other), node.type)
    return replace(node, left=left, right=right)


def _fixed(node: Node) -> TypeGuard[Constant]:
    return isinstance(node, Constant)


def _yes_no(value: bool) -> Constant:
    return YES if value else NO
