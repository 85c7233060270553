"""The line of a request is written apart from the other lines, and must be one of them."""

from __future__ import annotations

import json
import logging
from typing import Any
from uuid import UUID

import pytest

from lapwing.logs import KEYS, WITHHELD, log, say_request, set_up_logs

OWNER = UUID("019a0000-0000-7000-8000-000000000001")
PLAIN: dict[str, Any] = {
    "request_id": "0a" * 16,
    "method": "POST",
    "route": "/v1/match",
    "status": 200,
    "milliseconds": 1.5,
    "caller": "api_key",
    "organisation": OWNER,
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"caller": None, "organisation": None, "route": "unknown"},
        {"method": 'PLANTED"'},
        {"route": '/v1/cases/jane@example.org", "x": "'},
        {"request_id": 'x"\n'},
        {"caller": "jane doe"},
        {"milliseconds": 0.0, "status": 503},
    ],
    ids=str,
)
def test_it_is_the_line_that_the_log_would_write(
    change: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    said = PLAIN | change
    owner = said["organisation"]
    say_request(**said)
    log.info("request", **(said | {"organisation": None if owner is None else str(owner)}))
    written = capsys.readouterr().err
    ours, theirs = map(json.loads, written.splitlines())
    assert list(ours) == list(theirs)
    for line in (ours, theirs):
        assert KEYS["timestamp"].fits(line.pop("timestamp"))
    assert ours == theirs
    assert ours.keys() <= KEYS.keys()
    assert "jane" not in written
    assert "PLANTED" not in written


def test_what_has_not_the_shape_of_its_key_is_withheld_every_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for _ in range(2):
        say_request(**(PLAIN | {"request_id": "jane", "method": "jane"}))
    for line in map(json.loads, capsys.readouterr().err.splitlines()):
        assert (line["request_id"], line["method"]) == (WITHHELD, WITHHELD)


def test_without_an_access_log_it_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(logging.WARNING)
    say_request(**PLAIN)
    set_up_logs(logging.INFO)
    assert capsys.readouterr().err == ""
