"""The functions a rule may call. Each is total, pure and bounded by the size of what it is given.

A new function is one entry here: its parameters, its result, its meaning, and the Python that does
it. Nothing else may be called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct

from lapwing.decide.types import NUMBER, TEXT, TEXTS, WHOLE, YES_NO, Base, Type
from lapwing.model.findings import Family, Finding, FindingKind, Reason
from lapwing.model.indicators import ListAction


class Function(Struct, frozen=True, kw_only=True):
    """Works on values. A parameter lists the types it takes; an absent argument arrives as None."""

    name: str
    parameters: tuple[tuple[str, tuple[Type, ...]], ...]
    result: Type
    meaning: str
    does: Callable[..., Any]
    absent_in_absent_out: bool = False


class Query(Struct, frozen=True, kw_only=True):
    """Works on the item's findings; its filters are constants. `empty`: the result without any."""

    name: str
    result: Type
    meaning: str
    gather: Callable[[Sequence[Finding]], Any]
    empty: bool | int | float


def _length(value: str | Sequence[str] | None) -> int:
    return 0 if value is None else len(value)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _contains(text: str | None, part: str | None) -> bool:
    return text is not None and part is not None and part in text


def _starts_with(text: str | None, part: str | None) -> bool:
    return text is not None and part is not None and text.startswith(part)


def _ends_with(text: str | None, part: str | None) -> bool:
    return text is not None and part is not None and text.endswith(part)


_BOTH = (("text", (TEXT,)), ("part", (TEXT,)))

FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        Function(
            name="len",
            parameters=(("value", (TEXT, TEXTS)),),
            result=WHOLE,
            meaning="Characters of a text or entries of a list; 0 where it is absent",
            does=_length,
        ),
        Function(
            name="lower",
            parameters=(("text", (TEXT,)),),
            result=TEXT,
            meaning="The text in lower case; absent where it is absent",
            does=_lower,
            absent_in_absent_out=True,
        ),
        Function(
            name="contains",
            parameters=_BOTH,
            result=YES_NO,
            meaning="Whether the part stands anywhere in the text, letter for letter",
            does=_contains,
        ),
        Function(
            name="starts_with",
            parameters=_BOTH,
            result=YES_NO,
            meaning="Whether the text begins with the part",
            does=_starts_with,
        ),
        Function(
            name="ends_with",
            parameters=_BOTH,
            result=YES_NO,
            meaning="Whether the text ends with the part",
            does=_ends_with,
        ),
    )
}


def _families(findings: Sequence[Finding]) -> int:
    return len({finding.family for finding in findings})


def _top_score(findings: Sequence[Finding]) -> float:
    return max((finding.score for finding in findings), default=0.0)


QUERIES: dict[str, Query] = {
    query.name: query
    for query in (
        Query(
            name="any_finding",
            result=YES_NO,
            meaning="Whether a detector found such a thing",
            gather=bool,
            empty=False,
        ),
        Query(
            name="count_findings",
            result=WHOLE,
            meaning="How many such findings there are",
            gather=len,
            empty=0,
        ),
        Query(
            name="count_families",
            result=WHOLE,
            meaning="How many independent families of evidence such findings come from",
            gather=_families,
            empty=0,
        ),
        Query(
            name="top_score",
            result=NUMBER,
            meaning="Highest score of such findings, 0 to 1; 0 where there is none",
            gather=_top_score,
            empty=0.0,
        ),
    )
}

Filter = dict[str, Any]

FILTERS: dict[str, tuple[Type, str]] = {
    "kind": (
        Type(Base.TEXT, choices=tuple(kind.value for kind in FindingKind)),
        "What was found",
    ),
    "family": (
        Type(Base.TEXT, choices=tuple(family.value for family in Family)),
        "Family of evidence",
    ),
    "detector": (TEXT, "Name of the detector"),
    "min_score": (NUMBER, "Score of at least this, 0 to 1"),
    "category": (TEXT, "Category of the indicator that matched"),
    "list": (TEXT, "Name of the list that the indicator stands in"),
    "verified": (YES_NO, "Whether that list is marked verified"),
    "min_asks": (
        Type(Base.TEXT, choices=tuple(action.value for action in ListAction)),
        "What the list asks for on this match is at least this",
    ),
    "max_distance": (WHOLE, "Distance of at most this many bits of 256; exact hashes count as 0"),
}
OF_FINDING = frozenset({"kind", "family", "detector", "min_score"})
"""The other filters speak of a reason; all of them must hold of one and the same reason."""


def selecting(filters: Filter) -> Callable[[Sequence[Finding]], Sequence[Finding]]:
    """A function that keeps the findings which pass every filter."""
    tests = [_FINDING_TESTS[name](value) for name, value in filters.items() if name in OF_FINDING]
    reason_tests = [
        _REASON_TESTS[name](value) for name, value in filters.items() if name not in OF_FINDING
    ]
    if reason_tests:
        tests.append(_of_one_reason(reason_tests))
    match tests:
        case []:
            return lambda findings: findings
        case [only]:
            return lambda findings: [finding for finding in findings if only(finding)]
        case [first, second]:
            return lambda findings: [one for one in findings if first(one) and second(one)]
    return lambda findings: [one for one in findings if all(test(one) for test in tests)]


def _of_one_reason(tests: list[Callable[[Reason], bool]]) -> Callable[[Finding], bool]:
    first, *others = tests

    def some_reason(finding: Finding) -> bool:
        for reason in finding.reasons:
            if first(reason) and all(test(reason) for test in others):
                return True
        return False

    return some_reason


def _exactly(name: str) -> Callable[[Any], Callable[[Any], bool]]:
    read = attrgetter(name)
    return lambda value: lambda thing: bool(read(thing) == value)


def _at_least(least: ListAction) -> Callable[[Reason], bool]:
    """A reason that does not say counts like one of a block list."""
    return lambda reason: (reason.asks or ListAction.HOLD).rank >= least.rank


_FINDING_TESTS: dict[str, Callable[[Any], Callable[[Finding], bool]]] = {
    "kind": _exactly("kind"),
    "family": _exactly("family"),
    "detector": _exactly("detector"),
    "min_score": lambda value: lambda finding: finding.score >= value,
}
_REASON_TESTS: dict[str, Callable[[Any], Callable[[Reason], bool]]] = {
    "category": _exactly("category"),
    "list": _exactly("list_name"),
    "verified": _exactly("verified"),
    "min_asks": lambda value: _at_least(ListAction(value)),
    "max_distance": lambda value: lambda reason: (reason.distance or 0) <= value,
}
