"""What must hold of everything that a reader hands on; shared by the targets."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from lapwing.intake.limits import Limits
from lapwing.intake.records import ItemBuilder
from lapwing.model.items import Item
from lapwing.model.refusals import Refusal
from lapwing.model.submissions import Submission

LIMITS = Limits(
    file_bytes=1 << 20,
    pixels=1 << 20,
    scaled_pixels=4 << 20,
    frames=6,
    animation_pixels=4 << 20,
    video_pixels=1 << 20,
    video_seconds=600,
    video_frames=100,
    video_decoded=300,
    video_work_seconds=5.0,
    rows=10_000,
    line_bytes=4096,
)
"""Small, so that what lies beyond a limit is within reach."""

KINDS = (
    "media",
    "message",
    "advert",
    "payment",
    "url",
    "contact",
    "chat_access",
    "profile",
    "tip",
)


def builder() -> ItemBuilder:
    """Makes items of an organisation that does not exist."""
    return ItemBuilder(
        UUID(int=1),
        "fuzz",
        (1, bytes(32)),
        "fuzz",
        clock=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        new_id=lambda: UUID(int=2),
        limits=LIMITS,
    )


def check_entries(entries: Iterable[Submission | Refusal]) -> None:
    """Every entry is an item or a refusal that says why; both can be written down."""
    for entry in entries:
        if isinstance(entry, Refusal):
            check_refusal(entry)
        else:
            check_item(entry.item)


def check_refusal(refusal: Refusal) -> None:
    assert refusal.reason.strip(), "a refusal without a reason"
    assert len(refusal.reason) < 5000, "a refusal that repeats its input"
    assert refusal.line is None or refusal.line >= 1, "lines count from 1"
    written = msgspec.json.encode(refusal)
    assert msgspec.json.decode(written, type=Refusal) == refusal


def check_item(item: Item) -> None:
    """It can be written as JSON, holds nothing a database refuses, and reads back the same."""
    written = msgspec.json.encode(item)
    assert b"\\u0000" not in written, "a NUL character got through"
    assert msgspec.json.decode(written, type=type(item)) == item
    assert item.at.tzinfo is not None
    assert 1 <= len(item.source_id) <= 512, "an id out of bounds"
