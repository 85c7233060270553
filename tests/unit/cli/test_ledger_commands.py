from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from command_line import Lapwing


@pytest.fixture
def used(lapwing: Lapwing) -> Lapwing:
    """A ledger with a few leaves."""
    for name in ("Ada", "Ben", "Cleo"):
        assert lapwing("members", "add", name).code == 0
    return lapwing


@pytest.mark.parametrize("form", ["note", "json"])
def test_a_kept_head_still_holds_after_more_was_written(
    used: Lapwing, tmp_path: Path, form: str
) -> None:
    kept = tmp_path / "head"
    kept.write_text(used("ledger", "head", *(["--json"] if form == "json" else [])).out)
    used("members", "add", "Dora")
    answer = used("ledger", "verify", "--head", kept, "--json")
    assert answer.code == 0
    assert answer.json["size"] > answer.json["kept"]["size"]
    assert "The ledger holds" in used("ledger", "verify", "--head", kept).out


def test_a_changed_leaf_is_named(used: Lapwing, database_url: str) -> None:
    with psycopg.connect(database_url) as owner:
        owner.execute("alter table ledger_events disable trigger only_erase")
        owner.execute(
            "update ledger_events set body = convert_to("
            "replace(convert_from(body, 'UTF8'), 'Ben', 'Bea'), 'UTF8') where position = 2"
        )
    answer = used("ledger", "verify", "--json")
    assert answer.code == 1
    assert answer.json["error"]["code"] == "integrity_broken"
    assert answer.json["error"]["position"] == 2
    plainly = used("ledger", "verify")
    assert (plainly.code, plainly.out) == (1, "")
    assert "position 2" in plainly.err


def test_a_ledger_that_was_cut_short_is_found_against_a_kept_head(
    used: Lapwing, database_url: str, tmp_path: Path
) -> None:
    before = json.loads(used("ledger", "head", "--json").out)["size"]
    used("members", "add", "Dora")
    kept = tmp_path / "head"
    kept.write_text(used("ledger", "head").out)
    with psycopg.connect(database_url) as owner:
        for table, column in (("ledger_events", "position"), ("ledger_heads", "size - 1")):
            owner.execute(f"delete from {table} where {column} >= {before}")
    answer = used("ledger", "verify", "--head", kept, "--json")
    assert answer.code == 1
    assert answer.json["error"]["code"] == "integrity_broken"


def test_a_kept_head_of_an_organisation_that_is_gone_is_a_broken_ledger(
    used: Lapwing, tmp_path: Path
) -> None:
    head = json.loads(used("ledger", "head", "--json").out)
    kept = tmp_path / "head"
    kept.write_text(json.dumps(head | {"organisation": "01a20264-0000-7000-8000-000000000000"}))
    answer = used("ledger", "verify", "--head", kept, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "integrity_broken")


@pytest.mark.parametrize("text", ["", "nonsense", "{}", '{"size": 3'])
def test_a_file_that_is_no_head_is_wrong_use(used: Lapwing, tmp_path: Path, text: str) -> None:
    kept = tmp_path / "head"
    kept.write_text(text)
    answer = used("ledger", "verify", "--head", kept, "--json")
    assert (answer.code, answer.json["error"]["field"]) == (2, "head")


def test_a_missing_file_is_wrong_use(used: Lapwing, tmp_path: Path) -> None:
    assert used("ledger", "verify", "--head", tmp_path / "missing", "--json").code == 2
