from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from command_line import Lapwing, drawing


def ndjson(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def message(number: int, text: str = "the train is late", **fields: Any) -> dict[str, Any]:
    return {"id": f"m{number}", "text": text, "surface": "public", "account": "ann"} | fields


@pytest.fixture
def listed(lapwing: Lapwing, picture: Path) -> str:
    """A verified list that knows the picture and a link."""
    create = ["bank", "create", "Known", "--kind", "block", "--verified"]
    words = ["--source", "test", "--basis", "test", "--category", "test"]
    assert lapwing(*create, *words).code == 0
    pdq = lapwing("hash", "--json", picture).json["pdq"]
    assert lapwing("bank", "add", "Known", pdq, "--kind", "pdq").code == 0
    assert lapwing("bank", "add", "Known", "https://listed.example/a").code == 0
    return "Known"


def test_an_empty_home_screens_without_any_set_up(lapwing: Lapwing, picture: Path) -> None:
    answer = lapwing("screen", picture)
    assert answer.code == 0
    assert "made the organisation 'My organisation'" in answer.err
    assert "new 1" in answer.out
    assert "made" not in lapwing("screen", picture).err


def test_the_summary_counts_what_happened(lapwing: Lapwing, listed: str, picture: Path) -> None:
    other = drawing(picture.with_name("other.png"), shift=100)
    summary = lapwing("screen", picture, other, "--json").json
    assert summary["items"] == summary["fresh"] == 2
    assert summary["actions"] == {"hold": 1, "case": 1, "allow": 1}
    assert summary["cases_opened"] == 1
    again = lapwing("screen", picture, other, "--json").json
    assert (again["fresh"], again["repeated"], again["cases_opened"]) == (0, 2, 0)
    assert again["actions"] == summary["actions"]


def test_standard_input_is_read(lapwing: Lapwing, listed: str) -> None:
    piped = ndjson(message(1), message(2, "see https://listed.example/a"))
    summary = lapwing("screen", "-", "--kind", "messages", "--json", stdin=piped).json
    assert summary["kinds"] == {"message": 2}
    assert summary["actions"]["hold"] == 1
    assert summary["no_detector"] == {"message": 1}


def test_refused_rows_are_listed_and_the_rest_goes_on(lapwing: Lapwing) -> None:
    piped = ndjson(message(1)) + b"{broken\n" + ndjson(message(2, at="yesterday"), message(3))
    answer = lapwing("screen", "-", "--kind", "messages", "--json", stdin=piped)
    assert answer.code == 3
    assert answer.json["items"] == 2
    places = [(one["line"], one["field"]) for one in answer.json["refused"]]
    assert places == [(2, None), (3, "at")]
    for_the_eye = lapwing("screen", "-", "--kind", "messages", stdin=piped)
    assert for_the_eye.code == 3
    assert "refused 2" in for_the_eye.out
    assert "Refused: 2" in for_the_eye.err


def test_each_decision_can_be_had_as_a_line(lapwing: Lapwing, listed: str) -> None:
    piped = ndjson(message(1), message(2, "see https://listed.example/a"))
    arguments = ("screen", "-", "--kind", "messages", "--batch", "1", "--decisions", "--json")
    answer = lapwing(*arguments, stdin=piped)
    *decisions, last = answer.lines
    assert [one["decision"]["source_id"] for one in decisions] == ["m1", "m2"]
    assert decisions[1]["decision"]["actions"] == ["hold", "case"]
    assert last["summary"]["items"] == 2


def test_columns_of_other_names_are_mapped(lapwing: Lapwing, tmp_path: Path) -> None:
    file = tmp_path / "adverts.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([["key", "body", "stars"], ["a1", "a bicycle", "5"]])
    refused = lapwing("screen", file, "--kind", "adverts", "--json")
    assert refused.code == 3
    assert "--map" in refused.json["refused"][0]["reason"]
    maps = ("--map", "id=key", "--map", "text=body", "--map", "ignore=stars")
    answer = lapwing("screen", file, "--kind", "adverts", *maps, "--json")
    assert (answer.code, answer.json["items"]) == (0, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--kind", "nonsense"],
        ["--kind", "adverts", "--map", "text"],
        ["--kind", "adverts", "--map", "=x"],
        ["--kind", "adverts", "--map", "text=a", "--map", "text=b"],
        ["--kind", "adverts", "--map", "nonsense=a"],
        ["--organisation", "nobody"],
    ],
)
def test_wrong_use_is_told_before_anything_is_read(
    lapwing: Lapwing, tmp_path: Path, arguments: list[str]
) -> None:
    answer = lapwing("screen", tmp_path / "not there", *arguments, "--json")
    assert answer.code == 2
    assert answer.json["error"]["code"] == "invalid_input"


def test_a_missing_file_is_a_refusal(lapwing: Lapwing, picture: Path) -> None:
    answer = lapwing("screen", picture.with_name("missing.png"), picture, "--json")
    assert answer.code == 3
    assert answer.json["items"] == 1
    assert answer.json["refused"][0]["file"].endswith("missing.png")


def test_a_database_that_does_not_answer_is_a_failure(
    lapwing_alone: Lapwing, picture: Path
) -> None:
    answer = lapwing_alone("screen", picture, "--json")
    assert answer.code == 1
    assert answer.json["error"]["code"] == "unavailable"


def test_with_several_organisations_one_is_named(
    lapwing: Lapwing, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Alder", "Birch"):
        assert lapwing("organisation", "create", name).code == 0
    answer = lapwing("screen", picture, "--json")
    assert answer.code == 2
    assert "'Alder', 'Birch'" in answer.json["error"]["message"]
    assert lapwing("screen", picture, "--organisation", "Birch", "--json").json["fresh"] == 1
    monkeypatch.setenv("LAPWING_ORGANISATION", "Alder")
    assert lapwing("screen", picture, "--json").json["fresh"] == 1


def test_an_interrupted_run_keeps_what_was_committed(lapwing: Lapwing) -> None:
    """Ctrl-C while it waits for more: 130, the document, and earlier batches stay."""
    command = ["screen", "-", "--kind", "messages", "--batch", "1", "--decisions", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "lapwing", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(ndjson(message(1), message(2), message(3)))
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["decision"]["source_id"] == "m1"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(out.splitlines()[-1])["error"]["code"] == "interrupted"
    assert b"Traceback" not in err
    again = lapwing("screen", "-", "--kind", "messages", "--json", stdin=ndjson(message(1)))
    assert again.json["repeated"] == 1
