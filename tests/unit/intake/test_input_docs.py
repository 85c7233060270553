"""docs/input.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lapwing.intake.columns import COLUMNS, PLURALS, check_header, fields_of, kind_named
from lapwing.intake.limits import Limits
from lapwing.intake.wire import RECORDS
from lapwing.model.items import ITEM_KINDS

DOCS = Path(__file__).parents[3] / "docs" / "input.md"


def sections() -> dict[str, str]:
    """Kind to the text below its heading."""
    parts = re.split(r"^##+ (.*)$", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("kind", list(COLUMNS))
def test_the_table_of_each_kind_is_the_codes_own(kind: str) -> None:
    heading = {one: many for many, one in PLURALS.items()}.get(kind, kind)
    rows = [
        line.split(" | ")
        for line in sections()[heading].splitlines()
        if line.startswith(("| `", "| **`"))
    ]
    expected = [
        [
            f"| **`{column.field}`**"
            if column.needed or column.field == "id"
            else f"| `{column.field}`",
            column.meaning,
            f"{column.form} |",
        ]
        for column in COLUMNS[kind]
    ]
    assert rows == expected


def test_every_field_of_every_record_is_documented() -> None:
    assert COLUMNS.keys() == RECORDS.keys() == ITEM_KINDS.keys()
    for kind, columns in COLUMNS.items():
        documented = {column.field for column in columns}
        assert fields_of(kind) - documented == {"kind", "source_id"}
        assert documented <= fields_of(kind)


def test_the_limits_are_the_codes_own() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", sections()["Limits"], flags=re.MULTILINE)
    limits = Limits()
    assert {name: int(value.replace(",", "")) for name, value in rows} == {
        name: getattr(limits, name) for name in Limits.__struct_fields__
    }


def test_each_documented_column_is_taken_in_a_header() -> None:
    for kind, columns in COLUMNS.items():
        header = [column.field for column in columns]
        assert check_header(kind, header, {}) == header


@pytest.mark.parametrize("name", ["adverts", "messages", "payments", "urls", "media", "advert"])
def test_kinds_may_be_named_in_the_plural(name: str) -> None:
    assert kind_named(name) in ITEM_KINDS
