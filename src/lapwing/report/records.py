"""What goes into this room and what comes out of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from lapwing.model.errors import InvalidInput


class Fault(Struct, frozen=True, kw_only=True):
    """One thing missing or wrong in a document. `field` is a dotted path; places count from 0."""

    field: str
    reason: str


class Incomplete(InvalidInput):
    """A report cannot be filed as it is; `faults` lists everything that is missing or wrong."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        listed = "; ".join(f"{fault.field}: {fault.reason}" for fault in faults)
        super().__init__(f"the report is not complete: {listed}", field=faults[0].field)
        self.faults = faults


class ReportKind(StrEnum):
    """What a case is about; it suggests the authority's incident type, a member confirms it."""

    IMAGE = "image"
    URL = "url"
    MESSAGE = "message"
    """Online enticement."""
    ADVERT = "advert"
    """Trafficking."""


class ActorAge(StrEnum):
    """The person behind the account. Anything but ADULT is the welfare way."""

    ADULT = "adult"
    MINOR = "minor"
    UNKNOWN = "unknown"


class ReportState(StrEnum):
    """
    drafted ─► confirmed ─► submitting ─► uploading ─► finishing ─► filed
                   ▲             │  ▲___ retry ___│         │
                   └── failed ◄──┴────────────────┴─────────┘        (withdrawn: before finishing)
    """

    DRAFTED = "drafted"
    CONFIRMED = "confirmed"
    """A named member has said: file it."""
    SUBMITTING = "submitting"
    UPLOADING = "uploading"
    """The authority's report id is on record."""
    FINISHING = "finishing"
    """The last, irreversible step is under way, or its answer was lost."""
    RETRY = "retry"
    FILED = "filed"
    FAILED = "failed"
    """The authority refused; a member has to look."""
    WITHDRAWN = "withdrawn"


UNDER_WAY = frozenset(
    {
        ReportState.CONFIRMED,
        ReportState.SUBMITTING,
        ReportState.UPLOADING,
        ReportState.FINISHING,
        ReportState.RETRY,
    }
)
"""States in which the filing job has something to do."""


class FileState(StrEnum):
    PLANNED = "planned"
    UPLOADED = "uploaded"
    DESCRIBED = "described"


class ReportStatus(Struct, frozen=True, kw_only=True):
    """Where a report stands. Holds nothing of what it says."""

    id: UUID
    case: UUID
    case_number: int
    authority: str
    state: ReportState
    drafted_by: str
    drafted_at: datetime
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    endpoint: str | None = None
    """Where it is filed; a test endpoint is not the authority."""
    remote_id: int | None = None
    """The authority's number of the report."""
    attempts: int = 0
    next_attempt_at: datetime | None = None
    filed_at: datetime | None = None
    files: int = 0
    keep_until: datetime | None = None
    erased_at: datetime | None = None
    last_answer: str | None = None
    """What the authority's server said last, or why it could not be reached."""
    request_id: str | None = None
    """The server's own id of its last answer, to ask the authority about."""
