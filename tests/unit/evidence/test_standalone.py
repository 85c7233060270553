"""The stand-alone verifier: run outside the package, against exports that were tampered with."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from evidence_samples import REVIEWER, Fill, SteppedClock
from sqlalchemy import text

from lapwing.evidence.heads import SignedHead, head_to_text, sign_head, verifier_key
from lapwing.evidence.ledger import Ledger
from lapwing.evidence.merkle import leaf_hash, root_of
from lapwing.store.database import Database
from lapwing.store.keyring import Keyring

PROGRAM = Path(str(files("lapwing.evidence.standalone").joinpath("verify_ledger.py")))
Lines = list[dict[str, Any]]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a copy of the program, isolated: no package of ours, no user's site, no environment."""
    program = tmp_path / "verify.py"
    program.write_bytes(PROGRAM.read_bytes())

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", str(program), *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={},
            timeout=60,
        )

    return call


@pytest.fixture
def exported(database: Database, organisation: UUID, ledger: Ledger) -> Callable[..., Lines]:
    def export(**options: bool) -> Lines:
        with database.organisation(organisation) as connection:
            found = list(ledger.export(connection, organisation, **options))
        assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in found)
        return [json.loads(line) for line in found]

    return export


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Lines], Path]:
    def write(lines: Lines) -> Path:
        path = tmp_path / "export.ndjson"
        path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        return path

    return write


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[SignedHead], Path]:
    def keep(head: SignedHead) -> Path:
        path = tmp_path / f"head-{head.size}.txt"
        path.write_text(head_to_text(head), encoding="utf-8")
        return path

    return keep


def at(lines: Lines, position: int) -> int:
    """The number of the line that holds the event at a position."""
    return next(i for i, line in enumerate(lines) if line.get("position") == position)


def test_the_program_imports_nothing_but_the_standard_library_and_cryptography() -> None:
    named = {
        line.split()[1].partition(".")[0]
        for line in PROGRAM.read_text("utf-8").splitlines()
        if line.startswith(("import ", "from "))
    }
    assert named - set(sys.stdlib_module_names) == {"cryptography"}


def test_an_export_verifies_offline(
    database: Database,
    organisation: UUID,
    ledger: Ledger,
    run: Run,
    exported: Callable[..., Lines],
    written: Callable[[Lines], Path],
    kept: Callable[[SignedHead], Path],
    fill: Fill,
) -> None:
    fill(300)
    early = fill(7)
    with database.organisation(organisation) as connection:
        ledger.rotate_key(connection, organisation, REVIEWER)
        ledger.forget(connection, organisation, [3, 4])
        ledger.retire_keys(connection, organisation)
    late = fill(5, 1)
    first, *_, last = ledger.public_keys(organisation)
    path = written(exported())
    for key in (first, last):
        heads = ["--head", kept(early), "--head", kept(late)]
        answer = run("ledger", path, *heads, "--key", key, "--json")
        assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert (found["size"], found["heads"], found["erased"]) == (314, 5, 2)
    assert (found["root"], found["kept"]) == (late.root, [307, 314])
    assert found["keys"] == [early.key_id, late.key_id]
    assert "The ledger holds: 314 events" in run("ledger", path).stdout


def test_an_export_in_gzip_and_one_without_words_verify_too(
    database: Database,
    organisation: UUID,
    ledger: Ledger,
    run: Run,
    exported: Callable[..., Lines],
    tmp_path: Path,
    fill: Fill,
) -> None:
    fill(5)
    with database.organisation(organisation) as connection:
        ledger.rotate_key(connection, organisation, REVIEWER)
    fill(5)
    lines = exported(withhold=True)
    said = "".join(line.get("event", "") for line in lines)
    assert "note 1" not in said
    assert "key_rotated" in said
    path = tmp_path / "export.ndjson.gz"
    path.write_bytes(gzip.compress(b"".join(msgspec.json.encode(line) + b"\n" for line in lines)))
    answer = run("ledger", path, "--json")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["withheld"] == 10
    path.write_bytes(path.read_bytes()[:-40])
    assert run("ledger", path).returncode == 2


