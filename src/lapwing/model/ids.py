"""Identifiers. UUIDv7 (RFC 9562 §5.7) for nouns; time and randomness are passed in."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID


def uuid7(at: datetime, entropy: bytes) -> UUID:
    """A version 7 UUID from an aware time (milliseconds kept) and ten random bytes."""
    if at.tzinfo is None:
        raise ValueError("time must be aware")
    if len(entropy) != 10:
        raise ValueError("entropy must be 10 bytes")
    milliseconds = int(at.timestamp() * 1000)
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= int.from_bytes(entropy, "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=value)


def uuid7_time(value: UUID) -> datetime:
    """The millisecond in which a version 7 UUID was made."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)
