"""A confirmation, and the kinds of things that need one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from lapwing.model.permissions import Permission


class ConfirmationState(StrEnum):
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Confirmation(Struct, frozen=True, kw_only=True):
    """`data` is exactly what both members agreed to: it is never changed after the proposal.

    `why` is said by whoever refused or withdrew.
    """

    id: UUID
    organisation: UUID
    kind: str
    subject: str
    basis: str
    category: str
    data: dict[str, Any]
    proposed_by: UUID
    proposed_at: datetime
    expires_at: datetime
    confirmed_by: UUID | None = None
    confirmed_at: datetime | None = None
    refused_by: UUID | None = None
    refused_at: datetime | None = None
    withdrawn_by: UUID | None = None
    withdrawn_at: datetime | None = None
    why: str | None = None

    def state(self, now: datetime) -> ConfirmationState:
        if self.withdrawn_at is not None:
            return ConfirmationState.WITHDRAWN
        if self.refused_at is not None:
            return ConfirmationState.REFUSED
        if self.confirmed_at is not None:
            return ConfirmationState.CONFIRMED
        return ConfirmationState.EXPIRED if self.expires_at <= now else ConfirmationState.WAITING


Effect = Callable[[Connection, Confirmation], None]
"""Runs in the transaction of the answer: it enqueues the job that does what was decided."""


def no_effect(connection: Connection, confirmation: Confirmation) -> None:
    """For kinds whose room asks `confirmed` when the time has come."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What needs a second member, who may propose and confirm it, and what follows.

    `withdrawn` runs in the same way as `confirmed`, so that a retraction travels as fast.
    """

    name: str
    title: str
    propose: Permission = Permission.SHARE_PROPOSE
    confirm: Permission = Permission.SHARE_CONFIRM
    lasts: timedelta = timedelta(days=7)
    confirmed: Effect = field(default=no_effect)
    withdrawn: Effect = field(default=no_effect)


ALLOW_OVERRIDE = Kind(
    name="bank.allow_override",
    title="An allow entry that beats a verified list",
    propose=Permission.BANK_WRITE,
    confirm=Permission.SHARE_CONFIRM,
)
"""Its subject is `override_subject(…)` of the entry."""


LIST_EXPORT = Kind(name="bank.export", title="A list written into a file, to leave")
"""Its subject is the id of the list."""


def overridden(subject: str) -> tuple[str, str]:
    """(kind, value) of the subject of an override."""
    kind, _, value = subject.partition(":")
    return kind, value


def override_subject(kind: str, value: str) -> str:
    """The subject of an allow entry's override: kind and value of the exact hash."""
    return f"{kind}:{value.lower()}"
