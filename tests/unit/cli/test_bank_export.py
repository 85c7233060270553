"""`lapwing bank export`: only with a second member, for its owner alone, read back whole."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from command_line import Answer
from hash_list_files import icse, icse_row, media, vics
from lapwing.app import open_house
from lapwing.intake.hash_lists.icse import IcseFile
from lapwing.intake.hash_lists.vics import VicsFile
from lapwing.model.hash_lists import ListedMedia
from lapwing.settings import Settings

Lapwing = Callable[..., Answer]
MIXED = "kind,value,quality,category,valid_until\n" + "".join(
    [
        f'pdq,{"0f" * 32},77,"a, b",2099-01-01T00:00:00+00:00\n',
        f"md5,{'ab' * 16},,,\n",
        "url,https://a.example/x,,,\n",
    ]
)


@pytest.fixture
def lists(lapwing: Lapwing, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--source", "us", "--basis", "verdict", "--category", "a")
    for name in ("Ours", "Again"):
        made = lapwing("bank", "create", name, "--kind", "block", "--verified", *words)
        assert made.code == 0
    for name in ("Ada", "Ben"):
        assert lapwing("members", "add", name, "--role", "reviewer").code == 0
    token = lapwing("sign-in", "Ada").out.strip()
    monkeypatch.setenv("LAPWING_MEMBER_TOKEN", token)


def agree(lapwing: Lapwing, answer: str = "confirm") -> UUID:
    """Ada proposes that "Ours" may leave, and Ben confirms it."""
    proposed = lapwing("bank", "export", "--list", "Ours", "--propose", "--basis", "c", "--json")
    assert proposed.code == 0
    token = lapwing("sign-in", "Ben").out.strip()
    identity = UUID(proposed.json["id"])
    house = open_house(Settings.read(os.environ))
    try:
        signed = house.members.signed_in(token)
        assert signed is not None
        mine = signed.member.organisation
        with house.database.organisation(mine) as connection:
            house.confirmations.confirm(connection, mine, signed, identity)
        if answer == "withdraw":
            with house.database.organisation(mine) as connection:
                house.confirmations.withdraw(connection, mine, signed.member, identity, "no")
    finally:
        house.close()
    return identity


def fill(lapwing: Lapwing, folder: Path, data: bytes, onto: str = "Ours", *said: str) -> None:
    file = folder / f"{onto}-{hashlib.sha256(data).hexdigest()[:8]}"
    file.write_bytes(data)
    answer = lapwing("bank", "import", file, "--list", onto, *said)
    assert answer.code == 0, answer.err


def values(lapwing: Lapwing, name: str) -> list[tuple[Any, ...]]:
    found = lapwing("bank", "show", name, "--limit", "1000", "--json").lines
    keys = ("kind", "value", "quality", "category", "source", "basis", "valid_until")
    return sorted(tuple(str(one[key]) for key in keys) for one in found)


IPED = ("--kind", "block", "--provenance", "p", "--profile", "iped")
ICSE = ("--kind", "block", "--provenance", "p", "--profile", "icse")


def test_without_a_second_member_nothing_leaves(
    lapwing: Lapwing, lists: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.csv"
    fill(lapwing, tmp_path, MIXED.encode(), "Ours", "--format", "csv")
    command = ("bank", "export", "--list", "Ours", "--out", out, "--json")
    refused = lapwing(*command)
    assert (refused.code, refused.json["error"]["code"]) == (1, "not_allowed")
    assert lapwing("bank", "export", "--list", "Ours", "--propose", "--basis", "c").code == 0
    assert lapwing(*command).code == 1
    agree(lapwing, "withdraw")
    assert lapwing(*command).code == 1
    agree(lapwing)
    monkeypatch.delenv("LAPWING_MEMBER_TOKEN")
    assert lapwing(*command).code == 1
    assert sorted(path.name for path in tmp_path.glob("out*")) == []


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_our_own_forms_carry_everything_and_say_where_they_come_from(
    lapwing: Lapwing, lists: None, tmp_path: Path, form: str
) -> None:
    fill(lapwing, tmp_path, MIXED.encode(), "Ours", "--format", "csv")
    agree(lapwing)
    out = tmp_path / f"out.{form}"
    answer = lapwing("bank", "export", "--list", "Ours", "--format", form, "--out", out, "--json")
    assert answer.code == 0
    text = out.read_text()
    assert text.startswith("# Ours: a block list of ")
    assert "basis: verdict" in text
    assert out.stat().st_mode & 0o777 == 0o600
    beside = json.loads((tmp_path / f"out.{form}.provenance.json").read_text())
    assert beside["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert (beside["written_by"], beside["basis"]) == ("Ada", "c")
    assert lapwing("bank", "import", out, "--list", "Again").code == 0
    assert values(lapwing, "Again") == values(lapwing, "Ours")
    again = lapwing("bank", "export", "--list", "Ours", "--format", form, "--out", out)
    assert again.code == 2


@pytest.mark.parametrize("version", ["1.2", "1.3", "2.0"])
def test_a_vics_file_comes_back_as_it_was_read(
    lapwing: Lapwing, lists: None, tmp_path: Path, version: str
) -> None:
    pdq = [{"HashName": "PDQ", "HashValue": "0f" * 32}]
    rows = [media(n, Category=1 + n % 2) for n in range(30)]
    rows += [media(30, AlternativeHashes=pdq), media(31, SHA1=None)]
    fill(lapwing, tmp_path, vics(rows, "2.0"), "Ours", *IPED)
    agree(lapwing)
    out = tmp_path / "out.json"
    options = ("--format", "vics", "--version", version, "--out", out)
    assert lapwing("bank", "export", "--list", "Ours", *options).code == 0
    document = json.loads(out.read_text())
    assert list(document) == [
        "@odata.context" if version == "2.0" else "odata.metadata",
        "value",
    ]
    assert shape(VicsFile(out.open("rb"))) == shape(VicsFile(io.BytesIO(vics(rows, "2.0"))))
    assert lapwing("bank", "import", out, "--list", "Again", *IPED).code == 0
    assert values(lapwing, "Again") == values(lapwing, "Ours")


def shape(file: VicsFile | IcseFile) -> set[tuple[Any, ...]]:
    found = [one for one in file if isinstance(one, ListedMedia)]
    return {(frozenset(one.hashes), one.category, one.baseline, one.dated) for one in found}


def test_an_icse_file_comes_back_with_its_baseline_flag(
    lapwing: Lapwing, lists: None, tmp_path: Path
) -> None:
    data = icse([icse_row(n) for n in range(20)])
    fill(lapwing, tmp_path, data, "Ours", *ICSE)
    agree(lapwing)
    out = tmp_path / "out.csv"
    assert lapwing("bank", "export", "--list", "Ours", "--format", "icse", "--out", out).code == 0
    assert shape(IcseFile(out.open("rb"))) == shape(IcseFile(io.BytesIO(data)))


def test_what_a_form_cannot_hold_is_counted(lapwing: Lapwing, lists: None, tmp_path: Path) -> None:
    fill(lapwing, tmp_path, MIXED.encode(), "Ours", "--format", "csv")
    agree(lapwing)
    out = tmp_path / "out.json"
    answer = lapwing("bank", "export", "--list", "Ours", "--format", "vics", "--out", out, "--json")
    assert answer.code == 3
    assert sum(answer.json["left_out"].values()) == 2
    assert len(json.loads(out.read_text())["value"]) == 1


def test_numbers_of_two_profiles_never_stand_in_one_file(
    lapwing: Lapwing, lists: None, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'name="own-numbers"\ntitle="t"\nformats=["vics"]\nsource="s"\ncertainty="read"\n'
        'reviewed=2026-01-01\nmissing="nothing"\n[[category]]\nnumber=1\nmeaning="abuse"\nlabel="x"'
    )
    fill(lapwing, tmp_path, vics([media(1)]), "Ours", *IPED)
    said = ("--kind", "block", "--provenance", "p", "--profile", str(own))
    fill(lapwing, tmp_path, vics([media(2)]), "Ours", *said)
    agree(lapwing)
    out = tmp_path / "out.json"
    answer = lapwing("bank", "export", "--list", "Ours", "--format", "vics", "--out", out, "--json")
    assert (answer.code, answer.json["error"]["field"]) == (2, "format")
    assert not list(tmp_path.glob("out*"))
