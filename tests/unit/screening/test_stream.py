from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from screening_samples import KNOWN_PDQ, Items

from books import check_books
from lapwing.app import House
from lapwing.model.actors import SYSTEM
from lapwing.model.decisions import Decision
from lapwing.model.organisations import Organisation
from lapwing.model.refusals import Refusal
from lapwing.model.submissions import Submission
from lapwing.screening import stream
from lapwing.screening.stream import screen_all


def entries(items: Items, count: int) -> Iterator[Submission | Refusal]:
    for number, item in enumerate(items.mixed(count), start=1):
        if number % 25 == 0:
            yield Refusal(reason="not a row", file="rows.csv", line=number)
        else:
            yield Submission(item=item)


def test_a_stream_is_screened_to_its_end_and_refused_rows_are_listed(
    house: House, sender: Organisation, items: Items
) -> None:
    told: list[tuple[int, int]] = []
    decided: list[Decision] = []
    summary = screen_all(
        house.screening,
        sender.id,
        SYSTEM,
        entries(items, 230),
        batch=50,
        progress=lambda done, refused: told.append((done, refused)),
        decided=decided.extend,
    )
    assert (summary.items, summary.fresh, len(summary.refused)) == (221, 221, 9)
    assert [refusal.line for refusal in summary.refused] == list(range(25, 230, 25))
    assert len(decided) == 221
    assert [decision.source_id for decision in decided] == [
        f"mixed-{n}" for n in range(230) if (n + 1) % 25
    ]
    assert told[-1] == (221, 9)
    assert told == sorted(told)
    assert sum(summary.kinds.values()) == 221
    assert sum(summary.found.values()) == summary.findings > 0
    assert check_books(house.database, house.ledger, sender.id).items == 221


def test_a_stream_sent_again_changes_nothing(
    house: House, sender: Organisation, items: Items
) -> None:
    screen_all(house.screening, sender.id, SYSTEM, entries(items, 120), batch=50)
    before = check_books(house.database, house.ledger, sender.id)
    again = screen_all(house.screening, sender.id, SYSTEM, entries(items, 120), batch=70)
    assert (again.fresh, again.repeated) == (0, again.items)
    assert check_books(house.database, house.ledger, sender.id) == before


def test_large_content_ends_a_batch_early(
    house: House, sender: Organisation, items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BATCH_BYTES", 1000)
    sizes: list[int] = []
    content = [Submission(item=items.picture(f"{n}"), content=b"x" * 400) for n in range(7)]

    def note(decisions: Sequence[Decision]) -> None:
        sizes.append(len(decisions))

    screen_all(house.screening, sender.id, SYSTEM, content, decided=note)
    assert sizes == [3, 3, 1]


def test_refusals_beyond_the_limit_are_counted(
    house: House, sender: Organisation, items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LISTED_REFUSALS", 3)
    rows = [Refusal(reason="not a row", line=line) for line in range(10)]
    summary = screen_all(house.screening, sender.id, SYSTEM, rows)
    assert (len(summary.refused), summary.refused_unlisted) == (3, 7)


def test_an_error_of_the_reader_leaves_what_came_before_on_record(
    house: House, sender: Organisation, items: Items
) -> None:
    def broken() -> Iterator[Submission]:
        for number in range(25):
            yield Submission(item=items.picture(f"{number}", KNOWN_PDQ))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        screen_all(house.screening, sender.id, SYSTEM, broken(), batch=10)
    assert check_books(house.database, house.ledger, sender.id).items == 20
