"""Measurements as Markdown tables between marks in a document, so that the words around stay."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lapwing.bench.suite import Measured
from lapwing.model.errors import InvalidInput

Cell = Any


def written(
    text: str, results: Mapping[str, Sequence[Measured]], made_on: str, options: str = ""
) -> str:
    """`text` with the tables of each result between `<!-- bench NAME -->` and `<!-- end -->`.

    `options` are those of the command that made them, with a space before.
    Raises InvalidInput when the document has no place for one of them.
    """
    for name, tables in results.items():
        place = re.compile(rf"(<!-- bench {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not place.search(text):
            raise InvalidInput(
                f"the document has no place for {name}: <!-- bench {name} --> … <!-- end -->",
                field="markdown",
            )
        body = f"`lapwing bench {name}{options}` on {made_on}:\n\n" + "\n".join(
            map(_section, tables)
        )
        text = place.sub(lambda found, body=body: f"{found[1]}{body}{found[2]}", text)  # type: ignore[misc]
    return text


def skeleton(names: Sequence[str]) -> str:
    """A document with a place for each, for a file that is not there yet."""
    places = (f"<!-- bench {name} -->\n<!-- end -->\n" for name in names)
    return "# What was measured\n\n" + "\n".join(places)


def columns_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every column, in the order in which they first turn up."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _section(table: Measured) -> str:
    columns = columns_of(table.rows)
    numeric = [all(_is_number(row.get(name)) for row in table.rows) for name in columns]
    lines = [
        f"**{table.title}**",
        "",
        _line(columns),
        _line("--:" if right else "---" for right in numeric),
        *(_line(_cell(row.get(name)) for name in columns) for row in table.rows),
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Any) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _is_number(value: Cell) -> bool:
    return value is None or isinstance(value, int | float)