def test_an_empty_ledger_verifies(
    run: Run, exported: Callable[..., Lines], written: Callable[[Lines], Path]
) -> None:
    assert run("ledger", written(exported())).returncode == 0


def flipped(text: str) -> str:
    """Hex with one bit of its middle turned."""
    middle = len(text) // 2
    return text[:middle] + f"{int(text[middle], 16) ^ 1:x}" + text[middle + 1 :]


def flip_salt(lines: Lines) -> None:
    line = lines[at(lines, 11)]
    line["salt"] = flipped(line["salt"])


def flip_commitment(lines: Lines) -> None:
    line = lines[at(lines, 11)]
    line["commitment"] = flipped(line["commitment"])


def change_a_word(lines: Lines) -> None:
    line = lines[at(lines, 11)]
    line["event"] = line["event"].replace("note", "nota", 1)


def remove(lines: Lines) -> None:
    del lines[at(lines, 11)]


def remove_and_number_anew(lines: Lines) -> None:
    del lines[at(lines, 11)]
    for line in lines:
        if line.get("position", 0) > 11:
            line["position"] -= 1
    lines[0]["size"] -= 1


def exchange(lines: Lines) -> None:
    one, other = at(lines, 11), at(lines, 12)
    lines[one], lines[other] = lines[other], lines[one]


def repeat(lines: Lines) -> None:
    lines.insert(at(lines, 11), dict(lines[at(lines, 10)]))


def half_erase(lines: Lines) -> None:
    del lines[at(lines, 11)]["salt"]


def withhold_and_speak(lines: Lines) -> None:
    lines[at(lines, 11)] |= {"withheld": True, "event": "{}"}


def lie_about_a_number(lines: Lines) -> None:
    lines[at(lines, 11)]["position"] = True


def rewrite(lines: Lines) -> None:
    """Event, salt and commitment anew, so that only the signed heads tell."""
    line = lines[at(lines, 11)]
    line["event"] = line["event"].replace("note", "nota")
    salt = bytes(16)
    line["salt"] = salt.hex()
    line["commitment"] = hashlib.sha256(salt + line["event"].encode()).hexdigest()


def cut_with_its_end(lines: Lines) -> None:
    del lines[at(lines, 11) :]


def cut_and_close(lines: Lines) -> None:
    del lines[at(lines, 11) :]
    lines.append({"end": 20})


def grow(lines: Lines) -> None:
    lines[0]["size"] = 11


@pytest.mark.parametrize(
    ("damage", "position"),
    [
        (flip_salt, 11),
        (flip_commitment, 11),
        (change_a_word, 11),
        (remove, 11),
        (remove_and_number_anew, 10),
        (exchange, 11),
        (repeat, 11),
        (half_erase, 11),
        (withhold_and_speak, 11),
        (lie_about_a_number, 11),
        (rewrite, 10),
        (cut_with_its_end, 11),
        (cut_and_close, 11),
        (grow, 11),
    ],
)
def test_damage_is_found_and_its_place_named(
    run: Run,
    exported: Callable[..., Lines],
    written: Callable[[Lines], Path],
    fill: Fill,
    damage: Callable[[Lines], None],
    position: int,
) -> None:
    """Heads are at 10 and 20: where only they tell, the place is where the last good one ends."""
    fill(10, 10)
    lines = exported()
    damage(lines)
    answer = run("ledger", written(lines))
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"BROKEN: position {position}:"), answer.stderr


