"""The wire: requests to the authority's server, one method a step. Decides nothing.

Source: CyberTipline Reporting API ("ISPWS"). Only https, but on this machine itself; redirects are
not followed; certificates are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from lapwing.logs import log
from lapwing.model.errors import NotAllowed
from lapwing.report.cybertipline.answers import Answer, Unanswered, read_answer
from lapwing.report.cybertipline.credentials import Credentials, read_credentials
from lapwing.report.cybertipline.endpoints import LOOPBACK, checked_endpoint

SECONDS = 120.0
XML = "text/xml; charset=utf-8"


class Wire(Protocol):
    """What filing needs of a client. Every method raises Unanswered when no answer came."""

    def submit(self, report: bytes) -> Answer: ...
    def upload(self, report_id: int, name: str, content: bytes) -> Answer: ...
    def describe(self, details: bytes) -> Answer: ...
    def finish(self, report_id: int) -> Answer: ...
    def retract(self, report_id: int) -> Answer: ...


class CyberTipline:
    """The client over one endpoint, `https://…/ispws`. Close it when done."""

    def __init__(
        self, endpoint: str, credentials: Credentials, *, seconds: float = SECONDS
    ) -> None:
        endpoint = checked_endpoint(endpoint)
        self._http = httpx.Client(
            base_url=endpoint,
            auth=(credentials.username, credentials.password),
            timeout=seconds,
            follow_redirects=False,
            trust_env=urlsplit(endpoint).hostname not in LOOPBACK,
        )

    def __enter__(self) -> CyberTipline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def status(self) -> Answer:
        """Whether the server knows us; its description names the user and address it sees."""
        return self._answer("GET", "/status")

    def schema(self) -> bytes:
        """The current XML schema. Raises Unanswered when it does not come."""
        response = self._send("GET", "/xsd")
        if response.status_code != 200:
            answer = read_answer(response.status_code, response.content, _request_id(response))
            raise Unanswered(f"the schema did not come: {answer.said}")
        return response.content

    def submit(self, report: bytes) -> Answer:
        """Open a report; the answer carries its id."""
        return self._answer("POST", "/submit", content=report, headers={"Content-Type": XML})

    def upload(self, report_id: int, name: str, content: bytes) -> Answer:
        """Add a file; the answer carries its id and the MD5 of what arrived."""
        return self._answer(
            "POST",
            "/upload",
            data={"id": str(report_id)},
            files={"file": (name, content, "application/octet-stream")},
        )

    def describe(self, details: bytes) -> Answer:
        """Details of an uploaded file, once."""
        return self._answer("POST", "/fileinfo", content=details, headers={"Content-Type": XML})

    def finish(self, report_id: int) -> Answer:
        """File the report for good. The body of the answer is the statutory notification."""
        return self._answer("POST", "/finish", data={"id": str(report_id)})

    def retract(self, report_id: int) -> Answer:
        """Throw an open report away. The answer also tells whether it was finished before."""
        return self._answer("POST", "/retract", data={"id": str(report_id)})

    def _answer(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        data: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        response = self._send(
            method, path, content=content, data=data, files=files, headers=headers
        )
        answer = read_answer(response.status_code, response.content, _request_id(response))
        log.info(
            "cybertipline.answer", step=path[1:], code=answer.code, answer_id=answer.request_id
        )
        return answer

    def _send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        data: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        try:
            return self._http.request(
                method, path, content=content, data=data, files=files, headers=headers
            )
        except httpx.HTTPError as error:
            log.warning("cybertipline.unanswered", step=path[1:], error=type(error).__name__)
            raise Unanswered(f"no answer to {path}: {type(error).__name__}") from error


def connector(secrets: Path, endpoint: str | None) -> Callable[[UUID], CyberTipline]:
    """Opens the client of an organisation, with its credentials from the folder of secrets.

    What it returns raises NotAllowed where there is no endpoint or no credentials.
    """

    def connect(organisation: UUID) -> CyberTipline:
        credentials = read_credentials(secrets, organisation)
        if endpoint is None or credentials is None:
            raise NotAllowed("there is no address to file at, or no credentials for it")
        return CyberTipline(endpoint, credentials)

    return connect


def _request_id(response: httpx.Response) -> str | None:
    found = response.headers.get("Request-ID")
    return found[:200] if found else None
