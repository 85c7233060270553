"""What the ways of signing in share: opening a session, stepping up, counting failures."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from lapwing.members import credential_rows, session_rows
from lapwing.members.authority import member_actor
from lapwing.members.desk import Desk
from lapwing.members.records import Session, SessionKind, SignedIn, Via
from lapwing.members.tokens import digest, new_token
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import NotAllowed
from lapwing.model.events import EventKind
from lapwing.model.organisations import Member
from lapwing.store.clock import new_id

SESSION_LASTS = timedelta(hours=12)


class SessionDesk(Desk):
    """Holds nothing of its own. Secrets are returned once and stored as their SHA-256."""

    def _open_session(self, member: Member, via: Via, *, stepped_up: bool) -> str:
        with self._database.organisation(member.organisation) as connection:
            return self._begin_session(connection, member, via, stepped_up=stepped_up)

    def _begin_session(
        self,
        connection: Connection,
        member: Member,
        via: Via,
        *,
        stepped_up: bool,
        let_in_by: UUID | None = None,
    ) -> str:
        token, now = new_token(), self._clock()
        session = Session(
            id=new_id(now),
            kind=SessionKind.BROWSER,
            via=via,
            name=None,
            created_at=now,
            expires_at=now + SESSION_LASTS,
            last_seen_at=now,
            stepped_up_at=now if stepped_up else None,
            let_in_by=let_in_by,
        )
        session_rows.add_session(connection, member, digest(token), session)
        credential_rows.forget_failures(connection, member.id, via.value)
        self._note(
            connection,
            member.organisation,
            EventKind.MEMBER_SIGNED_IN,
            member_actor(member),
            str(member.id),
            {"via": via.value, "session": str(session.id)},
        )
        return token

    def _step_up(self, signed: SignedIn, via: Via) -> None:
        member = signed.member
        with self._database.organisation(member.organisation) as connection:
            if not session_rows.step_up(connection, signed.session.id, self._clock()):
                raise NotAllowed("this session has ended; sign in again")
            credential_rows.forget_failures(connection, member.id, via.value)
            self._note(
                connection,
                member.organisation,
                EventKind.MEMBER_STEPPED_UP,
                member_actor(member),
                str(member.id),
                {"via": via.value, "session": str(signed.session.id)},
            )

    def _count_failure(self, organisation: UUID, member: UUID, via: Via, why: str) -> None:
        """In a transaction of its own, because the caller refuses. Noted at 1, 2, 4, 8 … in a row,
        so that whoever fails on purpose cannot fill the ledger."""
        with self._database.organisation(organisation) as connection:
            failures = credential_rows.count_failure(
                connection, organisation, member, via.value, self._clock()
            )
            if failures & (failures - 1) == 0:
                self._note(
                    connection,
                    organisation,
                    EventKind.MEMBER_SIGN_IN_FAILED,
                    SYSTEM,
                    str(member),
                    {"via": via.value, "why": why, "failures_in_a_row": failures},
                )
