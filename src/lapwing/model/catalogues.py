"""Hashes that a platform keeps of its own stored material, some rows at a time."""

from __future__ import annotations

from msgspec import Struct

from lapwing.model.indicators import IndicatorKind


class CatalogueRow(Struct, frozen=True, gc=False):
    """One stored thing: the platform's own id, and the hashes that it keeps of it."""

    number: int
    """Place in the catalogue, from 1; in a CSV or NDJSON file its line."""
    id: str
    hashes: tuple[tuple[IndicatorKind, bytes], ...]
    quality: int | None = None
    """Of the PDQ hash."""
