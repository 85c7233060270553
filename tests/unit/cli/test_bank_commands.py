from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import Lapwing

PDQ = "f" * 32 + "0" * 32
NEAR = "f" * 32 + "0" * 31 + "7"
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


@pytest.fixture
def listed(lapwing: Lapwing) -> str:
    words = ["--source", "us", "--basis", "verdict", "--category", "a"]
    answer = lapwing("bank", "create", "Ours", "--kind", "block", *words, "--verified", "--json")
    assert (answer.code, answer.json["verified"]) == (0, True)
    return str(answer.json["id"])


def test_lists_are_shown_by_name_and_id(lapwing: Lapwing, listed: str) -> None:
    (shown,) = lapwing("bank", "lists", "--json").json
    assert (shown["id"], shown["name"], shown["kind"]) == (listed, "Ours", "block")
    assert listed in lapwing("bank", "lists").out
    for name in ("Ours", listed):
        assert lapwing("bank", "show", name, "--json").lines == []


def test_what_is_added_matches_until_it_is_withdrawn(lapwing: Lapwing, listed: str) -> None:
    added = lapwing("bank", "add", "Ours", PDQ, "--kind", "pdq", "--json")
    assert (added.code, len(added.json["ids"])) == (0, 1)
    assert lapwing("bank", "add", "Ours", PDQ, "--kind", "pdq", "--json").json["repeated"] == 1
    (match,) = lapwing("bank", "match", NEAR, "--kind", "pdq", "--quality", "80", "--json").lines
    assert (match["distance"], match["level"], match["list_name"]) == (3, "known", "Ours")
    assert "known" in lapwing("bank", "match", NEAR, "--kind", "pdq", "--quality", "80").out
    gone = lapwing("bank", "withdraw", "Ours", PDQ, "--why", "was harmless", "--json")
    assert (gone.code, gone.json["ids"]) == (0, added.json["ids"])
    nothing = lapwing("bank", "match", NEAR, "--kind", "pdq", "--json")
    assert (nothing.code, nothing.out) == (0, "")
    assert lapwing("bank", "match", NEAR, "--kind", "pdq").out == "Matches: none\n"


def test_an_indicator_is_withdrawn_by_its_id_too(lapwing: Lapwing, listed: str) -> None:
    (identity,) = lapwing("bank", "add", "Ours", MD5, "--json").json["ids"]
    answer = lapwing("bank", "withdraw", "Ours", str(identity), "999", "--why", "x", "--json")
    assert answer.code == 3
    assert (answer.json["ids"], answer.json["missing"]) == ([identity], ["999"])
    assert "999" in lapwing("bank", "withdraw", "Ours", "999", "--why", "x").err


def test_values_that_cannot_be_used_are_refused_and_the_rest_is_added(
    lapwing: Lapwing, listed: str
) -> None:
    answer = lapwing("bank", "add", "Ours", PDQ, "zz", MD5, "--json")
    assert answer.code == 3
    assert len(answer.json["ids"]) == 1
    refused = {one["source_id"]: one["reason"] for one in answer.json["refused"]}
    assert set(refused) == {PDQ, "zz"}
    assert "say which" in refused[PDQ]
    again = lapwing("bank", "add", "Ours", "zz", "--kind", "md5")
    assert again.code == 3
    assert "zz" in again.err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.txt", f"# ours\n{MD5}\nnonsense\n{SHA1}\n"),
        ("list.csv", f"value,note\n{MD5},x\nnonsense,y\n{SHA1},z\n"),
        (
            "list.ndjson",
            f'{{"value":"{MD5}","note":1}}\n{{"value":"nonsense"}}\n{{"value":"{SHA1}"}}\n',
        ),
    ],
)
def test_a_file_is_imported_with_its_refusals(
    lapwing: Lapwing, listed: str, tmp_path: Path, name: str, text: str
) -> None:
    file = tmp_path / name
    file.write_text(text)
    maps = () if name.endswith("txt") else ("--map", "ignore=note")
    answer = lapwing("bank", "import", file, "--list", "Ours", *maps, "--json")
    assert answer.code == 3
    assert (answer.json["added"], answer.json["refused"]) == (2, 1)
    (refusal,) = answer.json["refusals"]
    assert refusal["line"] == (2 if name.endswith("ndjson") else 3)
    assert refusal["file"] == str(file)
    values = [one["value"] for one in lapwing("bank", "show", "Ours", "--json").lines]
    assert values == [MD5, SHA1]
    for_the_eye = lapwing("bank", "import", file, "--list", "Ours", *maps)
    assert for_the_eye.out == "added 0, there already 2\n"
    assert "nonsense" in file.read_text()


def test_the_map_of_an_import_reads_as_that_of_screening(
    lapwing: Lapwing, listed: str, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"Hash Hex,Who,Extra\n{PDQ},them,1\n")
    refused = lapwing("bank", "import", file, "--list", "Ours", "--values", "pdq", "--json")
    assert refused.code == 2
    assert "--map FIELD=Hash Hex" in refused.json["error"]["message"]
    maps = ("--map", "value=Hash Hex", "--map", "source=Who", "--map", "ignore=Extra")
    assert lapwing("bank", "import", file, "--list", "Ours", "--values", "pdq", *maps).code == 0
    (shown,) = lapwing("bank", "show", "Ours", "--json").lines
    assert (shown["kind"], shown["source"]) == ("pdq", "them")


def test_an_import_from_standard_input_needs_its_format(lapwing: Lapwing, listed: str) -> None:
    told = lapwing("bank", "import", "-", "--list", "Ours", "--json", stdin=MD5.encode())
    assert told.json["error"]["field"] == "format"
    answer = lapwing(
        "bank", "import", "-", "--list", "Ours", "--format", "text", "--json", stdin=MD5.encode()
    )
    assert answer.json["added"] == 1


def test_a_missing_file_or_list_is_told(lapwing: Lapwing, listed: str, tmp_path: Path) -> None:
    missing = tmp_path / "missing.txt"
    answer = lapwing("bank", "import", missing, "--list", "Ours", "--json")
    assert answer.code == 1
    assert str(missing) in answer.json["error"]["message"]
    answer = lapwing("bank", "add", "Theirs", MD5, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "not_found")


def test_a_match_can_be_kept_to_some_lists(lapwing: Lapwing, listed: str) -> None:
    words = ["--source", "us", "--basis", "verdict", "--category", "a"]
    lapwing("bank", "create", "Others", *words)
    lapwing("bank", "add", "Ours", MD5)
    assert len(lapwing("bank", "match", MD5, "--list", "Ours", "--json").lines) == 1
    assert lapwing("bank", "match", MD5, "--list", "Others", "--json").lines == []


def test_an_ambiguous_hash_is_wrong_use(lapwing: Lapwing, listed: str) -> None:
    answer = lapwing("bank", "match", PDQ, "--json")
    assert answer.code == 2
    assert answer.json["error"]["field"] == "hashes[0].kind"


def test_pages_of_a_list_follow_one_another(lapwing: Lapwing, listed: str) -> None:
    values = [f"{number:032x}" for number in range(5)]
    lapwing("bank", "add", "Ours", *values)
    first = lapwing("bank", "show", "Ours", "--limit", "3", "--json").lines
    rest = lapwing("bank", "show", "Ours", "--after", first[-1]["id"], "--json").lines
    assert [one["value"] for one in first + rest] == values
    assert json.dumps(values[0])[1:-1] in lapwing("bank", "show", "Ours").out
