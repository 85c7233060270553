"""What the house holds and what waits in it, as Prometheus metrics, read when they are asked for.

An age is left out where there is nothing to have one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lapwing.app import House
from lapwing.operations.totals import totals
from lapwing.report.alarm import read_clocks


class HouseNumbers(Collector):
    """Collects from the database and from this process's copy of the bank."""

    def __init__(self, house: House) -> None:
        self._house = house

    def collect(self) -> Iterator[Metric]:
        now = self._house.clock()
        snapshot = self._house.live.snapshot()
        found = totals(self._house.database, now)
        levelled = self._house.live.levelled_at
        yield _one("bank_indicators", "Live indicators in the index", len(snapshot))
        yield _one("bank_lists", "Lists in the index", len(snapshot.lists))
        yield _one("bank_generation", "Generation of the bank's index", snapshot.generation)
        yield _one(
            "bank_changed_seconds",
            "Since this process last took over a change of the bank",
            None if levelled is None else max(0.0, (now - levelled).total_seconds()),
        )
        held = self._house.live.held
        yield _one(
            "bank_file_generation",
            "Generation of the bank's file on this node",
            None if held.base is None else held.base_generation,
        )
        yield _one(
            "bank_file_apart", "Indicators in which the index differs from it", snapshot.apart()
        )
        yield _by("cases", "Cases, by state", "state", found.cases)
        yield _one(
            "cases_overdue", "Cases without a verdict beyond their date", found.cases_overdue
        )
        yield _one(
            "case_oldest_seconds", "Age of the oldest case without a verdict", found.case_age
        )
        clocks = read_clocks(self._house.database, now)
        yield _by(
            "reports_owed",
            "Reports that the law asks for and that are not filed, by clock",
            "clock",
            {"running": clocks.running, "remind": clocks.remind, "late": clocks.late},
        )
        yield _one(
            "cases_in_danger",
            "Cases without a verdict in which a child is in danger",
            clocks.undecided,
        )
        yield _by("jobs", "Jobs in the queue, by status", "status", found.jobs)
        yield _one("job_oldest_seconds", "How long the oldest due job has waited", found.job_age)
        yield _one("ledger_leaves", "Leaves in all ledgers", found.ledger_leaves)
        yield _one("ledger_head_seconds", "Age of the newest signed head", found.ledger_head_age)
        yield _one("vault_objects", "Sealed objects in the vault", found.vault_objects)
        yield _one("vault_due", "Objects that should be deleted by now", found.vault_due)


def _one(name: str, meaning: str, value: float | None) -> Metric:
    family = GaugeMetricFamily(f"lapwing_{name}", meaning)
    if value is not None:
        family.add_metric([], value)
    return family


def _by(name: str, meaning: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(f"lapwing_{name}", meaning, labels=[label])
    for which, value in sorted(values.items()):
        family.add_metric([which], value)
    return family
