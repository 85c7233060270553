"""A list file as a bank of its own, for comparing without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid5

from lapwing.bank.canonical import canonical_value, shown_value
from lapwing.bank.importing import read_indicators
from lapwing.bank.index.snapshot import Snapshot
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import BankList, Indicator, ListKind
from lapwing.model.refusals import Refusal

OWNER = UUID(int=0)
"""Stands for the organisation that a file has not."""


def listed_file(path: Path) -> tuple[Snapshot, int]:
    """(what the file lists, how many lines were refused). Raises as `read_indicators` does."""
    now = datetime.now(UTC)
    listed = BankList(
        id=uuid5(OWNER, str(path)),
        organisation=OWNER,
        name=path.name,
        kind=ListKind.BLOCK,
        source=path.name,
        basis="named on the command line",
        category="listed",
        verified=True,
        created_at=now,
    )
    found: list[Indicator] = []
    refused = 0
    for entry in read_indicators(path):
        try:
            if isinstance(entry, Refusal):
                raise InvalidInput(entry.reason)
            value = shown_value(entry.kind, canonical_value(entry.kind, entry.value))
        except InvalidInput:
            refused += 1
            continue
        indicator = Indicator(
            id=len(found) + 1,
            organisation=OWNER,
            list=listed.id,
            kind=entry.kind,
            value=value,
            quality=entry.quality,
            category=entry.category or listed.category,
            source=entry.source or listed.source,
            basis=entry.basis or listed.basis,
            added_at=now,
            valid_from=entry.valid_from,
            valid_until=entry.valid_until,
            generation=1,
        )
        found.append(indicator)
    return Snapshot.build(1, [listed], found), refused
