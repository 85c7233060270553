"""Events: what the ledger records. The body may hold personal data; the leaf never does."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

from lapwing.model.actors import Actor


class EventKind(StrEnum):
    ORGANISATION_CREATED = "organisation.created"
    ORGANISATION_CHANGED = "organisation.changed"
    MEMBER_ADDED = "member.added"
    MEMBER_DISABLED = "member.disabled"
    MEMBER_LINK_MADE = "member.link_made"
    MEMBER_SIGNED_IN = "member.signed_in"
    MEMBER_SIGNED_OUT = "member.signed_out"
    MEMBER_SIGN_IN_FAILED = "member.sign_in_failed"
    MEMBER_STEPPED_UP = "member.stepped_up"
    MEMBER_PERMITTED = "member.permitted"
    MEMBER_SESSIONS_ENDED = "member.sessions_ended"
    PASSKEY_ADDED = "passkey.added"
    PASSKEY_REMOVED = "passkey.removed"
    RECOVERY_CODES_MADE = "recovery.codes_made"
    TOKEN_CREATED = "token.created"  # noqa: S105 - a name
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - a name
    SIGNING_KEY_ROTATED = "ledger.key_rotated"
    """The last event that the old signing key signs; the heads after it are the new key's."""
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    CONFIRMATION_PROPOSED = "confirmation.proposed"
    CONFIRMATION_CONFIRMED = "confirmation.confirmed"
    CONFIRMATION_REFUSED = "confirmation.refused"
    CONFIRMATION_WITHDRAWN = "confirmation.withdrawn"
    LIST_CREATED = "list.created"
    LIST_CHANGED = "list.changed"
    LIST_IMPORTED = "list.imported"
    LIST_EXPORTED = "list.exported"
    INDICATORS_ADDED = "indicators.added"
    INDICATORS_WITHDRAWN = "indicators.withdrawn"
    OPINION_GIVEN = "opinion.given"
    OPINION_RETRACTED = "opinion.retracted"
    INDICATOR_QUARANTINED = "indicator.quarantined"
    QUARANTINE_CONFIRMED = "indicator.quarantine_confirmed"
    QUARANTINE_RELEASED = "indicator.quarantine_released"
    HOSTED_PROBING = "hosted.probing_found"
    """A hosted caller's questions looked like probing. Holds the key and counts, never a hash."""
    HOSTED_PROBING_SEEN = "hosted.probing_seen"
    DECIDED = "item.decided"
    CASE_OPENED = "case.opened"
    CASE_EXTENDED = "case.extended"
    CASE_CLAIMED = "case.claimed"
    CASE_RELEASED = "case.released"
    CASE_NOTED = "case.noted"
    CASE_DANGER = "case.danger"
    CASE_DANGER_OVER = "case.danger_over"
    CASE_APPEALED = "case.appealed"
    CASE_CLOSED = "case.closed"
    VERDICT = "case.verdict"
    CONTENT_KEPT = "content.kept"
    CONTENT_UNCOVERED = "content.uncovered"
    CONTENT_SERVED = "content.served"
    CONTENT_DELETED = "content.deleted"
    CONTENT_HELD = "content.held"
    """Kept beyond its time for a stated reason, until the hold is lifted."""
    CONTENT_UNHELD = "content.unheld"
    CONTENT_PRESERVED = "content.preserved"
    """Its time of deletion was moved to what the law asks."""
    CONTENT_RELEASED = "content.released"
    """Handed to a document for an authority, in a member's name."""
    REPORT_DRAFTED = "report.drafted"
    REPORT_CONFIRMED = "report.confirmed"
    REPORT_SUBMITTED = "report.submitted"
    REPORT_FILED = "report.filed"
    REPORT_FAILED = "report.failed"
    REPORT_WITHDRAWN = "report.withdrawn"
    REPORT_ERASED = "report.erased"


class Event(Struct, frozen=True, kw_only=True):
    """`subject` is the id of the noun that the event is about, as text."""

    kind: EventKind
    at: datetime
    actor: Actor
    subject: str
    case: UUID | None = None
    data: dict[str, Any] = {}
