from __future__ import annotations

from pathlib import Path

import pytest

from lapwing.demo import files, generator
from lapwing.intake.readers import read_items
from lapwing.intake.records import ItemBuilder
from lapwing.model.refusals import Refusal
from lapwing.store.clock import new_id, utc_now


def read(path: Path, kind: str) -> tuple[list[str], list[Refusal]]:
    builder = ItemBuilder(
        organisation=new_id(),
        source="test",
        account_secret=(1, bytes(32)),
        platform="demo",
        clock=utc_now,
        new_id=new_id,
    )
    entries = list(read_items(path, kind, builder))
    items = [one.item.source_id for one in entries if not isinstance(one, Refusal)]
    return items, [one for one in entries if isinstance(one, Refusal)]


@pytest.mark.parametrize("broken", [False, True])
def test_what_is_written_is_read_back_whole(tmp_path: Path, broken: bool) -> None:
    made = {
        "message": generator.messages(20, 1),
        "payment": generator.payments(20, 1),
    }
    paths = {
        "message": files.write_ndjson(
            tmp_path / "m.ndjson", made["message"].records, broken=broken
        ),
        "payment": files.write_csv(tmp_path / "p.csv", made["payment"].records, broken=broken),
    }
    for kind, path in paths.items():
        items, refused = read(path, kind)
        assert items == [record["source_id"] for record in made[kind].records]
        assert len(refused) == (1 if broken else 0)


def test_the_broken_rows_are_refused_by_name(tmp_path: Path) -> None:
    records = generator.payments(3, 1).records
    _, (refusal,) = read(files.write_csv(tmp_path / "p.csv", records, broken=True), "payment")
    assert (refusal.source_id, refusal.field, refusal.line) == ("broken-2", "amount", 5)
    lines = generator.messages(3, 1).records
    _, (refusal,) = read(files.write_ndjson(tmp_path / "m.ndjson", lines, broken=True), "message")
    assert (refusal.line, refusal.file) == (4, str(tmp_path / "m.ndjson"))
