"""The error tree. Every error a person may meet is one of these, and says what to do about it.

LapwingError
├── InvalidInput        a value cannot be used; names the field and, where there is one, the line
│   └── LimitExceeded   larger, longer, deeper or more than a stated limit
├── NotFound            no such thing for this organisation (someone else's things do not exist)
├── NotAllowed          the actor lacks the authority; says which
│   └── StepUpNeeded    the member has the authority, but has to show again that it is them
├── TooManyAttempts     wait and try again; says how long
├── Conflict            the thing has moved on since it was read
├── IntegrityBroken     evidence does not verify; names the first broken place
└── Unavailable         a part Lapwing needs (database, blob store) does not answer
"""

from __future__ import annotations


class LapwingError(Exception):
    """Base of all errors that are meant to be read by a person."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(LapwingError):
    """A value cannot be used. `field` is a dotted path, `line` counts from 1."""

    code = "invalid_input"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message)
        self.field = field
        self.line = line
        self.column = column


class LimitExceeded(InvalidInput):
    """The input is beyond a stated limit; the message names the limit."""

    code = "limit_exceeded"


class NotFound(LapwingError):
    """There is no such thing in this organisation."""

    code = "not_found"


class NotAllowed(LapwingError):
    """The actor lacks the authority for this."""

    code = "not_allowed"


class StepUpNeeded(NotAllowed):
    """The member may do this, after showing again who is sitting there."""

    code = "step_up_needed"


class TooManyAttempts(LapwingError):
    """Attempts came too fast. `retry_after` is in whole seconds, at least 1."""

    code = "too_many_attempts"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = max(1, retry_after)


class Conflict(LapwingError):
    """The thing changed since it was read, or the step does not follow from its state."""

    code = "conflict"


class IntegrityBroken(LapwingError):
    """Evidence does not verify. `position` is the first broken place in the ledger, if known."""

    code = "integrity_broken"

    def __init__(self, message: str, *, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class Unavailable(LapwingError):
    """A part that Lapwing needs does not answer."""

    code = "unavailable"
