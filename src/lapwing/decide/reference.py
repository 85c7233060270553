"""The tables of docs/rules.md, written from the language itself; a test holds the two together.

`python -m lapwing.decide.reference docs/rules.md` prints the document with fresh tables.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from lapwing.decide.fields import FIELDS
from lapwing.decide.functions import FILTERS, FUNCTIONS, QUERIES
from lapwing.decide.types import Type
from lapwing.model.decisions import Action


def field_table() -> str:
    rows = (
        (
            f"`{field.name}`",
            _described(field.type),
            "may be absent" if field.type.optional else "",
            field.meaning,
        )
        for field in FIELDS.values()
    )
    return _table(("field", "type", "", "meaning"), rows)


def function_table() -> str:
    rows = [
        (
            f"`{function.name}({', '.join(name for name, _ in function.parameters)})`",
            function.result.base.value,
            function.meaning,
        )
        for function in FUNCTIONS.values()
    ]
    rows += [
        (f"`{query.name}(…)`", query.result.base.value, query.meaning) for query in QUERIES.values()
    ]
    return _table(("function", "gives", "meaning"), rows)


def filter_table() -> str:
    rows = (
        (f"`{name}=`", _described(type_), meaning) for name, (type_, meaning) in FILTERS.items()
    )
    return _table(("filter", "type", "keeps findings with"), rows)


def action_list() -> str:
    return ", ".join(f"`{action.value}`" for action in Action)


_PARTS = {
    "fields": field_table,
    "functions": function_table,
    "filters": filter_table,
    "actions": action_list,
}


def written(document: str) -> str:
    """The document with every part between `<!-- name -->` and `<!-- /name -->` written anew."""
    for name, part in _PARTS.items():
        between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        document = between.sub(lambda found: f"{found[1]}{part()}\n{found[2]}", document)  # noqa: B023
    return document


def _described(type_: Type) -> str:
    if type_.choices:
        return " · ".join(f"`{choice}`" for choice in type_.choices)
    return type_.base.value


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(written(Path(sys.argv[1]).read_text("utf-8")))
