"""Words to write a detector's examples with. Neutral material only; nothing here is random."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar
from uuid import UUID, uuid5

from lapwing.detect.contract import EXAMPLE_TIME
from lapwing.model.indicators import (
    DEFAULT_ACTION,
    BankList,
    Indicator,
    IndicatorKind,
    ListAction,
    ListKind,
)
from lapwing.model.items import Item

AnItem = TypeVar("AnItem", bound=Item)

ORGANISATION = UUID("0191d5a0-0000-7000-8000-000000000001")
SHA256 = "5b" * 32
PDQ = "c3d2" * 16
OTHER_PDQ = "5a17" * 16


def far(pdq: str, bits: int) -> str:
    """The PDQ hash with its last `bits` bits turned: a hash at exactly that distance."""
    return f"{int(pdq, 16) ^ ((1 << bits) - 1):064x}"


def bank_list(
    name: str,
    kind: ListKind = ListKind.BLOCK,
    *,
    verified: bool = True,
    near: int = 31,
    action: ListAction | None = None,
) -> BankList:
    return BankList(
        id=uuid5(ORGANISATION, name),
        organisation=ORGANISATION,
        name=name,
        kind=kind,
        source="example",
        basis="example",
        category="example",
        verified=verified,
        near_distance=near,
        created_at=EXAMPLE_TIME - timedelta(days=1),
        action=action or DEFAULT_ACTION[kind],
    )


def indicator(
    number: int, listed: BankList, kind: str, value: str, quality: int | None = None
) -> Indicator:
    """An indicator on that list; `value` in canonical form."""
    return Indicator(
        id=number,
        organisation=ORGANISATION,
        list=listed.id,
        kind=IndicatorKind(kind),
        value=value,
        quality=quality,
        category=listed.category,
        source=listed.source,
        basis=listed.basis,
        added_at=listed.created_at,
        generation=1,
    )


def item(kind: type[AnItem], number: int, **fields: object) -> AnItem:
    """An item of that type; `number` tells the items of one example apart."""
    return kind(
        id=uuid5(ORGANISATION, str(number)),
        organisation=ORGANISATION,
        source="example",
        source_id=str(number),
        at=EXAMPLE_TIME,
        **fields,  # type: ignore[arg-type]
    )
