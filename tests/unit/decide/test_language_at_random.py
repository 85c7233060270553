"""Any text is a rule that answers every item, or is refused with its place; and the two accounts of
what a rule means, the compiled function and the folding, agree on everything that can be written.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import given, settings

from lapwing.decide import tree
from lapwing.decide.fields import FIELDS, Root
from lapwing.decide.folding import Known, fold
from lapwing.decide.functions import FILTERS, FUNCTIONS, QUERIES, selecting
from lapwing.decide.language import Condition, condition
from lapwing.decide.types import Base
from lapwing.model.errors import InvalidInput
from lapwing.model.findings import Family, Finding, FindingKind, Reason
from lapwing.model.items import (
    ITEM_KINDS,
    Advert,
    ChatAccess,
    Contact,
    ContactAction,
    Item,
    Media,
    Message,
    Payment,
    PictureHashes,
    Profile,
    Surface,
    Tip,
    Url,
    kind_of,
)
from lapwing.model.organisations import Organisation, OrganisationKind

AT = datetime(2026, 3, 1, tzinfo=UTC)
SHARED = {"id": UUID(int=2), "organisation": UUID(int=1), "source_id": "1", "at": AT}
HOUSE = Organisation(
    id=UUID(int=1), name="n", kind=OrganisationKind.NGO, country="DE", created_at=AT
)

texts = st.sampled_from(["", "a", "A", "ab", "b", "DE", "public", "1", "ß\n"])
maybe_text = st.none() | texts
links = st.lists(texts, max_size=2).map(tuple)
sizes = st.none() | st.integers(-3, 3) | st.just(10**400)
amounts = st.sampled_from(["0", "-1", "2.5", "1e5", "nan", "9" * 400, "x"])
shared = st.fixed_dictionaries({"source": texts, "account": maybe_text, "country": maybe_text}).map(
    lambda own: SHARED | own
)


def of(kind: type[Item], **fields: st.SearchStrategy[object]) -> st.SearchStrategy[Item]:
    return st.builds(lambda base, own: kind(**base, **own), shared, st.fixed_dictionaries(fields))


hashes = st.builds(PictureHashes, quality=st.none() | st.integers(0, 100))
items = st.one_of(
    of(Media, hashes=hashes, width=sizes, size=sizes, mime=maybe_text, url=maybe_text),
    of(Message, text=texts, surface=st.sampled_from(Surface), url_list=links),
    of(Advert, text=texts, title=maybe_text, phone=maybe_text, url_list=links),
    of(Payment, amount=amounts, currency=texts, memo=maybe_text, url_list=links),
    of(Url, url=texts),
    of(Contact, action=st.sampled_from(ContactAction), other=texts, room=maybe_text),
    of(ChatAccess, room=texts, private=st.booleans(), proof=maybe_text),
    of(Profile, text=texts, url_list=links),
    of(Tip, text=texts),
)
reasons = st.builds(
    Reason,
    id=texts,
    value=texts,
    list_name=maybe_text,
    category=maybe_text,
    distance=st.none() | st.integers(0, 31),
    verified=st.booleans(),
)
findings = st.lists(
    st.builds(
        Finding,
        item=st.just(UUID(int=2)),
        kind=st.sampled_from(FindingKind),
        family=st.sampled_from(Family),
        score=st.floats(0, 1),
        reasons=st.lists(reasons, max_size=2).map(tuple),
        detector=texts,
        version=st.just("1"),
    ),
    max_size=3,
)
generations = st.none() | st.integers(0, 5)

# Rules that are well typed, written as text.

literal = {
    Base.YES_NO: st.booleans().map(str),
    Base.WHOLE: st.integers(-5, 5).map(str) | st.just(str(2**53)),
    Base.NUMBER: st.sampled_from(["0.0", "2.5", "1e300"]),
    Base.TEXT: texts.map(repr),
}


def fields_of(*bases: Base) -> st.SearchStrategy[str]:
    return st.sampled_from([name for name, field in FIELDS.items() if field.type.base in bases])


def filters_of() -> st.SearchStrategy[str]:
    def value(name: str) -> st.SearchStrategy[str]:
        wanted = FILTERS[name][0]
        if wanted.choices:
            return st.sampled_from(wanted.choices).map(repr)
        return literal[wanted.base]

    named = st.sampled_from(sorted(FILTERS)).flatmap(
        lambda name: st.tuples(st.just(name), value(name))
    )
    return st.lists(named, max_size=2, unique_by=lambda pair: pair[0]).map(
        lambda pairs: ", ".join(f"{name}={value}" for name, value in pairs)
    )


def asking(*names: str) -> st.SearchStrategy[str]:
    return st.builds("{}({})".format, st.sampled_from(names), filters_of())


open_texts = st.sampled_from(
    [n for n, f in FIELDS.items() if f.type.base is Base.TEXT and not f.type.choices]
)
text_values = st.one_of(
    literal[Base.TEXT],
    open_texts,
    open_texts.map("lower({})".format),
)
lists = fields_of(Base.TEXTS)
number_leaves = st.one_of(
    literal[Base.WHOLE],
    literal[Base.NUMBER],
    fields_of(Base.WHOLE, Base.NUMBER),
    text_values.map("len({})".format),
    lists.map("len({})".format),
    asking("count_findings", "count_families", "top_score"),
)
numbers = st.recursive(
    number_leaves,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
        inner.map("(-{})".format),
        st.builds("({} if {} else {})".format, inner, fields_of(Base.YES_NO), inner),
    ),
    max_leaves=5,
)
signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
equal = st.sampled_from(["==", "!="])
within = st.sampled_from(["in", "not in"])
optional = st.sampled_from([name for name, field in FIELDS.items() if field.type.optional])
conditions = st.recursive(
    st.one_of(
        literal[Base.YES_NO],
        fields_of(Base.YES_NO),
        asking("any_finding"),
        st.builds("({} {} {})".format, numbers, signs, numbers),
        st.builds("({} {} {} {} {})".format, numbers, signs, numbers, signs, numbers),
        st.builds("({} {} {})".format, text_values, equal, text_values),
        st.builds("({} {} ('a', 'DE', ''))".format, text_values, within),
        st.builds("({} {} (0, 1, -1))".format, numbers, within),
        st.builds("({} {} {})".format, text_values, within, lists),
        st.builds("({} {} None)".format, optional, st.sampled_from(["is", "is not"])),
        st.builds(
            "{}({}, {})".format,
            st.sampled_from(["contains", "starts_with", "ends_with"]),
            text_values,
            text_values,
        ),
    ),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or", "==", "!="]), inner),
        inner.map("(not {})".format),
        st.builds("({} if {} else {})".format, inner, inner, inner),
    ),
    max_leaves=6,
)


def answer(rule: Condition, item: Item, found: list[Finding], generation: int | None) -> object:
    return rule.holds(item, kind_of(item), found, HOUSE, generation)


def all_known(item: Item, found: list[Finding], generation: int | None) -> Known:
    """What a rule reads, read here once more and in another way."""

    def known(node: tree.Read | tree.Ask) -> tree.Constant:
        if isinstance(node, tree.Ask):
            return tree.Constant(node.query.gather(selecting(node.as_filter)(found)), node.type)
        field = node.field
        if field.only_kind is not None and field.only_kind != kind_of(item):
            return tree.Constant(None, field.type)
        roots = {
            Root.ITEM: item,
            Root.KIND: kind_of(item),
            Root.ORGANISATION: HOUSE,
            Root.GENERATION: generation,
        }
        value = roots[field.root]
        if field.attribute is not None:
            value = getattr(value, field.attribute)
        return tree.Constant(field.reader(value) if field.reader else value, field.type)

    return known


@settings(max_examples=400, deadline=None)
@given(conditions, items, findings, generations)
def test_a_well_typed_rule_answers_and_both_accounts_agree(
    text: str, item: Item, found: list[Finding], generation: int | None
) -> None:
    refused = refusal_of(text)
    if refused is not None:
        assert refused.message == "no item can ever meet this"
        return
    rule = condition(text)
    answered = answer(rule, item, found, generation)
    assert answered is True or answered is False
    folded = fold(rule.tree, all_known(item, found, generation))
    assert isinstance(folded, tree.Constant)
    assert folded.value is answered
    if kind_of(item) not in (rule.kinds if found else rule.quiet_kinds):
        assert answered is False


SAMPLES: list[Item] = [
    Payment(**SHARED, source="s", amount="1", currency="EUR"),
    Message(**SHARED, source="s", text="a"),
]
words = st.sampled_from(
    [
        *FIELDS,
        *(f"{name}(" for name in (*FUNCTIONS, *QUERIES)),
        *(f"{name}=" for name in FILTERS),
        *ITEM_KINDS,
        *"()[]{},:.+-*/%@|&^~<>=!#'\"\\\n\t`$?;_",
        *("and", "or", "not", "in", "is", "if", "else", "for", "lambda", "None", "True", "False"),
        *("==", "!=", "<=", "**", ":=", "f'{'", "'a'", '"url"', "0", "1.5", "9" * 30, "1e999"),
        *("await", "yield", "import", "__class__", "item.__class__", "(lambda: 1)()", "\u2028"),
    ]
)
wild = st.text(max_size=60) | st.lists(words, max_size=25).map(" ".join)


def refusal_of(text: str) -> InvalidInput | None:
    try:
        condition(text)
    except InvalidInput as refused:
        return refused
    return None


@settings(max_examples=600, deadline=None)
@given(wild)
def test_any_text_is_a_rule_or_is_refused_with_its_place(text: str) -> None:
    refused = refusal_of(text)
    if refused is None:
        for item in SAMPLES:
            assert answer(condition(text), item, [], None) in (True, False)
        return
    lines = text.split("\n")
    assert refused.line is not None
    assert refused.column is not None
    assert 1 <= refused.line <= len(lines)
    assert 1 <= refused.column <= len(lines[refused.line - 1]) + 1
