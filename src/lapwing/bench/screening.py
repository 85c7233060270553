"""`lapwing bench screen`: items a second through the whole main job, with durable commits.

Records are read, built into items, screened and committed in batches, as `lapwing screen` does it.
One item in a hundred carries something listed. Items are neutral and random, from a seed.
"""

from __future__ import annotations

import io
import random
import secrets
import statistics
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
from PIL import Image
from sqlalchemy import text

from lapwing.app import House
from lapwing.bank.changes import NewList
from lapwing.intake.limits import Limits
from lapwing.intake.media.hashing import hash_bytes
from lapwing.intake.readers import read_items
from lapwing.intake.records import ItemBuilder
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import IndicatorKind, ListKind, NewIndicator
from lapwing.model.organisations import OrganisationKind
from lapwing.model.refusals import Refusal
from lapwing.model.submissions import Submission
from lapwing.screening.stream import Summary, screen_all
from lapwing.store.clock import new_id

LISTED_SHARE = 100
"""One item in this many carries something listed."""
PICTURE_SIZE = (1024, 768)

_WORDS = ("bicycle", "station", "key", "neighbour", "eight", "garden", "gate", "Saturday", "lamp")

Entries = Iterator[Submission | Refusal]


def run(
    house: House,
    *,
    items: int = 20_000,
    batch: int = 1_000,
    pictures: int = 200,
    indicators: int = 10_000,
    rounds: int = 3,
) -> list[dict[str, Any]]:
    """A row a kind of item: the median of `rounds`, each over new items of a fresh source.

    Makes an organisation of its own with a list of `indicators` PDQ hashes and as many links.
    """
    bench = _Bench(house, random.Random(7), indicators)  # noqa: S311
    makers: list[tuple[str, str, int, Callable[[int], Entries]]] = [
        ("hashes", "PDQ and SHA-256 of pictures", items, bench.hashes),
        ("links", "URLs", items, bench.links),
        ("texts", "messages of 20 words, every fifth with a link", items, bench.texts),
        ("adverts", "adverts with a link and a picture's hashes", items, bench.adverts),
        (
            "pictures",
            f"pictures as bytes, {PICTURE_SIZE[0]}x{PICTURE_SIZE[1]} JPEG",
            pictures,
            bench.pictures,
        ),
    ]
    rows = []
    for name, described, count, make in makers:
        runs = [bench.screen(make(count), batch) for _ in range(rounds)]
        if any(run.fresh != count or run.refused for run in runs):
            raise RuntimeError(f"the benchmark of {name} lost items: {runs[-1]}")
        rows.append(_row(name, described, runs, batch))
    rows.append({"items": "durable commits", "what": f"synchronous_commit {bench.durability()}"})
    return rows


def _row(name: str, described: str, runs: list[Summary], batch: int) -> dict[str, Any]:
    middle = statistics.median(run.per_second for run in runs)
    return {
        "items": name,
        "what": described,
        "count": runs[0].items,
        "batch": batch,
        "per_second": round(middle),
        "slowest": round(min(run.per_second for run in runs)),
        "fastest": round(max(run.per_second for run in runs)),
        "findings": runs[0].findings,
    }


class _Bench:
    def __init__(self, house: House, random_: random.Random, indicators: int) -> None:
        self.house = house
        self.random = random_
        self.organisation = house.members.create_organisation(
            name=f"bench {secrets.token_hex(4)}", kind=OrganisationKind.PLATFORM, country="US"
        ).id
        self.listed_hashes = [self._hash() for _ in range(indicators)]
        self.listed_links = [f"https://listed.example/{n}" for n in range(indicators)]
        self._list(self.organisation)

    def screen(self, entries: Entries, batch: int) -> Summary:
        return screen_all(self.house.screening, self.organisation, SYSTEM, entries, batch=batch)

    def durability(self) -> str:
        with self.house.database.organisation(self.organisation) as connection:
            return str(connection.execute(text("show synchronous_commit")).scalar_one())

    def hashes(self, count: int) -> Entries:
        return self._read("media", [self._picture(n) | self._shared(n) for n in range(count)])

    def links(self, count: int) -> Entries:
        return self._read("url", [{"url": self._link(n), "id": f"{n}"} for n in range(count)])

    def texts(self, count: int) -> Entries:
        records = []
        for n in range(count):
            words = self.random.choices(_WORDS, k=20)
            if n % 5 == 0:
                words.append(self._link(n))
            records.append({"text": " ".join(words)} | self._shared(n))
        return self._read("message", records)

    def adverts(self, count: int) -> Entries:
        records = [
            {
                "title": " ".join(self.random.choices(_WORDS, k=4)),
                "text": " ".join(self.random.choices(_WORDS, k=40)),
                "url": self._link(n),
                "pictures": [self._picture(n + 1)],
            }
            | self._shared(n)
            for n in range(count)
        ]
        return self._read("advert", records)

    def pictures(self, count: int) -> Entries:
        """Smooth random pictures; coding them is not part of what is measured."""
        builder = self._builder()
        generator = np.random.default_rng(self.random.getrandbits(32))
        coded = [_jpeg(generator) for _ in range(count)]

        def read() -> Entries:
            for number, content in enumerate(coded):
                hashed = hash_bytes(content, Limits())
                item = builder.picture(f"{number}", hashed)
                yield Submission(item=item, content=content, mime=hashed.mime)

        return read()

    def _read(self, kind: str, records: list[dict[str, Any]]) -> Entries:
        lines = b"\n".join(msgspec.json.encode(record) for record in records)
        return read_items(io.BytesIO(lines), kind, self._builder(), Limits())

    def _builder(self) -> ItemBuilder:
        return ItemBuilder(
            organisation=self.organisation,
            source=f"bench {secrets.token_hex(4)}",
            account_secret=self.house.keyring.account_secret(self.organisation),
            platform="bench",
            clock=self.house.clock,
            new_id=new_id,
        )

    def _shared(self, number: int) -> dict[str, Any]:
        return {"id": f"{number}", "account": f"account {number}"}

    def _picture(self, number: int) -> dict[str, Any]:
        listed = number % LISTED_SHARE == 0
        pdq = self.random.choice(self.listed_hashes) if listed else self._hash()
        return {"pdq": pdq, "quality": 90, "sha256": self._hash()}

    def _link(self, number: int) -> str:
        if number % LISTED_SHARE == 0:
            return self.random.choice(self.listed_links)
        return f"https://shop{number % 97}.example/things/{number}?page=2"

    def _hash(self) -> str:
        return self.random.randbytes(32).hex()

    def _list(self, organisation: UUID) -> None:
        listed = self.house.bank.create_list(
            organisation,
            SYSTEM,
            NewList(
                name="bench",
                kind=ListKind.BLOCK,
                source="bench",
                basis="bench",
                category="bench",
                verified=True,
            ),
        )
        entries = [
            NewIndicator(kind=kind, value=value)
            for kind, values in (
                (IndicatorKind.PDQ, self.listed_hashes),
                (IndicatorKind.URL, self.listed_links),
            )
            for value in values
        ]
        for start in range(0, len(entries), 5_000):
            self.house.bank.add(organisation, SYSTEM, listed.id, entries[start : start + 5_000])


def _jpeg(generator: np.random.Generator) -> bytes:
    coarse = generator.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse).resize(PICTURE_SIZE, Image.Resampling.BICUBIC).save(out, "JPEG")
    return out.getvalue()
