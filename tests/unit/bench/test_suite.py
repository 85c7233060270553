"""`lapwing bench`: every measurement runs in small size, and as tables of a document."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Lapwing, command_line, set_environment
from lapwing.bench.markdown import skeleton, written
from lapwing.bench.place import machine
from lapwing.bench.suite import SUITE, Measured
from lapwing.cli.bench import app
from lapwing.model.errors import InvalidInput

ROWS = [{"what": "a | b", "median": 0.1234, "unit": "ms"}, {"what": "c", "median": 12345.6}]


@pytest.fixture
def lapwing(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    empty_database: str,
) -> Lapwing:
    set_environment(monkeypatch, home, empty_database)
    return command_line(capfd, monkeypatch)


def test_every_measurement_is_a_command() -> None:
    assert {command.name or "" for command in app.registered_commands} >= {"hash", "all"}
    names = {
        command.name or getattr(command.callback, "__name__", "")
        for command in app.registered_commands
    }
    assert names == {*SUITE, "all"}


@pytest.mark.parametrize("name", ["screen", "match", "ledger", "import", "rescan"])
def test_a_measurement_answers_in_one_shape(lapwing: Lapwing, name: str, home: Path) -> None:
    answer = lapwing("bench", name, "--small", "--json")
    assert answer.code == 0
    assert answer.json["machine"] == machine()
    assert answer.json["small"] is True
    for table in answer.json["tables"]:
        assert table["bench"] == name
        assert table["rows"]
    assert not (home / "secrets").exists()


def test_hashing_is_shown_as_a_table(lapwing: Lapwing) -> None:
    answer = lapwing("bench", "hash", "--small")
    assert answer.code == 0
    assert "PDQ of pixels" in answer.out


def test_tables_go_between_their_marks_and_the_words_stay() -> None:
    text = "# Title\n\nWords.\n\n<!-- bench hash -->\nold\n<!-- end -->\n\nMore words.\n"
    made = written(text, {"hash": [Measured("Pictures", ROWS)]}, "a machine")
    assert made == (
        "# Title\n\nWords.\n\n<!-- bench hash -->\n`lapwing bench hash` on a machine:\n\n"
        "**Pictures**\n\n| what | median | unit |\n| --- | --: | --- |\n"
        "| a \\| b | 0.123 | ms |\n| c | 12,346 |  |\n<!-- end -->\n\nMore words.\n"
    )
    assert written(made, {"hash": [Measured("Pictures", ROWS)]}, "a machine") == made


def test_a_document_without_a_place_is_refused_before_anything_is_measured(
    lapwing: Lapwing, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="no place for hash"):
        written("# Title\n", {"hash": []}, "a machine")
    document = tmp_path / "benchmarks.md"
    document.write_text("# Title\n")
    answer = lapwing("bench", "all", "--small", "--markdown", document, "--json")
    assert (answer.code, answer.json["error"]["field"]) == (2, "markdown")
    assert document.read_text() == "# Title\n"


def test_a_new_document_has_a_place_for_every_measurement() -> None:
    text = skeleton(list(SUITE))
    whole = written(text, {name: [Measured("T", ROWS)] for name in SUITE}, "m")
    assert whole.count("**T**") == len(SUITE)


def test_the_machine_is_described_without_its_name_or_paths() -> None:
    said = machine()
    assert "cores" in said
    assert "Python 3." in said
    assert str(Path.home()) not in said