def change_head(lines: Lines, old: str, new: str) -> None:
    line = next(line for line in lines if "head" in line)
    assert old in line["head"]
    line["head"] = line["head"].replace(old, new, 1)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda lines: change_head(lines, "time 2026", "time 2027"), "signature"),
        (
            lambda lines: change_head(lines, "\n10\n", "\n11\n"),
            "the head of size 11 stands behind 10",
        ),
        (lambda lines: change_head(lines, "\nkey ", "\nkey 00"), "not a signed ledger head"),
        (lambda lines: lines.remove(next(x for x in lines if "key" in x)), "unknown key"),
        (lambda lines: lines[1].update(key="a+b+c"), "not a public key"),
        (lambda lines: lines.insert(2, {"other": 1}), "belongs to no ledger"),
        (lambda lines: lines.append({"position": 20}), "behind the end"),
        (lambda lines: lines.pop(), "cut off"),
        (lambda lines: lines.pop(-2), "no signed head covers"),
    ],
)
def test_damage_to_what_stands_beside_the_events_is_found(
    run: Run,
    exported: Callable[..., Lines],
    written: Callable[[Lines], Path],
    fill: Fill,
    damage: Callable[[Lines], object],
    said: str,
) -> None:
    fill(10, 10)
    lines = exported()
    damage(lines)
    answer = run("ledger", written(lines))
    assert answer.returncode == 1
    assert said in answer.stderr


def forged(lines: Lines, organisation: UUID, keyring: Keyring, clock: SteppedClock) -> Lines:
    """The ledger with one event fewer, signed anew as a whole with another's keys."""
    left = [line for line in lines if "position" in line and line["position"] != 3]
    for place, line in enumerate(left):
        line["position"] = place
    key_id, key = keyring.signing_key(organisation)
    root = root_of([leaf_hash(bytes.fromhex(line["commitment"])) for line in left])
    head = sign_head(organisation, len(left), root, clock(), key_id, key)
    return [
        {"ledger": lines[0]["ledger"], "size": len(left)},
        *(line for line in lines if "key" in line),
        {"key": verifier_key(organisation, key.public_key())},
        *left,
        {"head": head_to_text(head)},
        {"end": len(left)},
    ]


def test_a_ledger_signed_anew_is_found_against_a_head_or_a_key_from_elsewhere(
    organisation: UUID,
    ledger: Ledger,
    keyring: Keyring,
    clock: SteppedClock,
    run: Run,
    exported: Callable[..., Lines],
    written: Callable[[Lines], Path],
    kept: Callable[[SignedHead], Path],
    fill: Fill,
    home: Path,
) -> None:
    head = fill(10)
    fill(10)
    path = written(forged(exported(), organisation, keyring, clock))
    assert run("ledger", path).returncode == 0
    assert (
        "kept head: the ledger has been rewritten"
        in run("ledger", path, "--head", kept(head)).stderr
    )
    stranger = Keyring(home / "stranger")
    path = written(forged(exported(), organisation, stranger, clock))
    assert run("ledger", path).returncode == 0
    assert run("ledger", path, "--head", kept(head)).returncode == 1
    [ours] = ledger.public_keys(organisation)
    assert "keys were replaced" in run("ledger", path, "--key", ours).stderr


def test_a_ledger_cut_short_with_its_heads_is_found_against_a_kept_head(
    run: Run,
    exported: Callable[..., Lines],
    written: Callable[[Lines], Path],
    kept: Callable[[SignedHead], Path],
    fill: Fill,
) -> None:
    fill(10)
    late = fill(10)
    lines = exported()
    del lines[at(lines, 10) :]
    lines[0]["size"] = 10
    path = written([*lines, {"end": 10}])
    assert run("ledger", path).returncode == 0
    answer = run("ledger", path, "--head", kept(late))
    assert "position 10: the ledger has been cut short" in answer.stderr


def test_what_a_retired_key_signs_is_refused(
    database: Database,
    organisation: UUID,
    ledger: Ledger,
    keyring: Keyring,
    clock: SteppedClock,
    run: Run,
    exported: Callable[..., Lines],
    written: Callable[[Lines], Path],
    kept: Callable[[SignedHead], Path],
    fill: Fill,
) -> None:
    fill(3)
    old_id, old = keyring.signing_key(organisation)
    with database.organisation(organisation) as connection:
        ledger.rotate_key(connection, organisation, REVIEWER)
    good = fill(2)
    stale = sign_head(organisation, 6, bytes.fromhex(good.root), clock(), old_id, old)
    lines = exported()
    assert "retired before" in run("ledger", written(lines), "--head", kept(stale)).stderr
    next(x for x in reversed(lines) if "head" in x)["head"] = head_to_text(stale)
    assert "retired before" in run("ledger", written(lines)).stderr
    lines = [line for line in exported() if "\n4\n" not in line.get("head", "")]
    answer = run("ledger", written(lines))
    assert "position 3: the key that it retires did not sign" in answer.stderr


