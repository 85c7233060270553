"""The client and the stand-in: codes, lost answers, credentials and the schema's file."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cybertipline_samples import PLAIN
from lapwing.demo.cybertipline_schema import stand_in_schema
from lapwing.demo.cybertipline_server import PASSWORD, USERNAME, Break, StandIn, serving
from lapwing.model.errors import InvalidInput, NotAllowed, Unavailable
from lapwing.report.cybertipline.answers import Meaning, Unanswered, meaning_of, read_answer
from lapwing.report.cybertipline.client import CyberTipline
from lapwing.report.cybertipline.credentials import (
    Credentials,
    keep_credentials,
    read_credentials,
)
from lapwing.report.cybertipline.endpoints import authority_of, checked_endpoint, is_test
from lapwing.report.cybertipline.files import FileDetails
from lapwing.report.cybertipline.schema import keep_schema, load_schema
from lapwing.report.cybertipline.xml import render
from lapwing.store.clock import new_id
from report_world import Hands

KNOWN = Credentials(username=USERNAME, password=PASSWORD)
REPORT = render(PLAIN, "report")


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def desk(hands: Hands) -> StandIn:
    return StandIn(clock=hands)


@pytest.fixture
def wire(desk: StandIn) -> Iterator[CyberTipline]:
    with serving(desk) as endpoint, CyberTipline(endpoint, KNOWN) as client:
        yield client


def details(report: int, file: str | None) -> bytes:
    return render(FileDetails(report_id=report, file_id=file), "fileDetails")


def test_a_report_goes_through_all_its_steps(wire: CyberTipline) -> None:
    assert wire.status().meaning is Meaning.DONE
    assert wire.schema() == stand_in_schema()
    report = wire.submit(REPORT).report_id
    assert report is not None
    content = os.urandom(70_000) + b"\r\n--boundary\r\n"
    uploaded = wire.upload(report, "a.bin", content)
    assert uploaded.hash == hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert wire.describe(details(report, uploaded.file_id)).meaning is Meaning.DONE
    finished = wire.finish(report)
    assert finished.files == (uploaded.file_id,)
    assert finished.request_id


def test_details_are_taken_once_a_file(wire: CyberTipline) -> None:
    report = wire.submit(REPORT).report_id or 0
    file = wire.upload(report, "a", b"a").file_id
    assert wire.describe(details(report, file)).code == 0
    assert wire.describe(details(report, file)).meaning is Meaning.REFUSED
    assert wire.describe(details(report, "other")).code == 5002


def test_the_codes_of_what_became_of_a_report(wire: CyberTipline) -> None:
    finished, retracted = wire.submit(REPORT).report_id or 0, wire.submit(REPORT).report_id or 0
    wire.finish(finished)
    assert wire.retract(finished).meaning is Meaning.FINISHED
    assert wire.finish(finished).meaning is Meaning.FINISHED
    assert wire.retract(retracted).meaning is Meaning.DONE
    assert wire.retract(retracted).code == 5101
    assert wire.upload(retracted, "a", b"a").meaning is Meaning.GONE
    assert wire.retract(1).code == 5001


@pytest.mark.parametrize(
    ("hours", "touched", "there"),
    [(23.9, None, True), (24, None, False), (24.5, 23.9, True), (25, 23.9, False)],
)
def test_open_reports_expire_after_a_day_or_an_hour_untouched_whichever_is_later(
    wire: CyberTipline, hands: Hands, hours: float, touched: float | None, there: bool
) -> None:
    report = wire.submit(REPORT).report_id or 0
    if touched is not None:
        hands.turn(hours=touched)
        wire.upload(report, "a", b"a")
    hands.turn(hours=hours - (touched or 0))
    assert wire.finish(report).meaning is (Meaning.DONE if there else Meaning.GONE)


def test_bad_documents_are_refused_with_their_codes(wire: CyberTipline) -> None:
    assert wire.submit(b"<report>").code == 4110
    assert wire.submit(b"<report/>").code == 4100
    assert wire.submit(details(1, "a")).code == 4100


def test_wrong_credentials_answer_401_without_a_body(desk: StandIn) -> None:
    with (
        serving(desk) as endpoint,
        CyberTipline(endpoint, Credentials(username="a", password="b")) as client,
    ):
        answer = client.submit(REPORT)
    assert answer.body == b""
    assert answer.code == 2000
    assert answer.meaning is Meaning.REFUSED


@pytest.mark.parametrize("broken", [Break.LOST_REQUEST, Break.LOST_ANSWER])
def test_a_lost_answer_is_unanswered(wire: CyberTipline, desk: StandIn, broken: Break) -> None:
    desk.breaks[("submit", 1)] = broken
    with pytest.raises(Unanswered):
        wire.submit(REPORT)
    assert len(desk.reports) == (broken is Break.LOST_ANSWER)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (0, Meaning.DONE),
        (1000, Meaning.AGAIN),
        (1111, Meaning.AGAIN),
        (1300, Meaning.AGAIN),
        (2000, Meaning.REFUSED),
        (3100, Meaning.REFUSED),
        (4100, Meaning.REFUSED),
        (4200, Meaning.REFUSED),
        (5001, Meaning.GONE),
        (5002, Meaning.REFUSED),
        (5101, Meaning.GONE),
        (5102, Meaning.FINISHED),
        (9999, Meaning.REFUSED),
        (-1, Meaning.REFUSED),
    ],
)
def test_what_codes_mean(code: int, meaning: Meaning) -> None:
    assert meaning_of(code) is meaning


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (200, b"<html>login</html>", Meaning.AGAIN),
        (200, b"", Meaning.AGAIN),
        (502, b"<html>bad gateway</html>", Meaning.AGAIN),
        (200, b"<reportResponse><responseCode>x</responseCode></reportResponse>", Meaning.AGAIN),
        (403, b"", Meaning.REFUSED),
        (404, b"not here", Meaning.REFUSED),
        (
            500,
            b"<reportResponse><responseCode>5102</responseCode></reportResponse>",
            Meaning.FINISHED,
        ),
    ],
)
def test_what_a_proxy_says_is_not_taken_for_the_authoritys_word(
    status: int, body: bytes, meaning: Meaning
) -> None:
    assert read_answer(status, body, None).meaning is meaning


def test_redirects_are_not_followed() -> None:
    """Credentials and a report go to the address in the settings and nowhere else."""
    seen: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.path)
            self.send_response(307)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    with CyberTipline(f"http://127.0.0.1:{server.server_address[1]}/ispws", KNOWN) as client:
        assert client.submit(REPORT).meaning is Meaning.AGAIN
    server.shutdown()
    server.server_close()
    thread.join()
    assert seen == ["/ispws/submit"]


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://report.example.org/ispws",
        "report.example.org",
        "ftp://report.example.org",
        "https://user:secret@report.example.org/ispws",
        "https://report.example.org:port/",
        "https://report.example.org/ispws?x=1",
        "",
    ],
)
def test_an_address_needs_https(endpoint: str) -> None:
    with pytest.raises(InvalidInput, match="LAPWING_CYBERTIPLINE_URL"):
        checked_endpoint(endpoint)


@pytest.mark.parametrize(
    ("endpoint", "test"),
    [
        ("https://exttest.cybertip.org/ispws", True),
        ("http://127.0.0.1:8000/ispws", True),
        ("https://report.cybertip.org/ispws", False),
        ("https://gateway.example.org/ispws", False),
    ],
)
def test_the_test_server_is_not_the_authority(endpoint: str, test: bool) -> None:
    assert is_test(endpoint) is test
    assert (authority_of(endpoint) == "cybertipline.test") is test


def test_credentials_are_a_file_for_the_owner_alone(tmp_path: Path) -> None:
    organisation, other = new_id(), new_id()
    path = keep_credentials(tmp_path, organisation, KNOWN)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_credentials(tmp_path, organisation) == KNOWN
    assert read_credentials(tmp_path, other) is None
    path.chmod(0o640)
    with pytest.raises(NotAllowed, match="chmod 600"):
        read_credentials(tmp_path, organisation)


@pytest.mark.parametrize("content", [b"", b"secret-word", b'{"username": "secret-word"}'])
def test_a_damaged_credentials_file_is_told_of_and_not_quoted(
    tmp_path: Path, content: bytes
) -> None:
    organisation = new_id()
    keep_credentials(tmp_path, organisation, KNOWN).write_bytes(content)
    with pytest.raises(Unavailable) as refused:
        read_credentials(tmp_path, organisation)
    assert "secret-word" not in str(refused.value)
    assert PASSWORD not in repr(KNOWN).replace(USERNAME, "", 1)


def test_a_schema_that_cannot_be_used_does_not_replace_the_one_that_is_there(
    tmp_path: Path,
) -> None:
    path = tmp_path / "cybertipline.xsd"
    with pytest.raises(Unavailable):
        load_schema(path)
    keep_schema(path, stand_in_schema())
    with pytest.raises(InvalidInput):
        keep_schema(path, b"<html/>")
    assert path.read_bytes() == stand_in_schema()
    load_schema(path)


def test_without_lxml_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lxml", None)
    with pytest.raises(Unavailable, match=r"pip install 'lapwing\[reports\]'"):
        render(PLAIN, "report")
