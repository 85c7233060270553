"""A member's own sessions and tokens: seeing them, ending them, making a token."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from lapwing.members import session_rows
from lapwing.members.authority import member_actor
from lapwing.members.named import checked_name
from lapwing.members.records import Session, SessionKind, SignedIn, Via
from lapwing.members.session_desk import SessionDesk
from lapwing.members.tokens import digest, new_member_token
from lapwing.model.errors import Conflict, InvalidInput, NotAllowed, NotFound
from lapwing.model.events import EventKind
from lapwing.store.clock import new_id

MAX_TOKEN_DAYS = 30
MOST_TOKENS = 20


class Sessions(SessionDesk):
    """A token is a session for the command line: named, at most 30 days, never stepped up."""

    def sessions(self, organisation: UUID, member_id: UUID) -> list[Session]:
        """Running sessions and tokens, newest first."""
        with self._database.organisation(organisation) as connection:
            return session_rows.sessions_of(connection, member_id, self._clock())

    def create_token(
        self, signed: SignedIn, name: str, days: int = MAX_TOKEN_DAYS
    ) -> tuple[Session, str]:
        """A token and its secret `lw_m_…`, shown this once. Raises StepUpNeeded, InvalidInput."""
        now, member = self._clock(), signed.member
        signed.require_step_up(now)
        if not 1 <= days <= MAX_TOKEN_DAYS:
            raise InvalidInput(f"a token lasts 1 to {MAX_TOKEN_DAYS} days", field="days")
        secret = new_member_token()
        made = Session(
            id=new_id(now),
            kind=SessionKind.TOKEN,
            via=Via.CONSOLE,
            name=checked_name(name),
            created_at=now,
            expires_at=now + timedelta(days=days),
            last_seen_at=None,
            stepped_up_at=None,
        )
        with self._database.organisation(member.organisation) as connection:
            running = session_rows.sessions_of(connection, member.id, now)
            if sum(one.kind is SessionKind.TOKEN for one in running) >= MOST_TOKENS:
                raise Conflict(f"{MOST_TOKENS} tokens are enough; revoke one first")
            session_rows.add_session(connection, member, digest(secret), made)
            self._note(
                connection,
                member.organisation,
                EventKind.TOKEN_CREATED,
                member_actor(member),
                str(member.id),
                {"token": str(made.id), "name": made.name, "days": days},
            )
        return made, secret

    def end_session(self, signed: SignedIn, session_id: UUID) -> Session:
        """End one of the member's own sessions or tokens. Raises NotFound."""
        member, now = signed.member, self._clock()
        with self._database.organisation(member.organisation) as connection:
            ended = session_rows.end_session_of(connection, member.id, session_id, now)
            if ended is None:
                raise NotFound("you have no such session")
            token = ended.kind is SessionKind.TOKEN
            self._note(
                connection,
                member.organisation,
                EventKind.TOKEN_REVOKED if token else EventKind.MEMBER_SIGNED_OUT,
                member_actor(member),
                str(member.id),
                {"token" if token else "session": str(ended.id)}
                | ({"name": ended.name} if token else {}),
            )
        return ended

    def end_other_sessions(self, signed: SignedIn) -> int:
        """Sign out everywhere but here, tokens too; how many there were."""
        member = signed.member
        with self._database.organisation(member.organisation) as connection:
            ended = session_rows.end_sessions_of(
                connection, member.id, self._clock(), but=signed.session.id
            )
            if ended:
                self._note(
                    connection,
                    member.organisation,
                    EventKind.MEMBER_SESSIONS_ENDED,
                    member_actor(member),
                    str(member.id),
                    {"sessions": ended},
                )
        return ended

    def require_present(self, signed: SignedIn | None) -> SignedIn:
        """Raise NotAllowed without a session, StepUpNeeded without a recent step-up."""
        if signed is None:
            raise NotAllowed("this needs a member in person")
        signed.require_step_up(self._clock())
        return signed
