"""The main job on the demo's material, with the truth beside what was found."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from msgspec import Struct

from lapwing.app import House
from lapwing.demo import files, generator
from lapwing.demo.copies import derive_copies
from lapwing.demo.organisation import Cast, set_up
from lapwing.demo.photographs import photographs
from lapwing.intake.limits import Limits
from lapwing.intake.media.hashing import hash_bytes
from lapwing.intake.readers import read_items
from lapwing.intake.records import ItemBuilder
from lapwing.model.actors import SYSTEM
from lapwing.model.decisions import Action, Decision
from lapwing.model.refusals import Refusal
from lapwing.screening.stream import Summary, screen_all
from lapwing.store.clock import new_id

LISTED_PHOTOGRAPHS = ("china", "coffee")
"""The two that the demo's list knows; the others stand for everyone else's pictures."""

Step = Callable[[str, int, int], None]


class KindResult(Struct, frozen=True, kw_only=True):
    """What happened to one kind of item. `planted` carried something listed; `wrong` did not."""

    kind: str
    items: int
    planted: int
    found: int
    wrong: int
    refused: int
    no_detector: int
    per_second: float


class PhotographResult(Struct, frozen=True, kw_only=True):
    name: str
    listed: str
    copies: int
    recognised: int
    farthest: int | None


class DemoSummary(Struct, frozen=True, kw_only=True):
    organisation: UUID
    reviewer: UUID
    kinds: tuple[KindResult, ...]
    photographs: tuple[PhotographResult, ...]
    refused: tuple[Refusal, ...]
    cases_opened: int
    cases_extended: int
    ledger_size: int
    ledger_root: str
    start_seconds: float
    screen_seconds: float
    memory_mb: float

    @property
    def all_found(self) -> bool:
        """Everything planted was found and nothing else was."""
        return all(k.found == k.planted and k.wrong == 0 for k in self.kinds) and all(
            p.recognised == (p.copies if p.listed == "known" else 0) for p in self.photographs
        )


def run_demo(house: House, *, size: int, seed: int, step: Step) -> DemoSummary:
    """Set the demo organisation up, write the material as files, screen them, check the ledger.

    Repeatable: each run is a new source, so its items are new and join the cases that are open.
    """
    started = time.time()
    step("preparing photographs", 0, 0)
    pictures = photographs()
    copies = {name: derive_copies(path) for name, path in sorted(pictures.items())}
    hashes = {name: hash_bytes(path.read_bytes(), Limits()) for name, path in pictures.items()}
    cast = set_up(house, {name: hashes[name].hashes for name in LISTED_PHOTOGRAPHS})
    folder = house.settings.home / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    listed_hashes = [
        {"pdq": hashes[name].hashes.pdq, "quality": hashes[name].hashes.quality}
        for name in LISTED_PHOTOGRAPHS
    ]
    material = [
        generator.links(size // 3, seed + 1),
        generator.adverts(size, seed + 2, listed_hashes),
        generator.messages(size, seed + 3),
        generator.payments(size * 2 // 3, seed + 4),
    ]
    paths = {
        "url": files.write_csv(folder / "urls.csv", material[0].records),
        "advert": files.write_ndjson(folder / "adverts.ndjson", material[1].records),
        "message": files.write_ndjson(folder / "messages.ndjson", material[2].records, broken=True),
        "payment": files.write_csv(folder / "payments.csv", material[3].records, broken=True),
    }
    files.write_pictures(folder / "pictures", copies)
    # Wall-clock time since the process began: what a newcomer waits for.
    start_seconds = time.time() - min(started, psutil.Process().create_time())

    screen_start = time.perf_counter()
    source = f"demo {int(started)}"
    photograph_kind, photograph_results, total = _pictures(
        house, cast, source, folder / "pictures", copies, step
    )
    kinds = [photograph_kind]
    refused = list(total.refused)
    opened, extended = total.cases_opened, total.cases_extended
    for planted in material:
        path = paths[planted.kind]
        said = f"screening {path.name}"
        summary, decisions = _screen(
            house, cast, source, path, planted.kind, said, len(planted.records), step
        )
        kinds.append(_result(planted.kind, summary, decisions, planted.listed))
        refused += summary.refused
        opened += summary.cases_opened
        extended += summary.cases_extended
    screen_seconds = time.perf_counter() - screen_start

    step("verifying the ledger", 0, 0)
    with house.database.organisation(cast.organisation) as connection:
        verified = house.ledger.verify(connection, cast.organisation)
    return DemoSummary(
        organisation=cast.organisation,
        reviewer=cast.reviewer,
        kinds=tuple(kinds),
        photographs=tuple(photograph_results),
        refused=tuple(refused),
        cases_opened=opened,
        cases_extended=extended,
        ledger_size=verified.size,
        ledger_root=verified.root,
        start_seconds=start_seconds,
        screen_seconds=screen_seconds,
        memory_mb=psutil.Process().memory_info().rss / 1e6,
    )


def _pictures(
    house: House,
    cast: Cast,
    source: str,
    folder: Path,
    copies: dict[str, list[tuple[str, bytes]]],
    step: Step,
) -> tuple[KindResult, list[PhotographResult], Summary]:
    total = sum(len(derived) for derived in copies.values())
    summary, decisions = _screen(
        house, cast, source, folder, "media", "screening pictures", total, step
    )
    listed = frozenset(f"{name}/{copy}" for name in LISTED_PHOTOGRAPHS for copy, _ in copies[name])
    matched = _distances(house, cast, decisions)
    results = []
    for name, derived in copies.items():
        seen = [matched[key] for copy, _ in derived if (key := f"{name}/{copy}") in matched]
        results.append(
            PhotographResult(
                name=name,
                listed="known" if name in LISTED_PHOTOGRAPHS else "not listed",
                copies=len(derived),
                recognised=len(seen),
                farthest=max(seen, default=None),
            )
        )
    return _result("media", summary, decisions, listed), results, summary


def _distances(house: House, cast: Cast, decisions: Sequence[Decision]) -> dict[str, int]:
    """Largest PDQ distance of each matched picture, by source id."""
    found: dict[str, int] = {}
    for case in {d.case for d in decisions if d.case is not None}:
        detail = house.cases.case(cast.organisation, case)
        for item in detail.items:
            distances = [
                reason.distance
                for finding in item.findings
                for reason in finding.reasons
                if reason.distance is not None
            ]
            if distances:
                found[item.source_id] = min(distances)
    wanted = {d.source_id for d in decisions}
    return {key: value for key, value in found.items() if key in wanted}


def _screen(
    house: House,
    cast: Cast,
    source: str,
    path: Path,
    kind: str,
    said: str,
    total: int,
    step: Step,
) -> tuple[Summary, list[Decision]]:
    builder = ItemBuilder(
        organisation=cast.organisation,
        source=source,
        account_secret=house.keyring.account_secret(cast.organisation),
        platform="demo",
        clock=house.clock,
        new_id=new_id,
    )
    decisions: list[Decision] = []
    entries: Iterator[Any] = read_items(path, kind, builder, Limits())
    summary = screen_all(
        house.screening,
        cast.organisation,
        SYSTEM,
        entries,
        progress=lambda done, refused: step(said, done + refused, total),
        decided=decisions.extend,
    )
    return summary, decisions


def _result(
    kind: str, summary: Summary, decisions: Sequence[Decision], listed: frozenset[str]
) -> KindResult:
    acted = {d.source_id for d in decisions if d.actions != (Action.ALLOW,)}
    return KindResult(
        kind=kind,
        items=summary.items,
        planted=len(listed),
        found=len(acted & listed),
        wrong=len(acted - listed),
        refused=len(summary.refused),
        no_detector=sum(summary.no_detector.values()),
        per_second=summary.items / max(summary.seconds, 1e-9),
    )
