"""One-time sign-in links and the sessions they open."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from lapwing.members import credential_rows, link_rows, repository, session_rows
from lapwing.members.authority import member_actor
from lapwing.members.desk import found
from lapwing.members.records import SignedIn, Via
from lapwing.members.session_desk import SessionDesk
from lapwing.members.tokens import digest, new_token, token_digest
from lapwing.model.actors import SYSTEM, Actor
from lapwing.model.errors import InvalidInput, NotAllowed
from lapwing.model.events import EventKind
from lapwing.model.organisations import Member
from lapwing.model.permissions import Permission

MAX_LINK_MINUTES = 24 * 60


class SigningIn(SessionDesk):
    """A link works once and soon expires; a session ends by itself, on signing out, or at once
    when its member is disabled."""

    def sign_in_link(
        self, organisation: UUID, member_id: UUID, minutes: int = 15, *, actor: Actor = SYSTEM
    ) -> str:
        """The token of a link that signs this member in once.

        Who asks for it could use it, so the ledger names them. Raises NotFound, and NotAllowed
        unless Lapwing or a member with `members.manage` asks.
        """
        if not 1 <= minutes <= MAX_LINK_MINUTES:
            raise InvalidInput(
                f"a link lasts between 1 and {MAX_LINK_MINUTES} minutes", field="minutes"
            )
        token, at = new_token(), self._clock()
        with self._database.organisation(organisation) as connection:
            maker = self._require(connection, actor, Permission.MEMBERS_MANAGE)
            member = found(repository.member(connection, member_id))
            if maker is not None and member.permissions - maker.permissions:
                raise NotAllowed("this member may more than you; let someone who may as much do it")
            link_rows.add_link(
                connection,
                member,
                digest(token),
                at,
                at + timedelta(minutes=minutes),
                made_by=None if maker is None else maker.id,
            )
            self._note(
                connection,
                organisation,
                EventKind.MEMBER_LINK_MADE,
                actor,
                str(member.id),
                {"minutes": minutes},
            )
        return token

    def sign_in(self, token: str) -> tuple[Member, str]:
        """The member and the token of a new session; the link is used up. Raises NotAllowed.

        A link stands for presence only while its member has no passkey.
        """
        refused = NotAllowed("this sign-in link is unknown, used up or expired; ask for a new one")
        link, now = token_digest(token), self._clock()
        if link is None:
            raise refused
        with self._database.anyone() as connection:
            organisation = link_rows.link_holder(connection, link, now)
            spent = link_rows.spent_link_holder(connection, link)
        if spent is not None:
            self._count_failure(*spent, Via.LINK, "the link was used before")
        if organisation is None:
            raise refused
        with self._database.organisation(organisation) as connection:
            used = link_rows.use_link(connection, link, now)
            member = None if used is None else repository.member(connection, used.member)
            if used is None or member is None:
                raise refused
            session = self._begin_session(
                connection,
                member,
                Via.LINK,
                stepped_up=not credential_rows.passkeys_of(connection, member.id),
                let_in_by=used.made_by,
            )
        return member, session

    def session(self, token: str) -> Member | None:
        """Whose session or token this is, or None when it is unknown, ended or expired."""
        signed = self.signed_in(token)
        return None if signed is None else signed.member

    def signed_in(self, token: str) -> SignedIn | None:
        """The member and the session that this secret stands for, or None."""
        secret, now = token_digest(token), self._clock()
        if secret is None:
            return None
        with self._database.anyone() as connection:
            organisation = session_rows.session_holder(connection, secret, now)
        if organisation is None:
            return None
        with self._database.organisation(organisation) as connection:
            signed = session_rows.signed_in(connection, secret, now)
            if signed is not None:
                session_rows.see(connection, signed.session, now)
        return signed

    def sign_out(self, token: str) -> bool:
        """End a session. False where there was none running."""
        signed = self.signed_in(token)
        if signed is None:
            return False
        member = signed.member
        with self._database.organisation(member.organisation) as connection:
            ended = session_rows.end_session_of(
                connection, member.id, signed.session.id, self._clock()
            )
            if ended is None:
                return False
            self._note(
                connection,
                member.organisation,
                EventKind.MEMBER_SIGNED_OUT,
                member_actor(member),
                str(member.id),
                {"session": str(ended.id)},
            )
        return True
