"""Neutral adverts, messages, payments and links, from a seed, with the truth about each.

Nothing here imitates abuse: the adverts offer flats, bicycles and lessons, the messages talk about
gardens and trains. A few of them carry a link or a picture that the demo's lists name; those are
what Lapwing has to find, and `Planted` says which. All hosts end in `.example` (RFC 2606) and all
telephone numbers are +1 NPA 555-01xx, a range reserved for fiction.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

LISTED_DOMAIN = "listed-domain.example"
LISTED_URLS = (
    "https://pictures.example/album/7731",
    "https://files.example/d/kestrel?id=42",
)

_PLACES = ("Lisbon", "Accra", "Manila", "Leeds", "Recife", "Nairobi", "Osaka", "Tampere")
_THINGS = (
    "Bright two-room flat near the station",
    "City bicycle, seven gears, new brakes",
    "Piano lessons for beginners",
    "Oak table with four chairs",
    "Allotment garden to share",
    "Translation from Portuguese",
    "Guided walk through the old town",
    "Repairs of radios and clocks",
)
_DETAILS = (
    "Available from next week.",
    "Collection only.",
    "Please write rather than ring.",
    "Discount for students.",
    "In good condition, used for two years.",
    "Evenings and weekends.",
)
_TALK = (
    "Did the tomatoes survive the frost?",
    "The 8:15 train is late again.",
    "I posted the recipe for lentil soup in the club's room.",
    "Who brings the chessboard on Thursday?",
    "The library opens an hour later in winter.",
    "Thanks for the lift yesterday!",
    "Has anyone seen the lapwings by the river?",
)
_MEMOS = ("rent", "invoice", "groceries", "club fee", "train ticket", "birthday present")


@dataclass(frozen=True)
class Planted:
    """Records of one kind, and the source ids of those that carry something listed."""

    kind: str
    records: list[dict[str, Any]]
    listed: frozenset[str] = field(default_factory=frozenset)


def phone(chance: random.Random) -> str:
    """A number from the range that the North American plan keeps for fiction."""
    return f"+1 {chance.choice((212, 303, 415, 617))} 555 01{chance.randrange(100):02d}"


def _harmless_link(chance: random.Random) -> str:
    site = f"{chance.choice(('shop', 'club', 'news'))}{chance.randrange(400)}"
    return f"https://{site}.example/p/{chance.randrange(9999)}"


def _listed_link(chance: random.Random) -> str:
    """A listed link as people write it: other case, a subdomain, a fragment, a longer path."""
    return chance.choice(
        (
            f"HTTPS://WWW.{LISTED_DOMAIN.upper()}/room/{chance.randrange(99)}",
            f"http://m.{LISTED_DOMAIN}/",
            "https://pictures.example:443/album/./7731#top",
            "https://files.example/d/kestrel?id=42",
        )
    )


def _times(count: int, chance: random.Random) -> list[str]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    seconds = sorted(chance.randrange(300 * 86_400) for _ in range(count))
    return [(start + timedelta(seconds=s)).isoformat() for s in seconds]


def _choose(count: int, share: float, chance: random.Random) -> set[int]:
    return set(chance.sample(range(count), max(1, int(count * share))))


def adverts(count: int, seed: int, pictures: Sequence[dict[str, Any]] = ()) -> Planted:
    """Classified adverts; one in a hundred carries a listed link, a few a listed picture's hash."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    with_link = _choose(count, 0.01, chance)
    with_picture = _choose(count, 0.005, chance) if pictures else set()
    records, listed = [], set()
    for number, at in enumerate(_times(count, chance)):
        identity = f"advert-{number:05d}"
        text = f"{chance.choice(_THINGS)}, {chance.choice(_PLACES)}. {chance.choice(_DETAILS)}"
        record: dict[str, Any] = {
            "source_id": identity,
            "at": at,
            "account": f"seller{chance.randrange(count // 4 + 1)}",
            "text": text,
            "place": chance.choice(_PLACES),
            "price": f"{chance.randrange(5, 900)} EUR",
            "phone": phone(chance),
        }
        if number in with_link:
            record["text"] = f"{text} More: {_listed_link(chance)}"
        elif chance.random() < 0.5:
            record["url"] = _harmless_link(chance)
        if number in with_picture:
            record["pictures"] = [chance.choice(pictures)]
        if number in with_link | with_picture:
            listed.add(identity)
        records.append(record)
    return Planted("advert", records, frozenset(listed))


def messages(count: int, seed: int) -> Planted:
    """Messages from public rooms; one in two hundred carries a listed link."""
    chance = random.Random(seed)  # noqa: S311
    with_link = _choose(count, 0.005, chance)
    records, listed = [], set()
    for number, at in enumerate(_times(count, chance)):
        identity = f"message-{number:05d}"
        text = chance.choice(_TALK)
        if number in with_link:
            text = f"{text} {_listed_link(chance)}"
            listed.add(identity)
        elif chance.random() < 0.2:
            text = f"{text} {_harmless_link(chance)}"
        records.append(
            {
                "source_id": identity,
                "at": at,
                "account": f"writer{chance.randrange(count // 5 + 1)}",
                "text": text,
                "surface": "public",
                "conversation": f"room{chance.randrange(40)}",
            }
        )
    return Planted("message", records, frozenset(listed))


def payments(count: int, seed: int) -> Planted:
    """Small transfers; one in two hundred names a listed link in its memo."""
    chance = random.Random(seed)  # noqa: S311
    with_link = _choose(count, 0.005, chance)
    records, listed = [], set()
    for number, at in enumerate(_times(count, chance)):
        identity = f"payment-{number:05d}"
        memo = chance.choice(_MEMOS)
        if number in with_link:
            memo = f"{memo} {_listed_link(chance)}"
            listed.add(identity)
        records.append(
            {
                "source_id": identity,
                "at": at,
                "account": f"payer{chance.randrange(count // 3 + 1)}",
                "counterparty": f"payee{chance.randrange(count // 3 + 1)}",
                "amount": f"{chance.randrange(100, 90_000) / 100:.2f}",
                "currency": chance.choice(("EUR", "USD", "GBP", "PHP")),
                "memo": memo,
            }
        )
    return Planted("payment", records, frozenset(listed))


def links(count: int, seed: int) -> Planted:
    """Links handed in on their own; one in fifty is listed."""
    chance = random.Random(seed)  # noqa: S311
    planted = _choose(count, 0.02, chance)
    records, listed = [], set()
    for number, at in enumerate(_times(count, chance)):
        identity = f"url-{number:05d}"
        if number in planted:
            listed.add(identity)
        url = _listed_link(chance) if number in planted else _harmless_link(chance)
        records.append({"source_id": identity, "at": at, "url": url})
    return Planted("url", records, frozenset(listed))
