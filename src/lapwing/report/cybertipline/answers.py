"""What the authority's server answers, and what each answer means for filing. Pure but for XML.

Source: CyberTipline Reporting API, "Response codes" (the list there is not complete).
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from lapwing.model.errors import InvalidInput, Unavailable
from lapwing.report.cybertipline.xml import parse

SUCCESS = 0
AUTHENTICATION_REQUIRED = 2000
NO_SUCH_REPORT = 5001
RETRACTED = 5101
FINISHED = 5102


class Meaning(StrEnum):
    DONE = "done"
    AGAIN = "again"
    """The server's own trouble: try later."""
    GONE = "gone"
    """The open report is no longer there: begin anew."""
    FINISHED = "finished"
    """The report was finished before: never file it again."""
    REFUSED = "refused"
    """Trying again would change nothing; a person has to look."""


class Answer(Struct, frozen=True, kw_only=True):
    """`body` is the XML as received; `files` are the file ids of a finished report."""

    code: int
    description: str
    body: bytes
    report_id: int | None = None
    file_id: str | None = None
    hash: str | None = None
    files: tuple[str, ...] = ()
    request_id: str | None = None

    @property
    def meaning(self) -> Meaning:
        return meaning_of(self.code)

    @property
    def said(self) -> str:
        """One line for people and for the record."""
        return f"{self.code} {self.description}".strip()[:500]


def meaning_of(code: int) -> Meaning:
    if code == SUCCESS:
        return Meaning.DONE
    if 1000 <= code < 2000:
        return Meaning.AGAIN
    if code in (NO_SUCH_REPORT, RETRACTED):
        return Meaning.GONE
    return Meaning.FINISHED if code == FINISHED else Meaning.REFUSED


def read_answer(status: int, body: bytes, request_id: str | None) -> Answer:
    """An answer of the server by HTTP status and body; a 401 may come without one.

    Where the body is not the server's XML, the status has to do: what a proxy says is no answer of
    the authority, so only 401, 403 and 404 count as refusals and the rest is tried again.
    """
    try:
        root = parse(body) if body.strip() else None
    except InvalidInput:
        root = None
    if root is None or root.tag not in ("reportResponse", "reportDoneResponse"):
        return _without_words(status, body, request_id)
    code = _number(root.findtext("responseCode"))
    if code is None:
        return _without_words(status, body, request_id)
    return Answer(
        code=code,
        description=root.findtext("responseDescription") or "",
        body=body,
        report_id=_number(root.findtext("reportId")),
        file_id=root.findtext("fileId"),
        hash=root.findtext("hash"),
        files=tuple(one.text or "" for one in root.iterfind("files/fileId")),
        request_id=request_id,
    )


def _without_words(status: int, body: bytes, request_id: str | None) -> Answer:
    code = AUTHENTICATION_REQUIRED if status == 401 else 3000 if status == 403 else 1000
    if status == 404:
        code = 4000
    return Answer(
        code=code,
        description=f"HTTP {status} without an answer of the authority",
        body=body[:2000],
        request_id=request_id,
    )


def _number(text: str | None) -> int | None:
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None


class Unanswered(Unavailable):
    """The authority's server could not be reached, or its answer was lost on the way."""
