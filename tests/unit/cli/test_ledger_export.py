"""The commands that take a ledger, its keys and its verifier out of the house."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import Lapwing
from time_authority import OPENSSL, TimeAuthority, time_authority


@pytest.fixture
def used(lapwing: Lapwing) -> Lapwing:
    for name in ("Ada", "Ben", "Cleo"):
        assert lapwing("members", "add", name).code == 0
    return lapwing


def checked(program: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", ["export.ndjson", "export.ndjson.gz"])
def test_what_is_exported_verifies_with_the_exported_program(
    used: Lapwing, tmp_path: Path, name: str
) -> None:
    head, program, export = tmp_path / "head", tmp_path / "verify.py", tmp_path / name
    head.write_text(used("ledger", "head").out)
    before = used("ledger", "keys").out.split()
    rotated = used("ledger", "rotate-key", "--json").json
    used("members", "add", "Dora")
    assert used("ledger", "verifier", "--out", program).code == 0
    written = used("ledger", "export", "--out", export, "--json").json
    assert export.stat().st_mode & 0o777 == 0o600
    answer = checked(program, "ledger", export, "--head", head, "--key", before[0], "--json")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["size"] == written["events"] == used("ledger", "head", "--json").json["size"]
    assert found["keys"] == [rotated["old"], rotated["new"]]
    assert used("ledger", "keys", "--json").json["keys"] == [*before, rotated["key"]]


def test_an_export_without_events_says_nothing_of_people(used: Lapwing, tmp_path: Path) -> None:
    program, export = tmp_path / "verify.py", tmp_path / "export.ndjson"
    used("ledger", "verifier", "--out", program)
    assert used("ledger", "export", "--out", export, "--without-events").code == 0
    assert "Cleo" not in export.read_text()
    assert checked(program, "ledger", export).returncode == 0


def test_a_file_that_is_there_is_not_replaced(used: Lapwing, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    for command in ("export", "verifier"):
        answer = used("ledger", command, "--out", there, "--json")
        assert (answer.code, answer.json["error"]["field"]) == (2, "out")
    assert there.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["there"]


def test_a_rotated_key_signs_and_its_private_half_is_gone(used: Lapwing, home: Path) -> None:
    old = used("ledger", "head", "--json").json["key_id"]
    turned = used("ledger", "rotate-key").out
    assert f"Destroyed: {old}" in turned
    assert used("ledger", "head", "--json").json["key_id"] == old
    used("members", "add", "Dora")
    assert used("ledger", "head", "--json").json["key_id"] != old
    assert used("ledger", "verify").code == 0
    kept = sorted(path.name for path in home.glob("secrets/*/signing-*"))
    assert kept == ["signing-1.pub", "signing-2.pem"]


@pytest.fixture
def tsa(tmp_path: Path) -> Iterator[TimeAuthority]:
    pytest.importorskip("rfc3161_client")
    if OPENSSL is None:
        pytest.skip("no openssl to be the authority")
    folder = tmp_path / "tsa"
    folder.mkdir()
    with time_authority(folder) as running:
        yield running


def test_heads_are_stamped_listed_and_checked(
    used: Lapwing, tsa: TimeAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAPWING_TSA_URL", tsa.url)
    monkeypatch.setenv("LAPWING_TSA_ROOT", str(tsa.root))
    made = used("ledger", "stamp", "--json").json
    assert used("ledger", "stamps", "--out", tmp_path / "stamps", "--json").json["stamps"] == [made]
    assert "1 time stamps, checked" in used("ledger", "verify").out
    names = sorted(path.name for path in (tmp_path / "stamps").iterdir())
    assert names == [f"head-{made['size']}.tsr", f"head-{made['size']}.txt"]
    monkeypatch.delenv("LAPWING_TSA_URL")
    assert "not checked" in used("ledger", "verify").out
    answer = used("ledger", "stamp", "--json")
    assert (answer.code, answer.json["error"]["field"]) == (2, "LAPWING_TSA_URL")


def test_an_authority_without_a_root_is_wrong_use(
    used: Lapwing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAPWING_TSA_URL", "http://127.0.0.1:9/")
    answer = used("ledger", "head", "--json")
    assert (answer.code, answer.json["error"]["field"]) == (2, "LAPWING_TSA_ROOT")
