"""A stand-in for the authority's server, for rehearsals and tests. Nothing leaves this machine.

It answers as the CyberTipline Reporting API says: the seven endpoints, its codes, the MD5 of what
was uploaded, details once a file, and open reports that expire. It can be told to break at a step.
It is not the authority: a report that it takes is filed with nobody.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from lapwing.demo.cybertipline_schema import stand_in_schema
from lapwing.model.errors import InvalidInput
from lapwing.report.cybertipline.schema import Schema
from lapwing.report.cybertipline.xml import lxml_etree, parse
from lapwing.store.clock import Clock, utc_now

USERNAME, PASSWORD = "rehearsal", "rehearsal"
FIRST_REPORT = 4_000_001
OPEN_FOR = timedelta(hours=24)
IDLE_FOR = timedelta(hours=1)
STEPS = ("submit", "upload", "fileinfo", "finish", "retract")

SUCCESS, SERVER_ERROR, NOT_FOUND, INVALID, NOT_VALID, MALFORMED = 0, 1000, 1210, 4000, 4100, 4110
NO_REPORT, NO_FILE, RETRACTED, FINISHED = 5001, 5002, 5101, 5102


class Break(StrEnum):
    """How a step breaks."""

    LOST_REQUEST = "lost_request"
    """The connection ends before the server has done anything."""
    LOST_ANSWER = "lost_answer"
    """The server does it, and the connection ends before its answer."""
    SERVER_ERROR = "server_error"
    DAMAGE = "damage"
    """What arrives is not what was sent."""
    STALL = "stall"
    """The server does nothing until it is told to go on."""
    HANG = "hang"
    """The server does it, and answers only when it is told to go on."""


@dataclass
class OpenReport:
    opened_at: datetime
    touched_at: datetime
    document: bytes
    state: str = "open"
    files: dict[str, bytes] = field(default_factory=dict)
    details: dict[str, bytes] = field(default_factory=dict)

    def expired(self, now: datetime) -> bool:
        return self.state == "open" and now >= max(
            self.opened_at + OPEN_FOR, self.touched_at + IDLE_FOR
        )


class Answered(Exception):
    """An answer other than success."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code, self.said = code, said


class StandIn:
    """Reports in memory. `breaks` maps (step, how manieth call, from 1) to how it breaks."""

    def __init__(self, clock: Clock = utc_now, schema: bytes | None = None) -> None:
        self.clock = clock
        self.schema = schema if schema is not None else stand_in_schema()
        self.reports: dict[int, OpenReport] = {}
        self.calls: Counter[str] = Counter()
        self.breaks: dict[tuple[str, int], Break] = {}
        self.refuse: dict[str, int] = {}
        """Codes that steps answer instead of doing anything."""
        self.waiting = threading.Event()
        """Set once a step stalls or hangs."""
        self.go_on = threading.Event()
        self._checks = _loaded(self.schema)
        self._lock = threading.Lock()

    @property
    def finished(self) -> list[int]:
        """Reports that are filed."""
        return [number for number, one in self.reports.items() if one.state == "finished"]

    def submit(self, body: bytes) -> bytes:
        self._valid(body, "report")
        now = self.clock()
        number = FIRST_REPORT + len(self.reports)
        self.reports[number] = OpenReport(opened_at=now, touched_at=now, document=body)
        return self._said(reportId=number)

    def upload(self, number: int, content: bytes) -> bytes:
        report = self._open(number)
        token = secrets.token_hex(16)
        report.files[token] = content
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return self._said(reportId=number, fileId=token, hash=digest)

    def fileinfo(self, body: bytes) -> bytes:
        root = self._valid(body, "fileDetails")
        number, token = int(root.findtext("reportId")), root.findtext("fileId")
        report = self._open(number)
        if token not in report.files:
            raise Answered(NO_FILE, "File does not exist")
        if token in report.details:
            raise Answered(INVALID, "Details of this file were given before")
        report.details[token] = body
        return self._said(reportId=number)

    def finish(self, number: int) -> bytes:
        report = self._open(number)
        report.state = "finished"
        files = "".join(f"<fileId>{token}</fileId>" for token in report.files)
        return (
            f"<reportDoneResponse><responseCode>0</responseCode><reportId>{number}</reportId>"
            f"<files>{files}</files></reportDoneResponse>"
        ).encode()

    def retract(self, number: int) -> bytes:
        self._open(number).state = "retracted"
        return self._said(reportId=number)

    def answer(self, step: str, fields: dict[str, bytes], body: bytes) -> tuple[int, bytes]:
        """HTTP status and body of one step, whole under a lock."""
        with self._lock:
            try:
                if step in self.refuse:
                    raise Answered(self.refuse[step], "Refused for the rehearsal")
                if step in ("submit", "fileinfo"):
                    done = self.submit(body) if step == "submit" else self.fileinfo(body)
                elif step == "upload":
                    done = self.upload(_number(fields), _file(fields))
                else:
                    done = getattr(self, step)(_number(fields))
            except Answered as refused:
                return _status(refused.code), self._said(refused.code, refused.said)
        return 200, done

    def _open(self, number: int) -> OpenReport:
        report = self.reports.get(number)
        if report is None or report.expired(self.clock()):
            raise Answered(NO_REPORT, "Report does not exist")
        if report.state == "retracted":
            raise Answered(RETRACTED, "Report has already been retracted")
        if report.state == "finished":
            raise Answered(FINISHED, "Report has already been finished")
        report.touched_at = self.clock()
        return report

    def _valid(self, body: bytes, tag: str) -> Any:
        try:
            root = parse(body)
        except InvalidInput as error:
            raise Answered(MALFORMED, f"Malformed XML: {error.message}") from error
        faults = self._checks.faults(body)
        if root.tag != tag or faults:
            said = "; ".join(f"{fault.field}: {fault.reason}" for fault in faults)
            raise Answered(NOT_VALID, f"Validation failed: {said or 'wrong document'}")
        return root

    @staticmethod
    def _said(code: int = SUCCESS, said: str = "Success", **more: object) -> bytes:
        etree = lxml_etree()
        root = etree.Element("reportResponse")
        named = {"responseCode": code, "responseDescription": said, **more}
        for name, value in named.items():
            etree.SubElement(root, name).text = str(value)
        return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


