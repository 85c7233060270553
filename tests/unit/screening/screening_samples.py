"""Neutral items, and an organisation that lists one picture and one link."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from lapwing.app import House
from lapwing.bank.changes import NewList
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import IndicatorKind, ListKind, NewIndicator
from lapwing.model.items import Advert, AnyItem, Media, Message, Payment, PictureHashes, Url
from lapwing.model.organisations import Organisation, OrganisationKind
from lapwing.model.submissions import Submission
from lapwing.store.clock import new_id

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KNOWN_PDQ = "c3d2" * 16
NEAR_PDQ = f"{int(KNOWN_PDQ, 16) ^ ((1 << 20) - 1):064x}"
OTHER_PDQ = "5a17" * 16
KNOWN_URL = "https://listed.example.test/page"


def found(house: House, **settings: Any) -> Organisation:
    """An organisation with a verified list of one picture and one link."""
    made = house.members.create_organisation(
        name=f"sender {secrets.token_hex(6)}",
        kind=OrganisationKind.PLATFORM,
        country="US",
        **settings,
    )
    listed = house.bank.create_list(
        made.id,
        SYSTEM,
        NewList(
            name="known",
            kind=ListKind.BLOCK,
            source="test",
            basis="test",
            category="test",
            verified=True,
        ),
    )
    house.bank.add(
        made.id,
        SYSTEM,
        listed.id,
        [
            NewIndicator(kind=IndicatorKind.PDQ, value=KNOWN_PDQ, quality=100),
            NewIndicator(kind=IndicatorKind.URL, value=KNOWN_URL),
        ],
    )
    return made


def sent(*items: AnyItem) -> list[Submission]:
    return [Submission(item=item) for item in items]


class Items:
    """Neutral items of one organisation; `id` is the source's own id."""

    def __init__(self, organisation: UUID) -> None:
        self.organisation = organisation

    def picture(self, id: str, pdq: str = OTHER_PDQ, **fields: Any) -> Media:
        hashes = PictureHashes(pdq=pdq, quality=100)
        return Media(**self._shared(id), hashes=hashes, **fields)

    def link(self, id: str, url: str = "https://example.test/") -> Url:
        return Url(**self._shared(id), url=url)

    def message(self, id: str, text: str = "see you at the station", **fields: Any) -> Message:
        return Message(**self._shared(id), text=text, **fields)

    def advert(self, id: str, text: str = "bicycle for sale", **fields: Any) -> Advert:
        return Advert(**self._shared(id), text=text, **fields)

    def payment(self, id: str, **fields: Any) -> Payment:
        return Payment(**self._shared(id), amount="12.50", currency="EUR", **fields)

    def mixed(self, count: int) -> list[AnyItem]:
        """Pictures, links, messages and adverts in turn; every tenth carries something listed."""
        made: list[AnyItem] = []
        for number in range(count):
            listed = number % 10 == 0
            id = f"mixed-{number}"
            made.append(
                (
                    self.picture(id, KNOWN_PDQ if listed else OTHER_PDQ),
                    self.link(id, KNOWN_URL if listed else f"https://example.test/{number}"),
                    self.message(id, f"look: {KNOWN_URL}" if listed else "good morning"),
                    self.advert(id, url=KNOWN_URL if listed else None),
                )[number // 10 % 4]
            )
        return made

    def _shared(self, id: str) -> dict[str, Any]:
        return {
            "id": new_id(),
            "organisation": self.organisation,
            "source": "test",
            "source_id": id,
            "at": NOON,
        }
