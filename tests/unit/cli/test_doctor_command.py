from __future__ import annotations

from pathlib import Path

import psycopg

from command_line import Lapwing


def states(lapwing: Lapwing) -> dict[str, str]:
    return {one["name"]: one["state"] for one in lapwing("doctor", "--json").json}


def test_a_fresh_installation_is_not_broken(lapwing: Lapwing) -> None:
    lapwing("members", "add", "Ada")
    answer = lapwing("doctor")
    assert answer.code == 0
    assert "PostgreSQL" in answer.out
    found = states(lapwing)
    assert "broken" not in found.values()
    assert found["row-level security"] == "ok"
    assert found["durable commits"] == "ok"
    assert found["secrets beside data"] == "weak"


def test_readable_secrets_are_broken(lapwing: Lapwing, home: Path) -> None:
    lapwing("members", "add", "Ada")
    (home / "secrets").chmod(0o755)
    answer = lapwing("doctor", "--json")
    assert answer.code == 1
    assert {one["name"]: one["state"] for one in answer.json}["secrets"] == "broken"


def test_a_wall_that_was_taken_down_is_found(lapwing: Lapwing, database_url: str) -> None:
    lapwing("members", "add", "Ada")
    with psycopg.connect(database_url) as owner:
        owner.execute("alter table cases disable row level security")
    answer = lapwing("doctor", "--json")
    assert answer.code == 1
    (said,) = [one["said"] for one in answer.json if one["name"] == "row-level security"]
    assert said == "missing on cases"


def test_a_database_that_does_not_answer_is_told(lapwing_alone: Lapwing) -> None:
    answer = lapwing_alone("doctor", "--json")
    assert answer.code == 1
    assert {one["name"]: one["state"] for one in answer.json}["database"] == "broken"


def test_compiling_is_all_that_compile_does(lapwing_alone: Lapwing) -> None:
    answer = lapwing_alone("doctor", "--compile", "--json")
    assert answer.code == 0
    assert set(answer.json) == {"compiled_in_seconds"}
    assert "compiled" in lapwing_alone("doctor", "--compile").out
