"""The numbers for whoever runs this: documented, true, and of no organisation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import Metric
from sqlalchemy import text

from lapwing.app import House
from lapwing.screening.keeping import SWEEP
from lapwing.store.database import Database
from lapwing.store.jobs import enqueue
from lapwing.web.metrics import Metrics
from lapwing.web.numbers import HouseNumbers
from web_world import KNOWN_SHA256, Side, bearer, opened_client, opened_house, settle

DOCUMENT = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.fixture
def own(empty_database: str, tmp_path: Path) -> Iterator[tuple[House, Side]]:
    """A house in which nothing else happens."""
    with closing(Database(empty_database)) as database:
        database.migrate()
        with opened_house(database, tmp_path) as house:
            yield house, settle(house, "counted")


def documented() -> dict[str, tuple[str, tuple[str, ...], str]]:
    table = DOCUMENT.partition("| metric |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|(.*)\| ([^|]+) \|$", table, re.MULTILINE)
    return {
        name: (kind, tuple(sorted(re.findall(r"`(\w+)`", labels))), meaning)
        for name, kind, labels, meaning in rows
    }


def collected(house: House) -> list[Metric]:
    return list(Metrics(HouseNumbers(house)).registry.collect())


def values(house: House) -> dict[str, float]:
    """Samples by name, with the value of their label behind it."""
    return {
        "/".join([sample.name, *sample.labels.values()]): sample.value
        for family in collected(house)
        for sample in family.samples
    }


def test_the_table_is_what_is_there(own: tuple[House, Side]) -> None:
    found = {family.name: (family.type, family.documentation) for family in collected(own[0])}
    told = {name: (kind, meaning) for name, (kind, _, meaning) in documented().items()}
    assert found == told


def test_labels_are_those_of_the_table(own: tuple[House, Side]) -> None:
    house, side = own
    with opened_client(house) as client:
        client.post(
            "/v1/screen",
            headers=bearer(side.secret),
            json={"kind": "media", "id": "x", "sha256": KNOWN_SHA256},
        )
        client.post("/v1/screen", headers=bearer(side.secret), json={"kind": "media"})
        shown = client.app.state.metrics
        shown.count_job("vault.sweep", True, 0.1)
        shown.verdicts.labels("unsure").inc()
        told = {name: labels for name, (_, labels, _) in documented().items()}
        for family in shown.registry.collect():
            for sample in family.samples:
                labels = set(sample.labels) - {"le"}
                assert labels == set(told[family.name]), sample.name
        written = shown.text().decode()
    for hidden in (str(side.organisation), side.name, "counted"):
        assert hidden not in written


def test_state_is_what_the_house_holds(own: tuple[House, Side]) -> None:
    house, side = own
    before = values(house)
    assert before["lapwing_bank_indicators"] == len(side.indicators) + 1  # and the disputed one
    assert before["lapwing_bank_lists"] == 1
    assert before["lapwing_cases/open"] == 1
    assert before["lapwing_vault_objects"] == 1
    assert before["lapwing_vault_due"] == 0
    assert before["lapwing_ledger_leaves"] > 5
    assert 0 <= before["lapwing_ledger_head_seconds"] < 600
    assert 0 <= before["lapwing_case_oldest_seconds"] < 600
    assert 0 <= before["lapwing_bank_changed_seconds"] < 600
    assert before["lapwing_jobs/waiting"] == 1
    assert "lapwing_job_oldest_seconds" not in before
    with house.database.organisation(side.organisation) as connection:
        payload = {"organisation": str(side.organisation)}
        enqueue(connection, SWEEP, payload)
        enqueue(connection, SWEEP, payload, run_after=timedelta(hours=1))
    with house.database.owner() as connection:
        connection.execute(text("update vault_objects set delete_at = now() - interval '1 day'"))
        connection.execute(text("update cases set due_at = now() - interval '1 day'"))
        connection.execute(
            text(
                "update pgqueuer set execute_after = now() - interval '1 hour' "
                "where execute_after < now()"
            )
        )
    after = values(house)
    assert after["lapwing_vault_due"] == 1
    assert after["lapwing_cases_overdue"] == 1
    assert (after["lapwing_jobs/queued"], after["lapwing_jobs/waiting"]) == (1, 2)
    assert 3500 < after["lapwing_job_oldest_seconds"] < 3700
