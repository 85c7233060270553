"""docs/rules.md says what the language does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lapwing.decide import checking, fields, packs, syntax
from lapwing.decide.language import condition
from lapwing.decide.packs import load_pack
from lapwing.decide.reference import written
from lapwing.model.errors import InvalidInput

DOCUMENT = (Path(__file__).parents[3] / "docs" / "rules.md").read_text("utf-8")


def test_its_tables_are_those_of_the_language() -> None:
    assert written(DOCUMENT) == DOCUMENT, "run: python -m lapwing.decide.reference docs/rules.md"


def test_its_example_pack_loads() -> None:
    found = re.search(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found
    assert load_pack(found[1], "rules.md").rules


def test_its_examples_are_rules() -> None:
    quoted = re.findall(r"`([^`\n]+)`", DOCUMENT)
    shape = re.compile(r"\w\.\w+ (==|!=|<|<=) |\w\(.+\) >= ")
    examples = [text for text in quoted if shape.search(text)]
    assert len(examples) >= 5
    for text in examples:
        if "mesage" in text:
            with pytest.raises(InvalidInput):
                condition(text)
        else:
            condition(text)


def test_its_limits_are_the_real_ones() -> None:
    limits = re.search(r"\*\*Limits\.\*\*(.*?)\n\n", DOCUMENT, re.DOTALL)
    assert limits
    assert [int(number) for number in re.findall(r"\d+", limits[1])] == [
        syntax.MAX_LENGTH,
        syntax.MAX_TOKENS,
        syntax.MAX_BRACKETS,
        syntax.MAX_DEPTH,
        checking.MAX_MEMBERS,
        checking.MAX_TEXT,
        packs.MAX_RULES,
    ]


def test_every_meaning_belongs_to_a_field() -> None:
    assert set(fields._MEANINGS) <= set(fields.FIELDS)
