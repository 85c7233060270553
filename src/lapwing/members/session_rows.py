"""SQL of sessions and tokens. Every function works inside the caller's transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, RowMapping, column, func, insert, select, update

from lapwing.members import repository
from lapwing.members.records import Session, SessionKind, SignedIn, Via
from lapwing.members.tables import member_sessions, members
from lapwing.model.organisations import Member

SEEN_EVERY = timedelta(minutes=5)
"""Writing down every request would be a write for each read."""

_SHOWN = (
    member_sessions.c.id.label("session_id"),
    member_sessions.c.kind,
    member_sessions.c.via,
    member_sessions.c.name.label("session_name"),
    member_sessions.c.created_at.label("began_at"),
    member_sessions.c.expires_at,
    member_sessions.c.last_seen_at,
    member_sessions.c.stepped_up_at,
    member_sessions.c.let_in_by,
)


def add_session(connection: Connection, member: Member, token: bytes, session: Session) -> None:
    """`token` is the SHA-256 of the secret that stands for the session."""
    connection.execute(
        insert(member_sessions).values(
            token_hash=token,
            organisation_id=member.organisation,
            member_id=member.id,
            created_at=session.created_at,
            expires_at=session.expires_at,
            id=session.id,
            kind=session.kind.value,
            name=session.name,
            via=session.via.value,
            last_seen_at=session.last_seen_at,
            stepped_up_at=session.stepped_up_at,
            let_in_by=session.let_in_by,
        )
    )


def session_holder(connection: Connection, token: bytes, now: datetime) -> UUID | None:
    """The organisation of a running session. Works before the caller is known."""
    found = func.lapwing_session_holder(token, now).table_valued(column("organisation_id"))
    row = connection.execute(select(found.c.organisation_id)).first()
    return None if row is None else UUID(str(row[0]))


def signed_in(connection: Connection, token: bytes, now: datetime) -> SignedIn | None:
    """Who acts in a session that runs; None too where its member is disabled."""
    row = connection.execute(
        select(members, *_SHOWN)
        .join(member_sessions, member_sessions.c.member_id == members.c.id)
        .where(
            member_sessions.c.token_hash == token,
            member_sessions.c.ended_at.is_(None),
            member_sessions.c.expires_at > now,
            members.c.disabled_at.is_(None),
        )
    )
    found = row.mappings().first()
    if found is None:
        return None
    return SignedIn(member=repository.member_of_row(found), session=_session(found))


def see(connection: Connection, session: Session, now: datetime) -> None:
    """Note that a session is in use, now and then."""
    seen = session.last_seen_at
    if seen is None or seen < now - SEEN_EVERY:
        connection.execute(
            update(member_sessions)
            .where(member_sessions.c.id == session.id)
            .values(last_seen_at=now)
        )


def step_up(connection: Connection, session: UUID, now: datetime) -> bool:
    """False where the session has ended, or is a token."""
    done = connection.execute(
        update(member_sessions)
        .where(
            member_sessions.c.id == session,
            member_sessions.c.kind == SessionKind.BROWSER.value,
            member_sessions.c.ended_at.is_(None),
            member_sessions.c.expires_at > now,
        )
        .values(stepped_up_at=now)
    )
    return done.rowcount == 1


def sessions_of(connection: Connection, member: UUID, now: datetime) -> list[Session]:
    """Running sessions and tokens of a member, newest first."""
    rows = connection.execute(
        select(*_SHOWN)
        .where(
            member_sessions.c.member_id == member,
            member_sessions.c.ended_at.is_(None),
            member_sessions.c.expires_at > now,
        )
        .order_by(member_sessions.c.created_at.desc(), member_sessions.c.id)
    )
    return [_session(row) for row in rows.mappings()]


def end_session_of(
    connection: Connection, member: UUID, session: UUID, now: datetime
) -> Session | None:
    """The session as it was; None where this member has none such running."""
    row = connection.execute(
        update(member_sessions)
        .where(
            member_sessions.c.id == session,
            member_sessions.c.member_id == member,
            member_sessions.c.ended_at.is_(None),
        )
        .values(ended_at=now)
        .returning(*_SHOWN)
    )
    found = row.mappings().first()
    return None if found is None else _session(found)


def end_sessions_of(
    connection: Connection, member: UUID, now: datetime, *, but: UUID | None = None
) -> int:
    """End every session and token of a member, except one; how many there were."""
    statement = update(member_sessions).where(
        member_sessions.c.member_id == member,
        member_sessions.c.ended_at.is_(None),
        member_sessions.c.expires_at > now,
    )
    if but is not None:
        statement = statement.where(member_sessions.c.id != but)
    return connection.execute(statement.values(ended_at=now)).rowcount


def _session(row: RowMapping) -> Session:
    return Session(
        id=row["session_id"],
        kind=SessionKind(row["kind"]),
        via=Via(row["via"]),
        name=row["session_name"],
        created_at=row["began_at"],
        expires_at=row["expires_at"],
        last_seen_at=row["last_seen_at"],
        stepped_up_at=row["stepped_up_at"],
        let_in_by=row["let_in_by"],
    )
