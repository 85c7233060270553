"""What rules mean, and what is no rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from lapwing.decide.language import condition
from lapwing.model.errors import InvalidInput, LimitExceeded
from lapwing.model.findings import Finding
from lapwing.model.items import Item, PictureHashes, Surface, kind_of
from lapwing.model.organisations import Organisation

Ask = Callable[..., bool]


@pytest.fixture
def ask(make: Callable[..., Item], organisation: Organisation) -> Ask:
    """Ask a rule about an item of a kind."""

    def ask(
        text: str,
        kind: str = "payment",
        findings: Sequence[Finding] = (),
        generation: int | None = 7,
        **fields: object,
    ) -> bool:
        item = make(kind, **fields)
        return condition(text).holds(item, kind_of(item), findings, organisation, generation)

    return ask


@pytest.mark.parametrize(
    "text",
    [
        'item.kind == "payment"',
        "payment.amount == 100.5",
        "100 < payment.amount <= 100.5",
        "payment.amount * 2 - 1 == 200",
        "-payment.amount < 0",
        'payment.currency in ("EUR", "USD")',
        'payment.currency not in ["USD"]',
        "not (payment.amount > 1000 or payment.amount < 1)",
        'contains(lower(payment.memo), "march")',
        'starts_with(payment.memo, "Rent") and ends_with(payment.memo, "MARCH")',
        "len(payment.memo) == 14",
        "item.country is None and payment.memo is not None",
        "(1 if payment.memo is None else 2) == 2",
        '"payment" == item.kind != "tip"',
        'organisation.kind == "platform" and organisation.country == "US"',
        "organisation.keeps_content and not organisation.scans_private",
        "organisation.keeps_content == True",
        "bank.generation >= 7",
        "item.picture_count == 0 and len(item.links) == 0",
        "True",
        'item.kind == "payment"  # over\n  and (\n    payment.amount > 1\n  )\n',
        '"Größe" != "größe" and contains("Größe", "öß")',
    ],
)
def test_it_holds(ask: Ask, text: str) -> None:
    assert ask(text) is True
    assert ask(f"not ({text}) or item.picture_count > 99") is False


@pytest.mark.parametrize(
    "text",
    [
        "message.text == payment.memo",
        "message.text != payment.memo",
        'message.surface != "private"',
        'message.text in ("a", "b")',
        'message.text not in ("a", "b")',
        '"a" in message.url_list',
        '"a" not in message.url_list',
        "media.width < 10",
        "media.width >= 10",
        "0 < media.width + payment.amount",
        "chat_access.private",
        'contains(message.text, "")',
        'lower(message.text) == ""',
        "item.country == item.country",
        "item.country != organisation.country",
        'item.account == "1:aa"',
        "media.width < media.height < 10",
    ],
)
def test_whatever_is_asked_of_an_absent_value_is_no(ask: Ask, text: str) -> None:
    one_way = f"({text}) or item.picture_count > 99"
    assert ask(one_way) is False
    assert ask(f"not ({one_way})") is True


def test_an_absent_value_has_no_length(ask: Ask) -> None:
    assert ask("len(message.text) == 0")


def test_links_and_surfaces_are_read_where_they_are(ask: Ask) -> None:
    assert ask('"https://a.example/" in item.links', "message")
    assert ask('message.surface == "private"', "message", surface=Surface.PRIVATE)
    assert ask("chat_access.private", "chat_access")
    assert not ask("chat_access.private", "chat_access", private=False)
    assert ask("media.quality == 80 and item.picture_count == 1", "media")
    assert not ask("media.quality < 101", "media", hashes=PictureHashes(sha256="0" * 64))


@pytest.mark.parametrize("amount", ["9" * 400, "-" + "9" * 400, "0." + "9" * 400, "not a number"])
def test_no_amount_of_money_breaks_a_rule(ask: Ask, amount: str) -> None:
    for text in (
        "payment.amount * 1000000 * payment.amount - payment.amount < 5",
        "payment.amount == payment.amount",
        "payment.amount + 9007199254740992 * 9007199254740992 > 0",
    ):
        assert ask(text, amount=amount) in (True, False)


def test_equal_decimals_are_equal(ask: Ask) -> None:
    assert ask("payment.amount == 0.1", amount="0.1000")
    assert ask("payment.amount < 100", amount="99.99")
    assert not ask("payment.amount < 100", amount="100.00")


def test_whole_numbers_stop_at_two_to_the_53(ask: Ask) -> None:
    limit = 2**53
    assert ask(f"{limit} * {limit} == {limit} and {limit} + 1 == {limit}")
    assert ask(f"0 - {limit} - {limit} == -{limit}")
    assert ask("media.size * 1.5 > 0", "media", size=10**400)


def test_questions_about_findings(ask: Ask, finding: Callable[..., Finding]) -> None:
    found = (
        finding("known_media", score=1.0, reasons=[{"verified": True, "distance": 4}]),
        finding("near_media", score=0.4, reasons=[{"distance": 20, "category": "b"}]),
        finding("known_url", score=0.9, detector="known_link", reasons=[{"list_name": "leads"}]),
    )
    for text in (
        "any_finding()",
        'any_finding(kind="known_media")',
        'not any_finding(kind="harmless_media")',
        "count_findings() == 3",
        'count_findings(family="media") == 2',
        "count_families() == 2",
        "count_families(min_score=0.95) == 1",
        "top_score() == 1",
        'top_score(family="urls") == 0.9',
        'top_score(kind="harmless_media") == 0',
        "any_finding(verified=True, max_distance=4)",
        "not any_finding(verified=True, max_distance=3)",
        'any_finding(list="leads", detector="known_link")',
        'any_finding(category="b", max_distance=20)',
        'count_findings(kind="near_media", verified=True) == 0',
    ):
        assert ask(text, findings=found) is True, text


def test_filters_on_the_match_must_hold_of_one_match(
    ask: Ask, finding: Callable[..., Finding]
) -> None:
    split = finding("known_media", reasons=[{"verified": True}, {"list_name": "leads"}])
    assert ask("any_finding(verified=True)", findings=[split])
    assert ask('any_finding(list="leads")', findings=[split])
    assert not ask('any_finding(list="leads", verified=True)', findings=[split])


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("", 1, 1, "empty"),
        (" \n ", 1, 1, "empty"),
        ('item.kidn == "url"', 1, 1, "did you mean 'kind'"),
        ('True and\n  itm.kind == "url"', 2, 3, "did you mean 'item'"),
        ('item.kind == "mesage"', 1, 14, "did you mean 'message'"),
        ('"mesage" == item.kind', 1, 1, "did you mean 'message'"),
        ('item.kind in ("url", "mesage")', 1, 22, "did you mean 'message'"),
        ('contact.action == "banish"', 1, 19, "never met"),
        ('"é" == item.source and item.nowhere', 1, 24, "no field"),
        ("item.kind < 3", 1, 13, "cannot be compared"),
        ('item.kind < "url"', 1, 1, "no order"),
        ("item.source == 3", 1, 16, "cannot be compared"),
        ("True == 1", 1, 9, "cannot be compared"),
        ("True < False", 1, 1, "no order"),
        ("item.links == item.links", 1, 1, "a list cannot be compared"),
        ("item.source + 1 > 0", 1, 1, "a number is needed"),
        ("True + 1 > 0", 1, 1, "a number is needed"),
        ("-item.source == 1", 1, 2, "a number is needed"),
        ("1", 1, 1, "yes/no is needed"),
        ("not item.links", 1, 5, "yes/no is needed"),
        ("True and item.source", 1, 10, "yes/no is needed"),
        ("1 if item.source else 2", 1, 6, "yes/no is needed"),
        ('(1 if True else "a") == 1', 1, 17, "one type"),
        ("item.account == None", 1, 17, "None stands only after"),
        ("item.source is None", 1, 1, "never absent"),
        ("item.account is item.source", 1, 17, "only None"),
        ('item.source in "abc"', 1, 16, "contains(text, part)"),
        ("3 in item.links", 1, 6, "never in"),
        ("item.links in item.links", 1, 1, "a list cannot be in a list"),
        ("item.kind in ()", 1, 14, "between 1 and 200"),
        ('item.kind in ("url", 3)', 1, 22, "never equal"),
        ('item.kind in ("url", item.source)', 1, 22, "written out"),
        ("1 < 2 in (2, 3)", 1, 10, "stand alone"),
        ("item", 1, 1, "item.kind"),
        ("lower", 1, 1, "call it"),
        ("item.text.upper() == 'A'", 1, 1, "functions of the rule language"),
        ("lowr(item.text) == 'a'", 1, 1, "did you mean 'lower'"),
        ("len(1) > 2", 1, 5, "must be text"),
        ("len() > 2", 1, 1, "call it as len(value)"),
        ("len(value=item.text) > 2", 1, 1, "call it as len(value)"),
        ("len(*item.links) > 2", 1, 5, "not part"),
        ('any_finding("known_media")', 1, 13, "name what is meant"),
        ('any_finding(kind="known_medium")', 1, 18, "did you mean 'known_media'"),
        ('any_finding(knd="known_media")', 1, 17, "did you mean 'kind'"),
        ("any_finding(kind=item.kind)", 1, 18, "written out"),
        ("any_finding(verified=1)", 1, 22, "must be yes/no"),
        ("any_finding(max_distance=0.5)", 1, 26, "must be whole number"),
        ("any_finding(verified=True, verified=True)", 1, 37, "twice"),
        ("any_finding(**item)", 1, 15, "no filter"),
        ('message.surface == "public" and payment.amount > 1', 1, 1, "no item can ever meet"),
        ("1 > 2", 1, 1, "no item can ever meet"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place(
    text: str, line: int, column: int, says: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        condition(text)
    assert (refused.value.line, refused.value.column) == (line, column)
    assert says in refused.value.message


@pytest.mark.parametrize(
    "text",
    [
        "().__class__.__bases__[0].__subclasses__()",
        "item.__class__.__init__.__globals__",
        "item.__dict__",
        "organisation.__class__ is None",
        "__import__('os').system('true')",
        "__builtins__",
        "eval('1')",
        "open('/etc/passwd')",
        "getattr(item, 'kind') == 'url'",
        "(lambda: True)()",
        "[x for x in item.links]",
        "{x for x in item.links}",
        "{x: x for x in item.links}",
        "any(x for x in item.links)",
        "(x := True)",
        'f"{item.kind}" == "url"',
        "b'a' == b'a'",
        "1j == 1j",
        "... == ...",
        "item.text[0] == 'a'",
        "item.text[:1] == 'a'",
        "{'a': 1} == {'a': 1}",
        "(1, 2) == (1, 2)",
        "[1] == [1]",
        "*item.links",
        "await item.kind",
        "yield True",
        "(yield)",
        "2 ** 99999999 > 0",
        "1 / 0 > 0",
        "1 // 0 > 0",
        "1 % 0 > 0",
        "'%s' % item.kind == 'a'",
        "1 << 99999999 > 0",
        "~1 == 1",
        "+1 == 1",
        "'a' * 99999999 == 'b'",
        "item.text * 2 == 'b'",
        "1 @ 2 > 0",
        "True & True",
        "1e999 > 0",
        "99999999999999999999 > 0",
        "9" * 3999 + " > 0",
        "import os",
        "x = True",
        "True; True",
        "True\nTrue",
        "if True: True",
        "True) or (True",
        ")(",
        "(True",
        "(True]",
        "'unfinished",
        "'''unfinished",
        '"\\d" == item.source',
        "1__0 > 0",
        "1or True",
        "\x00",
        "True\x0c",
        "True\r",
        "'\ud800' == item.source",
        "іtem.kind == 'url'",
        "-" * 3990 + "1 > 0",
        "not " * 990 + "True",
        "(" * 300 + "True" + ")" * 300,
        "[" * 300,
        "item" + ".kind" * 700,
        "+".join(["1"] * 200) + " > 0",
        "True if " * 200 + "True" + " else True" * 200,
        "item.kind in (" + "'url'," * 290 + ")",
        f"item.source == '{'a' * 501}'",
        " or ".join(["True"] * 400),
    ],
)
def test_nothing_outside_the_language_gets_in(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        condition(text)
    lines = text.split("\n")
    line, column = refused.value.line, refused.value.column
    assert line is not None
    assert column is not None
    assert 1 <= line <= len(lines)
    assert 1 <= column <= len(lines[line - 1]) + 1


@pytest.mark.parametrize(
    "text", ["True or " * 700 + "True", "(" * 17 + "True" + ")" * 17, "not " * 33 + "True"]
)
def test_a_rule_beyond_a_limit_says_so(text: str) -> None:
    with pytest.raises(LimitExceeded):
        condition(text)


def test_a_compiled_rule_sees_no_builtins() -> None:
    holds = condition('any_finding(kind="known_media") and len(item.text) > 3').holds
    beside = holds.__globals__  # type: ignore[attr-defined]
    assert beside["__builtins__"] == {}
    assert {name for name in beside if not name.startswith("_")} == set()


def test_a_rule_knows_for_which_items_it_can_hold() -> None:
    rule = condition('payment.amount > 10 or (item.kind == "url" and any_finding())')
    assert rule.kinds == {"payment", "url"}
    assert rule.quiet_kinds == {"payment"}
    assert condition("any_finding()").quiet_kinds == frozenset()
    assert condition("not any_finding()").quiet_kinds == condition("True").kinds
    assert condition("count_findings() + 1 > 1").quiet_kinds == frozenset()
    assert condition("top_score() < 0.5").quiet_kinds == condition("True").kinds
    assert condition("contact.room is None").kinds == condition("True").kinds