def test_proofs_are_checked_against_heads(
    database: Database,
    organisation: UUID,
    ledger: Ledger,
    run: Run,
    exported: Callable[..., Lines],
    kept: Callable[[SignedHead], Path],
    tmp_path: Path,
    fill: Fill,
) -> None:
    heads = [fill(1), fill(63), fill(36), fill(156), fill(1)]
    [key] = ledger.public_keys(organisation)
    proof_file, event_file = tmp_path / "proof.json", tmp_path / "event.json"
    lines = exported()

    def check(proof: object, what: str, *arguments: object) -> int:
        proof_file.write_bytes(msgspec.json.encode(proof))
        return run(what, proof_file, "--key", key, *arguments).returncode

    for head in heads:
        with database.organisation(organisation) as connection:
            position = head.size * 2 // 3
            proof = ledger.prove(connection, organisation, position, head.size)
        event_file.write_bytes(msgspec.json.encode(lines[at(lines, position)]))
        as_json = tmp_path / "head.json"
        as_json.write_bytes(msgspec.json.encode(head))
        assert check(proof, "inclusion", "--head", kept(head), "--event", event_file) == 0
        assert check(proof, "inclusion", "--head", as_json) == 0
    other = msgspec.structs.replace(proof, position=position - 1)
    assert check(other, "inclusion", "--head", kept(heads[-1])) == 1
    assert check(proof, "inclusion", "--head", kept(heads[0])) == 1
    event_file.write_bytes(msgspec.json.encode(lines[at(lines, 1)]))
    assert check(proof, "inclusion", "--head", kept(heads[-1]), "--event", event_file) == 1
    for old in heads:
        for new in heads[heads.index(old) :]:
            with database.organisation(organisation) as connection:
                growth = ledger.prove_growth(connection, organisation, old.size, new.size)
            assert check(growth, "consistency", "--old", kept(old), "--new", kept(new)) == 0
    cut = msgspec.structs.replace(growth, path=growth.path[:-1], old_size=100)
    assert check(cut, "consistency", "--old", kept(heads[2]), "--new", kept(heads[-1])) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"{}\n",
        b'{"ledger":"lapwing.ledger/v1/x","size":1}\n',
        b'{"ledger":1,"size":1}\n',
        b"[" * 100_000,
        b'{"size":' + b"9" * 100_000,
    ],
)
def test_what_is_no_export_cannot_be_used(run: Run, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    answer = run("ledger", path)
    assert answer.returncode == 2
    assert answer.stderr.startswith("cannot be used:")
    assert "Traceback" not in answer.stderr


def test_an_event_changed_in_the_database_is_named(
    database: Database,
    organisation: UUID,
    run: Run,
    exported: Callable[..., Lines],
    written: Callable[[Lines], Path],
    fill: Fill,
) -> None:
    fill(20)
    with database.owner() as connection:
        connection.execute(text("alter table ledger_events disable trigger only_erase"))
        connection.execute(
            text(
                "update ledger_events set body = set_byte(body, 40, 255)"
                " where organisation_id = :o and position = 13"
            ),
            {"o": organisation},
        )
        connection.execute(text("alter table ledger_events enable trigger only_erase"))
    assert run("ledger", written(exported())).stderr.startswith("BROKEN: position 13:")


def test_stamps_are_counted_and_left_to_others(
    run: Run, exported: Callable[..., Lines], written: Callable[[Lines], Path], fill: Fill
) -> None:
    fill(2)
    lines = exported()
    lines.insert(-1, {"stamp": base64.b64encode(b"x").decode(), "size": 2})
    assert "1 time stamps, not checked here" in run("ledger", written(lines)).stdout
