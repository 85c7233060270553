from __future__ import annotations

import re
from datetime import date
from importlib.resources import files

import pytest

from lapwing.decide.packs import load_pack, shipped_pack, shipped_packs
from lapwing.model.decisions import Action
from lapwing.model.errors import InvalidInput, LimitExceeded, NotFound

GOOD = """\
id = "mine"
title = "What our house adds"
source = "Decision of the board"
reviewed = 2026-01-31

[[rules]]
id = "first"
when = '''
item.kind == "payment"
and payment.amount > 100
'''
actions = ["review", "case"]
why = "A large payment."
source = "Decision of the board"
reviewed = 2026-01-31

[[rules]]
id = "second"
when = "item.kind == 'tip'"
actions = ["allow"]
why = "A tip."
source = "Decision of the board"
reviewed = 2026-01-31
"""


def changed(old: str, new: str, count: int = 1) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, count)


def test_a_pack_is_loaded() -> None:
    pack = load_pack(GOOD, "mine.toml")
    assert (pack.id, pack.reviewed) == ("mine", date(2026, 1, 31))
    assert [rule.id for rule in pack.rules] == ["first", "second"]
    assert pack.rules[0].actions == (Action.REVIEW, Action.CASE)
    assert re.fullmatch(r"mine@[0-9a-f]{12}", pack.name)


def test_another_text_is_another_version_but_line_ends_do_not_count() -> None:
    assert load_pack(GOOD, "m").version != load_pack(changed("> 100", "> 101"), "m").version
    assert load_pack(GOOD, "m").version == load_pack(GOOD.replace("\n", "\r\n"), "m").version


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "field", "says"),
    [
        ("payment.amount", "payment.amont", 10, 5, "when", "did you mean 'amount'"),
        ('item.kind == "payment"', 'itm.kind == "payment"', 9, 1, "when", "unknown name 'itm'"),
        ("item.kind == 'tip'", "item.kind == 'tap'", 19, 22, "when", "did you mean 'tip'"),
        ("\"item.kind == 'tip'\"", '"item.source"', 19, 9, "when", "yes/no is needed"),
        ('["review", "case"]', '["report"]', 6, None, "actions", "no action 'report'"),
        ('["review", "case"]', "[]", 6, None, "actions", "at least one"),
        ('["allow"]', '["allow", "hold"]', 17, None, "actions", "stands alone"),
        ('["allow"]', '"allow"', 17, None, "actions", "must be a list"),
        ('"second"', '"first"', 17, None, "id", "taken"),
        ('"second"', '"Second!"', 17, None, "id", "lower-case"),
        ('why = "A tip."', "", 17, None, "why", "missing"),
        ('why = "A tip."', "why = ''", 17, None, "why", "one line"),
        ('why = "A tip."', "why = '''a\nb'''", 17, None, "why", "one line"),
        ('why = "A tip."', "why = 'a'\nwhat = 'b'", 17, None, "what", "not known"),
    ],
)
def test_a_fault_is_named_with_file_rule_and_place(
    old: str, new: str, line: int, column: int | None, field: str, says: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        load_pack(changed(old, new), "mine.toml")
    error = refused.value
    assert (error.line, error.column, error.field) == (line, column, field)
    assert error.message.startswith("mine.toml, rule ")
    assert f"line {line}" in error.message
    assert says in error.message


def test_a_rule_written_with_escapes_is_still_named() -> None:
    escaped = changed("\"item.kind == 'tip'\"", '"item.kind == \\"tap\\""')
    with pytest.raises(InvalidInput, match=r"rule 'second', line 1, column 14 of its condition"):
        load_pack(escaped, "mine.toml")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "mine"', 'id = "mine', "not TOML"),
        ('id = "mine"\n', "", "id is missing"),
        ("reviewed = 2026-01-31\n\n[[rules]]", "[[rules]]", "reviewed is missing"),
        ("reviewed = 2026-01-31", "reviewed = 'today'", "must be a day"),
        ("reviewed = 2026-01-31", "reviewed = 2026-01-31T00:00:00Z", "must be a day"),
        ('id = "mine"', 'id = "mine"\nauthor = "me"', "'author' is not known"),
        ('id = "mine"', "id = 3", "lower-case"),
    ],
)
def test_a_pack_that_is_not_whole_is_refused(old: str, new: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        load_pack(changed(old, new), "mine.toml")
    assert refused.value.message.startswith("mine.toml: ")


@pytest.mark.parametrize("text", ["", "rules = 3", "rules = [3]", "x = " + "[" * 100_000])
def test_what_is_no_pack_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        load_pack(text, "mine.toml")


def test_a_pack_has_limits() -> None:
    with pytest.raises(LimitExceeded):
        load_pack(GOOD + "#" * 300_000, "mine.toml")
    with pytest.raises(LimitExceeded):
        load_pack(changed("A tip.", "a" * 301), "mine.toml")


def test_every_shipped_file_loads_and_names_sources_that_are_recent() -> None:
    folder = files("lapwing.decide").joinpath("packs")
    names = {file.name for file in folder.iterdir() if file.name.endswith(".toml")}
    assert names == {f"{pack.id}.toml" for pack in shipped_packs()}
    for pack in shipped_packs():
        assert pack.reviewed >= date(2026, 1, 1)
        assert all(rule.reviewed >= date(2026, 1, 1) and rule.source for rule in pack.rules)
    with pytest.raises(NotFound):
        shipped_pack("no_such_pack")


def test_no_pack_can_report_or_accuse() -> None:
    """A machine suggests, a person decides: there is no action that a pack could name for it."""
    assert {action.value for action in Action} == {
        "allow",
        "review",
        "warn",
        "slow",
        "hold",
        "remove",
        "case",
    }
    for name in ("report", "file", "accuse", "notify", "notify_authority", "ban", "share", "send"):
        with pytest.raises(InvalidInput, match="no action"):
            load_pack(changed('"review"', f'"{name}"'), "mine.toml")


def test_no_shipped_rule_speaks_to_the_person_acting_or_removes_unless_a_list_asks_for_it() -> None:
    mild = {Action.ALLOW, Action.REVIEW, Action.HOLD, Action.CASE}
    removing = 0
    for rule in (rule for pack in shipped_packs() for rule in pack.rules):
        if Action.REMOVE in rule.actions:
            assert 'min_asks="remove"' in rule.when.text
            assert "not any_finding" not in rule.when.text
            removing += 1
        assert set(rule.actions) <= mild | {Action.REMOVE}
    assert removing == 2
