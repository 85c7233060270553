"""`lapwing bank import` of law-enforcement files: what has to be said, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from command_line import Answer
from hash_list_files import digits, icse, icse_row, known_harmless, media, vics, vics_cases

Lapwing = Callable[..., Answer]
SAID = ("--kind", "block", "--provenance", "partner, 2026-11-01", "--profile", "iped")


@pytest.fixture
def lists(lapwing: Lapwing) -> None:
    words = ("--source", "us", "--basis", "verdict", "--category", "a")
    assert lapwing("bank", "create", "Ours", "--kind", "block", "--verified", *words).code == 0
    assert lapwing("bank", "create", "Fine", "--kind", "allow", *words).code == 0


def written(folder: Path, data: bytes, name: str = "list.json") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("form", ["auto", "vics"])
def test_a_vics_file_is_told_by_its_content_and_imported_once(
    lapwing: Lapwing, lists: None, tmp_path: Path, form: str
) -> None:
    rows = [media(1), media(2), media(3, Category=9), media(4, MD5="x", SHA1=None)]
    file = written(tmp_path, b"\xef\xbb\xbf" + vics_cases([rows[:2], rows[2:]]), "noname")
    command = ("bank", "import", file, "--list", "Ours", "--format", form, *SAID)
    answer = lapwing(*command, "--json")
    assert answer.code == 3
    assert (answer.json["added"], answer.json["rows"], answer.json["refused"]) == (4, 2, 2)
    assert (answer.json["format"], answer.json["version"]) == ("vics", "2.0")
    assert [(one["line"], one["field"]) for one in answer.json["refusals"]] == [
        (3, "Category"),
        (4, "MD5"),
    ]
    assert answer.json["refusals"][0]["file"] == str(file)
    again = lapwing(*command)
    assert again.out.startswith("added 0, there already 4\n")
    assert "Category" in again.err


def test_an_icse_file_is_told_by_its_header(lapwing: Lapwing, lists: None, tmp_path: Path) -> None:
    file = written(tmp_path, icse([icse_row(1), icse_row(2, "false")]), "list.csv")
    said = ("--kind", "block", "--provenance", "ICSE", "--profile", "icse")
    answer = lapwing("bank", "import", file, "--list", "Ours", *said, "--json")
    assert (answer.code, answer.json["added"], answer.json["format"]) == (0, 2, "icse")
    assert answer.json["left_out"] == {
        "rows of 'icse:false outside the international baseline' left out: not for a block list": 1
    }


@pytest.mark.parametrize(
    "said",
    [
        (),
        ("--kind", "block"),
        ("--kind", "block", "--provenance", "x"),
        ("--provenance", "x", "--profile", "iped"),
        ("--kind", "block", "--profile", "iped"),
    ],
)
def test_without_kind_provenance_and_profile_the_import_is_refused_and_explained(
    lapwing: Lapwing, lists: None, tmp_path: Path, said: tuple[str, ...]
) -> None:
    for name, data in (("a.json", known_harmless(5)), ("b.csv", icse([icse_row(1)]))):
        file = written(tmp_path, data, name)
        answer = lapwing("bank", "import", file, "--list", "Ours", *said, "--json")
        assert answer.code == 2
        assert "does not say what it lists" in answer.json["error"]["message"]
    assert lapwing("bank", "show", "Ours", "--json").lines == []


def test_harmless_files_go_only_where_harmless_things_go(
    lapwing: Lapwing, lists: None, tmp_path: Path
) -> None:
    file = written(tmp_path, known_harmless(5))
    said = ("--provenance", "NSRL export", "--profile", "non-pertinent")
    onto = ("bank", "import", file, "--list")
    refused = lapwing(*onto, "Ours", "--kind", "block", *said, "--json")
    assert (refused.code, refused.json["error"]["field"]) == (2, "profile")
    lied = lapwing(*onto, "Fine", "--kind", "block", *said, "--json")
    assert (lied.code, lied.json["error"]["field"]) == (2, "kind")
    answer = lapwing(*onto, "Fine", "--kind", "allow", *said, "--json")
    assert (answer.code, answer.json["added"]) == (0, 10)
    assert lapwing("bank", "match", digits(1, 32), "--json").lines[0]["level"] == "harmless"


def test_calling_it_csv_is_no_way_round(lapwing: Lapwing, lists: None, tmp_path: Path) -> None:
    file = written(tmp_path, icse([icse_row(1)]), "list.csv")
    answer = lapwing("bank", "import", file, "--list", "Ours", "--format", "csv", "--json")
    assert (answer.code, answer.json["error"]["field"]) == (2, "format")


def test_every_refused_row_can_be_written_to_a_file(
    lapwing: Lapwing, lists: None, tmp_path: Path
) -> None:
    file = written(tmp_path, vics([media(n, Category=4) for n in range(1200)]))
    out = tmp_path / "refused.ndjson"
    answer = lapwing("bank", "import", file, "--list", "Ours", *SAID, "--refused", out, "--json")
    assert (answer.code, answer.json["refused"]) == (3, 1200)
    assert len(answer.json["refusals"]) == 1000
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["line"] for line in lines] == list(range(1, 1201))


def test_what_is_said_of_a_hash_list_is_not_for_other_files(
    lapwing: Lapwing, lists: None, tmp_path: Path
) -> None:
    file = written(tmp_path, b"md5\n" + digits(1, 32).encode(), "list.csv")
    onto = ("bank", "import", file, "--list", "Ours")
    assert lapwing(*onto, *SAID, "--json").json["error"]["field"] == "provenance"
    assert lapwing(*onto, "--kind", "review", "--json").json["error"]["field"] == "kind"
    assert lapwing(*onto, "--kind", "block").code == 0
    mapped = written(tmp_path, vics([media(1)]))
    answer = lapwing(
        "bank", "import", mapped, "--list", "Ours", *SAID, "--map", "md5=MD5", "--json"
    )
    assert answer.json["error"]["field"] == "map"


def test_profiles_are_shown_with_their_universal_labels_and_own_ones_checked(
    lapwing_alone: Lapwing, tmp_path: Path
) -> None:
    shown = {one["name"]: one for one in lapwing_alone("bank", "profiles", "--json").lines}
    assert set(shown) == {"iped", "icse", "non-pertinent"}
    inside = shown["icse"]["category"][0]
    assert inside["universal"] == {"section": "categorisation", "label": "baseline"}
    assert "categorisation: baseline" in lapwing_alone("bank", "profiles").out
    own = tmp_path / "own.toml"
    own.write_text('name = "x"')
    answer = lapwing_alone("bank", "profiles", own, "--json")
    assert (answer.code, answer.json["error"]["field"]) == (2, "profile")
