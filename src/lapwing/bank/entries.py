"""New indicators made ready to be written: canonical value, and what the list does not say."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from lapwing.bank.canonical import canonical_value
from lapwing.bank.changes import check_validity, check_words
from lapwing.bank.index.hits import CRYPTOGRAPHIC
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import BankList, IndicatorKind, ListKind, NewIndicator


class Entry(NamedTuple):
    """An indicator as the table wants it."""

    kind: IndicatorKind
    value: bytes
    quality: int | None
    category: str
    source: str
    basis: str
    valid_from: datetime | None
    valid_until: datetime | None


def check_indicator(new: NewIndicator) -> bytes:
    """The canonical value. Raises InvalidInput naming the first field that cannot be used."""
    value = canonical_value(new.kind, new.value)
    if new.quality is not None and not 0 <= new.quality <= 100:
        raise InvalidInput("must lie between 0 and 100", field="quality")
    for field in ("category", "source", "basis"):
        words = getattr(new, field)
        if words is not None:
            check_words(words, field)
    check_validity(new.valid_from, new.valid_until)
    return value


def entry_for(listed: BankList, new: NewIndicator) -> Entry:
    """The entry of this indicator on this list; what it leaves open comes from the list.

    Raises InvalidInput when it cannot be used, or not on this list: an allow list holds exact
    cryptographic hashes only (DESIGN, Do no harm 11).
    """
    value = check_indicator(new)
    if listed.kind is ListKind.ALLOW and new.kind not in CRYPTOGRAPHIC:
        raise InvalidInput(
            f"an allow list takes md5, sha1 and sha256 only, not {new.kind}", field="kind"
        )
    return Entry(
        kind=new.kind,
        value=value,
        quality=new.quality,
        category=listed.category if new.category is None else new.category,
        source=listed.source if new.source is None else new.source,
        basis=listed.basis if new.basis is None else new.basis,
        valid_from=new.valid_from,
        valid_until=new.valid_until,
    )
