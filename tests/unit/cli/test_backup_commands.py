"""`lapwing backup` and `lapwing restore`, from one data folder to another."""

from __future__ import annotations

from pathlib import Path

import pyrage
import pytest

from command_line import Lapwing
from lapwing.store.embedded import EmbeddedPostgres


def test_a_house_moves_to_another_folder(
    lapwing: Lapwing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--source", "us", "--basis", "verdict", "--category", "a"]
    assert lapwing("bank", "create", "Ours", "--kind", "block", *words).code == 0
    own = pyrage.x25519.Identity.generate()
    key, file, home = tmp_path / "key", tmp_path / "saved", tmp_path / "new home"
    key.write_text(f"# made for this test\n{own}\n")
    saved = lapwing("backup", "--out", file, "--to", own.to_public(), "--with-secrets", "--json")
    assert saved.code == 0, saved.err
    assert saved.json["ledgers"] == 1
    assert saved.json["secrets"] is True
    assert saved.json["bytes"] == file.stat().st_size
    assert lapwing("backup", "--out", file, "--to", own.to_public()).code == 2
    head = lapwing("ledger", "head").out
    monkeypatch.setenv("LAPWING_HOME", str(home))
    monkeypatch.delenv("LAPWING_DATABASE_URL", raising=False)
    try:
        words = tmp_path / "words"
        words.write_text("correct horse\n")
        refused = lapwing("restore", file, "--passphrase-file", words)
        assert refused.code == 1
        assert "key file" in refused.err
        restored = lapwing("restore", file, "--key", key, "--json")
        assert restored.code == 0, restored.err
        assert restored.json["home"] == str(home)
        assert lapwing("ledger", "head").out == head
        assert [one["name"] for one in lapwing("bank", "lists", "--json").json] == ["Ours"]
        assert lapwing("restore", file, "--key", key).code == 1
    finally:
        EmbeddedPostgres(home).remove()