@cache
def _loaded(schema: bytes) -> Schema:
    return Schema(schema)


@contextmanager
def serving(desk: StandIn, port: int = 0) -> Iterator[str]:
    """The stand-in on loopback; gives the endpoint to file at."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(desk))
    server.daemon_threads = True
    thread = threading.Thread(
        target=server.serve_forever, args=(0.05,), name="cybertipline stand-in"
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/ispws"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(desk: StandIn) -> type[BaseHTTPRequestHandler]:
    known = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if not self._admitted():
                return
            step = self.path.removeprefix("/ispws/")
            if step == "status":
                said = f"Remote User : {USERNAME}, Remote Ip : {self.client_address[0]}"
                self._send(200, desk._said(SUCCESS, said))
            elif step == "xsd":
                self._send(200, desk.schema)
            else:
                self._send(404, desk._said(NOT_FOUND, "Resource not found"))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not self._admitted():
                return
            step = self.path.removeprefix("/ispws/")
            if step not in STEPS:
                self._send(404, desk._said(NOT_FOUND, "Resource not found"))
                return
            desk.calls[step] += 1
            broken = desk.breaks.get((step, desk.calls[step]))
            if broken is Break.LOST_REQUEST:
                self.close_connection = True
                return
            if broken is Break.SERVER_ERROR:
                self._send(500, desk._said(SERVER_ERROR, "Internal server error"))
                return
            if broken is Break.STALL:
                self._wait()
            given = _fields(self.headers.get("Content-Type") or "", body)
            if broken is Break.DAMAGE:
                given["file"] = given.get("file", b"")[:-1]
            status, answer = desk.answer(step, given, body)
            if broken is Break.HANG:
                self._wait()
            if broken is Break.LOST_ANSWER:
                self.close_connection = True
                return
            self._send(status, answer)

        def _wait(self) -> None:
            desk.waiting.set()
            desk.go_on.wait(60)

        def _admitted(self) -> bool:
            if self.headers.get("Authorization") == known:
                return True
            self._send(401, b"")
            return False

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Request-ID", secrets.token_hex(8))
            self.send_header("Content-Type", "text/xml; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            try:
                self.end_headers()
                self.wfile.write(body)
            except ConnectionError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """The stand-in is silent."""

    return Handler


def _fields(content_type: str, body: bytes) -> dict[str, bytes]:
    """Form fields, url-encoded or multipart; the name of a file does not matter here."""
    if content_type.startswith("application/x-www-form-urlencoded"):
        return {name: values[0].encode() for name, values in parse_qs(body.decode()).items()}
    _, found, boundary = content_type.partition("boundary=")
    if not found:
        return {}
    given = {}
    for part in body.split(b"--" + boundary.strip('"').encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        _, named, name = head.partition(b'name="')
        if named:
            given[name.partition(b'"')[0].decode()] = content.removesuffix(b"\r\n")
    return given


def _number(fields: dict[str, bytes]) -> int:
    try:
        return int(fields["id"])
    except (KeyError, ValueError):
        raise Answered(INVALID, "The report id is missing") from None


def _file(fields: dict[str, bytes]) -> bytes:
    if "file" not in fields:
        raise Answered(INVALID, "The file is missing")
    return fields["file"]


def _status(code: int) -> int:
    return 500 if code < 2000 else 401 if code < 3000 else 403 if code < 4000 else 400
