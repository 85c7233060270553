"""From the text of a rule to Python's syntax tree, within limits, with the place of every fault.

Nothing is evaluated here or later: the tree is only looked at, and whatever `checking` does not
know by name is refused.
"""

from __future__ import annotations

import ast
import io
import tokenize
import unicodedata
import warnings

from lapwing.model.errors import InvalidInput, LimitExceeded

MAX_LENGTH = 4000
"""Characters in a rule."""
MAX_TOKENS = 600
MAX_BRACKETS = 16
"""Brackets within brackets."""
MAX_DEPTH = 32
"""Steps from the top of the syntax tree to its deepest leaf."""

_OPEN, _CLOSED = "([{", ")]}"
_LAYOUT = frozenset(
    {tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT, tokenize.ENDMARKER, tokenize.ENCODING}
)


def parse(text: str) -> ast.expr:
    """The expression a rule consists of. Raises InvalidInput with line and column (from 1)."""
    if len(text) > MAX_LENGTH:
        raise LimitExceeded(f"a rule has at most {MAX_LENGTH} characters", line=1, column=1)
    if not text.strip():
        raise InvalidInput("the rule is empty", line=1, column=1)
    _check_characters(text)
    _check_tokens(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = ast.parse(_wrapped(text), mode="eval")
    except SyntaxError as error:
        raise _fault(text, error.msg, error.lineno, error.offset) from None
    except (ValueError, RecursionError, MemoryError):
        raise InvalidInput("this cannot be read as a rule", line=1, column=1) from None
    _check_depth(tree.body, text)
    return tree.body


def place(node: ast.expr, text: str) -> tuple[int, int]:
    """Line and column of a node in the rule's text, both from 1, in characters."""
    line = node.lineno - 1
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        return 1, 1
    before = lines[line - 1].encode("utf-8", "surrogatepass")[: node.col_offset]
    return line, len(before.decode("utf-8", "replace")) + 1


def _check_characters(text: str) -> None:
    for at, character in enumerate(text):
        if character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs"):
            line = text.count("\n", 0, at) + 1
            column = at - text.rfind("\n", 0, at)
            raise InvalidInput(
                f"the character U+{ord(character):04X} does not belong here",
                line=line,
                column=column,
            )


def _check_tokens(text: str) -> None:
    """Bound the work of the parser, and keep a rule from closing brackets it has not opened."""
    depth = count = 0
    last_line = text.count("\n") + 3
    try:
        for token in tokenize.generate_tokens(io.StringIO(_wrapped(text)).readline):
            line, column = token.start
            count += token.type not in _LAYOUT
            if count > MAX_TOKENS + 2:
                raise _limit(text, f"a rule has at most {MAX_TOKENS} words and signs", line, column)
            if token.type != tokenize.OP:
                continue
            depth += (token.string in _OPEN) - (token.string in _CLOSED)
            if depth > MAX_BRACKETS + 1:
                raise _limit(text, f"at most {MAX_BRACKETS} brackets in one another", line, column)
            if depth == 0 and line < last_line:
                raise _fault(text, "this bracket was never opened", line, column + 1)
    except tokenize.TokenError as error:
        reason, (line, column) = error.args
        raise _fault(text, str(reason), line, column + 1) from None
    except SyntaxError as error:
        raise _fault(text, error.msg, error.lineno, error.offset) from None


def _check_depth(root: ast.expr, text: str) -> None:
    level: list[ast.AST] = [root]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    deep = next((node for node in level if isinstance(node, ast.expr)), root)
    line, column = place(deep, text)
    raise LimitExceeded(f"the rule is nested more than {MAX_DEPTH} deep", line=line, column=column)


def _wrapped(text: str) -> str:
    """In brackets of our own, so that a rule may run over several lines."""
    return f"(\n{text}\n)"


def _limit(text: str, message: str, line: int, column: int) -> LimitExceeded:
    at = _fault(text, message, line, column + 1)
    return LimitExceeded(at.message, line=at.line, column=at.column)


def _fault(text: str, message: str, line: int | None, column: int | None) -> InvalidInput:
    """`line` counts our own opening bracket as the first."""
    lines = text.split("\n")
    at = min(max((line or 2) - 1, 1), len(lines))
    inside = min(max(column or 1, 1), len(lines[at - 1]) + 1)
    return InvalidInput(message, line=at, column=inside)
