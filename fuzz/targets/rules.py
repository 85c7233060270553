"""The rule language: a text is a rule that answers yes or no for every item, or is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from promises import KINDS, builder

from lapwing.decide.language import condition
from lapwing.decide.packs import shipped_packs
from lapwing.model.errors import InvalidInput
from lapwing.model.findings import Family, Finding, FindingKind, Reason
from lapwing.model.organisations import Organisation, OrganisationKind

LONGEST = 4200
_SHORTEST = {
    "media": b'{"id":1,"sha256":"' + b"ab" * 32 + b'"}',
    "payment": b'{"id":1,"amount":"1","currency":"EUR"}',
    "url": b'{"id":1,"url":"https://a.example/"}',
    "contact": b'{"id":1,"action":"join","other":"8"}',
    "chat_access": b'{"id":1,"room":"chess"}',
}
_ITEMS = {
    kind: builder().build_json(kind, _SHORTEST.get(kind, b'{"id":1,"text":"Good day"}'))
    for kind in KINDS
}
_HOUSE = Organisation(
    id=UUID(int=1),
    name="house",
    kind=OrganisationKind.PLATFORM,
    country="US",
    created_at=datetime(2026, 3, 1, tzinfo=UTC),
)
_FINDINGS = (
    Finding(
        item=UUID(int=2),
        kind=FindingKind.KNOWN_MEDIA,
        family=Family.MEDIA,
        score=1.0,
        reasons=(Reason(id="pdq", value="x"),),
        detector="known_picture",
        version="1",
    ),
)

SEEDS = [rule.when.text.encode() for pack in shipped_packs() for rule in pack.rules] + [
    b'kind == "message" and contains(text, "chess")',
    b"count(kind='known_media') > 1 or not any_finding(kind='known_url')",
    b'kind in ("url", "advert") and (len(url) < 40 or lower(url) != "x")',
    b"((((1 + 2) * 3 < 4))) and -5 <= len(text) <= 10",
    "text == 'ｆｕｌｌ' # a comment\n".encode(),
]


def one(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    try:
        rule = condition(text)
    except InvalidInput as error:
        assert error.message.strip(), "a refusal without a reason"
        assert error.line is not None, "no line"
        assert error.column is not None, "no column"
        assert error.line >= 1
        assert error.column >= 1
        return
    for kind in rule.kinds:
        for findings in ((), _FINDINGS):
            assert isinstance(rule.holds(_ITEMS[kind], kind, findings, _HOUSE, 7), bool)
