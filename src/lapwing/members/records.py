"""What this room hands out beside members and keys: sessions, passkeys, who is signed in how."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from lapwing.model.errors import StepUpNeeded
from lapwing.model.organisations import Member

STEP_UP_LASTS = timedelta(minutes=10)


class SessionKind(StrEnum):
    BROWSER = "browser"
    TOKEN = "token"  # noqa: S105 - a name


class Via(StrEnum):
    """How a member showed who they are."""

    LINK = "link"
    PASSKEY = "passkey"
    RECOVERY = "recovery"
    CONSOLE = "console"
    """A token, made in a session that was signed in already."""


class Session(Struct, frozen=True, kw_only=True):
    """`stepped_up_at` is when its owner last proved to be there; never set on a token."""

    id: UUID
    kind: SessionKind
    via: Via
    name: str | None
    created_at: datetime
    expires_at: datetime
    last_seen_at: datetime | None
    stepped_up_at: datetime | None
    let_in_by: UUID | None = None
    """The member who made the link that it began with; None is the machine's operator."""


class SignedIn(Struct, frozen=True, kw_only=True):
    """A member, and the session in which they act."""

    member: Member
    session: Session

    def stepped_up(self, now: datetime) -> bool:
        at = self.session.stepped_up_at
        return at is not None and now - at < STEP_UP_LASTS

    def require_step_up(self, now: datetime, *, fresh_token: bool = False) -> None:
        """Raise StepUpNeeded unless the member has lately proved to be the one sitting there.

        With `fresh_token` a token will do while it is new: making it asked for a step-up.
        """
        if self.session.kind is SessionKind.TOKEN:
            if not fresh_token:
                raise StepUpNeeded("a token cannot do this; sign in to the console")
            if now - self.session.created_at < STEP_UP_LASTS:
                return
            raise StepUpNeeded(
                "a token can do this only within ten minutes of being made, which asks for you in "
                "person; make a new one on the console's account page"
            )
        if not self.stepped_up(now):
            raise StepUpNeeded("show again that it is you: this is kept for ten minutes")


class Passkey(Struct, frozen=True, kw_only=True):
    """`backed_up`: the authenticator keeps a copy elsewhere (a password manager, for example)."""

    id: UUID
    member: UUID
    name: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None = None
