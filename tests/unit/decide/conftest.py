"""An organisation, one item of every kind, and findings about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from lapwing.model.findings import Family, Finding, FindingKind, Reason
from lapwing.model.items import (
    ITEM_KINDS,
    ContactAction,
    Item,
    PictureHashes,
)
from lapwing.model.organisations import Organisation, OrganisationKind

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_NEEDED: dict[str, dict[str, Any]] = {
    "media": {"hashes": PictureHashes(pdq="0f" * 32, quality=80), "width": 640},
    "message": {"text": "See you at noon", "url_list": ("https://a.example/",)},
    "advert": {"text": "Bicycle, hardly used", "price": "80"},
    "payment": {"amount": "100.50", "currency": "EUR", "memo": "Rent for MARCH"},
    "url": {"url": "https://a.example/"},
    "contact": {"action": ContactAction.JOIN, "other": "1:" + "b" * 32},
    "chat_access": {"room": "chess"},
    "profile": {"text": "I like chess"},
    "tip": {"text": "Please look at this"},
}


@pytest.fixture
def organisation() -> Organisation:
    return Organisation(
        id=UUID(int=1),
        name="house",
        kind=OrganisationKind.PLATFORM,
        country="US",
        created_at=AT,
        keep_content="us.keep_content",
    )


@pytest.fixture
def make() -> Callable[..., Item]:
    """Makes an item of a kind, with fields of one's own."""

    def make(kind: str, **fields: Any) -> Item:
        shared = {
            "id": UUID(int=2),
            "organisation": UUID(int=1),
            "source": "upload",
            "source_id": "1",
            "at": AT,
        }
        return ITEM_KINDS[kind](**(shared | _NEEDED[kind] | fields))

    return make


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """Makes a finding of a kind; reasons as dicts."""

    def finding(kind: str, *, score: float = 1.0, reasons: Any = ({},), **fields: Any) -> Finding:
        family = Family.MEDIA if kind.endswith("media") else Family.URLS
        return Finding(
            item=UUID(int=2),
            kind=FindingKind(kind),
            family=fields.pop("family", family),
            score=score,
            reasons=tuple(Reason(**({"id": "pdq", "value": "x"} | one)) for one in reasons),
            detector=fields.pop("detector", "known_picture"),
            version="1",
        )

    return finding
