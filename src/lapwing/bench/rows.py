"""One row of a table of measurements."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def row(what: str, median: float, unit: str, note: str) -> Row:
    """Numbers of 100 and more without decimals, the others with three."""
    shown = round(median) if median >= 100 else round(median, 3)
    return {"what": what, "median": shown, "unit": unit, "note": note}
