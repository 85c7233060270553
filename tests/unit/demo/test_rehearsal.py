"""In the demo a report can be filed, with a stand-in that reaches nobody."""

from __future__ import annotations

from pathlib import Path

from lapwing.demo.cybertipline_server import USERNAME
from lapwing.demo.rehearsal import rehearsing
from lapwing.report.cybertipline.client import connector
from lapwing.report.cybertipline.endpoints import is_test
from lapwing.report.cybertipline.schema import load_schema
from lapwing.settings import Settings
from lapwing.store.clock import new_id


def some_settings(home: Path, url: str | None = None) -> Settings:
    return Settings(home=home, secrets=home / "secrets", blobs_url="", cybertipline_url=url)


def test_the_demos_reports_go_to_a_stand_in_on_this_machine(home: Path) -> None:
    organisation = new_id()
    with rehearsing(some_settings(home), organisation) as rehearsed:
        assert rehearsed.cybertipline_url is not None
        assert is_test(rehearsed.cybertipline_url)
        assert rehearsed.cybertipline_schema is not None
        load_schema(rehearsed.cybertipline_schema)
        with connector(rehearsed.secrets, rehearsed.cybertipline_url)(organisation) as client:
            assert USERNAME in client.status().description
    assert not (home / "cybertipline.xsd").exists()


def test_an_address_that_is_set_is_left_alone(home: Path) -> None:
    chosen = some_settings(home, "https://report.example.org/ispws")
    with rehearsing(chosen, new_id()) as rehearsed:
        assert rehearsed == chosen
    assert not (home / "secrets").exists()
