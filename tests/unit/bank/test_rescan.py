"""A catalogue against the lists: all pairs, in order, whatever does the searching."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from uuid import UUID

import numpy as np
import pytest

from catalogue_files import codes, near_copies
from lapwing.bank.index.view import BankView
from lapwing.bank.live import LiveBank
from lapwing.bank.rescan import (
    Finder,
    RescanHit,
    by_view,
    listed_codes,
    rescan,
    widest_reach,
)
from lapwing.bank.service import Bank
from lapwing.bank.tiles import by_tiles
from lapwing.model.actors import SYSTEM
from lapwing.model.catalogues import CatalogueRow
from lapwing.model.errors import InvalidInput, Unavailable
from lapwing.model.indicators import BankList, IndicatorKind, ListKind, NewIndicator
from lapwing.model.refusals import Refusal
from lapwing.store.clock import utc_now
from lapwing.store.database import Database

MakeList = Callable[..., BankList]
PDQ, MD5 = IndicatorKind.PDQ, IndicatorKind.MD5
STORED = 4000


@pytest.fixture
def listed(bank: Bank, organisation: UUID, make_list: MakeList) -> np.ndarray:
    made = make_list(organisation, name="Known")
    found = codes(3000, 7)
    entries = [NewIndicator(kind=PDQ, value=code.tobytes().hex(), quality=90) for code in found]
    bank.add(organisation, SYSTEM, made.id, entries)
    return found


def view_of(live: LiveBank, organisation: UUID) -> BankView:
    return live.snapshot().view(organisation, utc_now())


def rows_of(stored: np.ndarray, quality: int | None = 80) -> list[CatalogueRow]:
    return [
        CatalogueRow(place + 1, f"p{place}", ((PDQ, code.tobytes()),), quality)
        for place, code in enumerate(stored)
    ]


def told(found: list[RescanHit]) -> list[tuple[int, int, str]]:
    return [(hit.row - 1, hit.match.distance, hit.match.level) for hit in found]


def everything(view: BankView, rows: list[CatalogueRow], **options: object) -> list[RescanHit]:
    searched = list(rescan(view, rows, **options))  # type: ignore[arg-type]
    assert [row for one in searched for row in one.rows] == rows
    return [hit for one in searched for hit in one.hits]


@pytest.mark.parametrize(("workers", "batch"), [(1, 10_000), (2, 500), (4, 7)])
def test_every_pair_within_reach_is_found_in_the_catalogues_order(
    live: LiveBank, organisation: UUID, listed: np.ndarray, workers: int, batch: int
) -> None:
    stored, truth = near_copies(listed, STORED if batch > 7 else 400, 11)
    view = view_of(live, organisation)
    found = everything(view, rows_of(stored), workers=workers, batch=batch)
    assert told(found) == [
        (place, distance, "known" if distance <= 10 else "near")
        for place, distance in truth.items()
        if distance <= 31
    ]
    assert {hit.match.list_name for hit in found} == {"Known"}


def test_without_a_quality_nothing_is_known(
    live: LiveBank, organisation: UUID, listed: np.ndarray
) -> None:
    found = everything(view_of(live, organisation), rows_of(listed[:5], None))
    assert {hit.match.level for hit in found} == {"near"}


def test_exact_hashes_are_found_too_and_a_row_is_judged_by_each_of_its_hashes(
    bank: Bank, live: LiveBank, organisation: UUID, listed: np.ndarray, make_list: MakeList
) -> None:
    other = make_list(organisation, name="Exact", kind=ListKind.REVIEW)
    values = [bytes([n]) * 16 for n in range(1, 4)]
    entries = [NewIndicator(kind=MD5, value=value.hex()) for value in values]
    bank.add(organisation, SYSTEM, other.id, entries)
    rows = [
        CatalogueRow(1, "a", ((PDQ, listed[0].tobytes()), (MD5, values[0])), 80),
        CatalogueRow(2, "b", ((MD5, b"\0" * 16),)),
        CatalogueRow(3, "c", ((MD5, values[2]),)),
    ]
    found = everything(view_of(live, organisation), rows)
    assert [(hit.id, hit.match.kind, hit.match.list_name) for hit in found] == [
        ("a", "pdq", "Known"),
        ("a", "md5", "Exact"),
        ("c", "md5", "Exact"),
    ]


def test_refused_rows_come_through_in_their_place(
    live: LiveBank, organisation: UUID, listed: np.ndarray
) -> None:
    entries = [*rows_of(listed[:2]), Refusal(reason="x", line=3), *rows_of(listed[:1])]
    searched = list(rescan(view_of(live, organisation), entries, batch=2))
    assert [len(one.refused) for one in searched] == [0, 1]
    assert [len(one.hits) for one in searched] == [2, 1]


def test_only_the_organisations_own_lists_count(
    live: LiveBank, other_organisation: UUID, listed: np.ndarray, database: Database
) -> None:
    view = view_of(live, other_organisation)
    assert everything(view, rows_of(listed[:50])) == []
    with database.organisation(other_organisation) as connection:
        assert len(listed_codes(connection, view)) == 0
    assert widest_reach(view) == -1


def test_a_catalogue_of_any_length_is_held_a_few_batches_at_a_time(
    live: LiveBank, organisation: UUID, listed: np.ndarray
) -> None:
    asked = 0
    row = CatalogueRow(1, "a", ((MD5, b"\0" * 16),))

    def endless() -> object:
        nonlocal asked
        while True:
            asked += 1
            yield row

    found = rescan(view_of(live, organisation), endless(), workers=2, batch=100)  # type: ignore[arg-type]
    next(found)
    assert asked <= 500
    found.close()


def same_answers(
    find: Finder, live: LiveBank, organisation: UUID, listed: np.ndarray, workers: int
) -> None:
    view = view_of(live, organisation)
    stored, truth = near_copies(listed, STORED, 11)
    rows = rows_of(stored)
    here = everything(view, rows, find=by_view(view), batch=1000)
    there = everything(view, rows, find=find, batch=1000, workers=workers)
    assert there == here
    assert len(here) == sum(distance <= 31 for distance in truth.values())


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("tile", [64, 65_536])
def test_tiles_on_a_processor_give_the_same_answers(
    live: LiveBank, organisation: UUID, listed: np.ndarray, database: Database, tile: int
) -> None:
    view = view_of(live, organisation)
    with database.organisation(organisation) as connection:
        all_codes = listed_codes(connection, view)
    find = by_tiles(all_codes, widest_reach(view), device="cpu", tile=tile)
    same_answers(find, live, organisation, listed, 1)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("radius", [0, 1, 31, 128, 256])
def test_tiles_are_exact_at_every_radius(radius: int) -> None:
    ours, theirs = codes(700, 1), codes(300, 2)
    theirs[:10] = ours[:10]
    distance = np.bitwise_count(ours[None] ^ theirs[:, None]).sum(axis=2)
    expected = np.flatnonzero((distance <= radius).any(axis=1))
    find = by_tiles(ours, radius, device="cpu", tile=128)
    assert find(theirs).tolist() == expected.tolist()


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_without_a_gpu_the_gpu_is_refused() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(Unavailable, match="no GPU"):
        by_tiles(codes(1, 1), 31)


def test_tiles_check_their_input() -> None:
    with pytest.raises(InvalidInput):
        by_tiles(np.zeros((1, 31), np.uint8), 31)
    with pytest.raises(InvalidInput):
        by_tiles(codes(1, 1), 257)


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
def test_a_ray_cluster_gives_the_same_answers(
    live: LiveBank, organisation: UUID, listed: np.ndarray, database: Database
) -> None:
    from lapwing.bank.rescan_ray import by_ray

    view = view_of(live, organisation)
    with database.organisation(organisation) as connection:
        all_codes = listed_codes(connection, view)
    with by_ray(all_codes, widest_reach(view)) as (find, workers):
        same_answers(find, live, organisation, listed, workers + 1)
