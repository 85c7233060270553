"""Passkeys: adding and removing them, signing in and stepping up with one.

A challenge is random, lives for five minutes, is kept only as a hash that binds it to one purpose
and one session, and is used up by the first answer, right or wrong.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from lapwing.members import ceremonies, credential_rows, repository
from lapwing.members.authority import member_actor
from lapwing.members.named import checked_name
from lapwing.members.records import Passkey, SignedIn, Via
from lapwing.members.session_desk import SessionDesk
from lapwing.model.errors import Conflict, NotAllowed, NotFound
from lapwing.model.events import EventKind
from lapwing.model.organisations import Member
from lapwing.store.clock import new_id

CHALLENGE_LASTS = timedelta(minutes=5)
MOST_PASSKEYS = 20

_SIGN_IN, _STEP_UP, _REGISTER = "sign in", "step up", "register"


class Passkeys(SessionDesk):
    """Raises Unavailable where the extra is missing, NotAllowed where this address gets none."""

    def passkeys(self, organisation: UUID, member_id: UUID) -> list[Passkey]:
        """Those in use, oldest first."""
        with self._database.organisation(organisation) as connection:
            return credential_rows.passkeys_of(connection, member_id)

    def passkey_counts(self, organisation: UUID) -> Mapping[UUID, int]:
        """How many each member has; who has none is left out."""
        with self._database.organisation(organisation) as connection:
            return credential_rows.passkey_counts(connection)

    def begin_registration(self, signed: SignedIn) -> dict[str, Any]:
        """What the browser is asked to make a passkey for. Raises StepUpNeeded."""
        self._require_passkeys()
        signed.require_step_up(self._clock())
        member = signed.member
        known = self.passkeys(member.organisation, member.id)
        if len(known) >= MOST_PASSKEYS:
            raise Conflict(f"{MOST_PASSKEYS} passkeys are enough; remove one first")
        challenge = self._new_challenge(_REGISTER, str(signed.session.id))
        return ceremonies.registration_options(self._site, challenge, member.id, member.name, known)

    def finish_registration(self, signed: SignedIn, name: str, sent: Mapping[str, Any]) -> Passkey:
        """The new passkey. Raises InvalidInput, NotAllowed, Conflict when it is known already."""
        self._require_passkeys()
        signed.require_step_up(self._clock())
        named = checked_name(name)
        answer = ceremonies.read_answer(sent)
        self._use_challenge(_REGISTER, str(signed.session.id), answer)
        made = ceremonies.check_registration(self._site, answer)
        at, member = self._clock(), signed.member
        passkey = Passkey(
            id=new_id(at),
            member=member.id,
            name=named,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            transports=made.transports,
            backed_up=made.backed_up,
            created_at=at,
        )
        with self._database.organisation(member.organisation) as connection:
            if not credential_rows.add_passkey(connection, member, passkey):
                raise Conflict("this passkey is registered already")
            self._note(
                connection,
                member.organisation,
                EventKind.PASSKEY_ADDED,
                member_actor(member),
                str(member.id),
                {"passkey": str(passkey.id), "name": named, "backed_up": passkey.backed_up},
            )
        return passkey

    def remove_passkey(self, signed: SignedIn, passkey_id: UUID) -> Passkey:
        """It signs nobody in from now on. Raises StepUpNeeded, NotFound."""
        now, member = self._clock(), signed.member
        signed.require_step_up(now)
        with self._database.organisation(member.organisation) as connection:
            removed = credential_rows.remove_passkey(connection, member.id, passkey_id, now)
            if removed is None:
                raise NotFound("you have no such passkey")
            self._note(
                connection,
                member.organisation,
                EventKind.PASSKEY_REMOVED,
                member_actor(member),
                str(member.id),
                {"passkey": str(removed.id), "name": removed.name},
            )
        return removed

    def begin_sign_in(self) -> dict[str, Any]:
        """What a browser is asked before anyone is known; it offers the passkeys it has."""
        self._require_passkeys()
        return ceremonies.authentication_options(self._site, self._new_challenge(_SIGN_IN, ""))

    def sign_in_with_passkey(self, sent: Mapping[str, Any]) -> tuple[Member, str]:
        """The member and the token of a new session. Raises InvalidInput, NotAllowed."""
        self._require_passkeys()
        answer = ceremonies.read_answer(sent)
        self._use_challenge(_SIGN_IN, "", answer)
        refused = NotAllowed("this passkey is not known here; it may have been removed")
        with self._database.anyone() as connection:
            organisation = credential_rows.passkey_holder(connection, answer.credential_id)
        if organisation is None:
            raise refused
        member, passkey = self._owner(organisation, answer, refused)
        if answer.user_handle not in (None, member.id.bytes):
            raise refused
        self._assert(member, passkey, answer)
        return member, self._open_session(member, Via.PASSKEY, stepped_up=True)

    def begin_step_up(self, signed: SignedIn) -> dict[str, Any]:
        """Asks for one of the member's own passkeys. Raises NotFound when there is none."""
        self._require_passkeys()
        known = self.passkeys(signed.member.organisation, signed.member.id)
        if not known:
            raise NotFound("you have no passkey yet")
        challenge = self._new_challenge(_STEP_UP, str(signed.session.id))
        return ceremonies.authentication_options(self._site, challenge, known)

    def step_up_with_passkey(self, signed: SignedIn, sent: Mapping[str, Any]) -> None:
        """The session may do for ten minutes what needs it. Raises InvalidInput, NotAllowed."""
        self._require_passkeys()
        answer = ceremonies.read_answer(sent)
        self._use_challenge(_STEP_UP, str(signed.session.id), answer)
        refused = NotAllowed("this is not one of your passkeys")
        member, passkey = self._owner(signed.member.organisation, answer, refused)
        if member.id != signed.member.id:
            raise refused
        self._assert(member, passkey, answer)
        self._step_up(signed, Via.PASSKEY)

    def _owner(
        self, organisation: UUID, answer: ceremonies.Answer, refused: NotAllowed
    ) -> tuple[Member, Passkey]:
        with self._database.organisation(organisation) as connection:
            passkey = credential_rows.passkey_of_credential(connection, answer.credential_id)
            member = None if passkey is None else repository.member(connection, passkey.member)
        if passkey is None or member is None:
            raise refused
        return member, passkey

    def _assert(self, member: Member, passkey: Passkey, answer: ceremonies.Answer) -> None:
        """Hold the answer to the passkey's key and counter, and count a failure."""
        try:
            asserted = ceremonies.check_authentication(self._site, answer, passkey)
        except NotAllowed:
            self._count_failure(member.organisation, member.id, Via.PASSKEY, "signature")
            raise
        with self._database.organisation(member.organisation) as connection:
            used = credential_rows.use_passkey(
                connection, passkey.id, asserted.sign_count, asserted.backed_up, self._clock()
            )
        if not used:
            self._count_failure(member.organisation, member.id, Via.PASSKEY, "counter went back")
            raise NotAllowed(
                "this passkey's counter went back, as that of a copy would; "
                "use another, and remove this one"
            )

    def _require_passkeys(self) -> None:
        if self._site.refused is not None:
            raise NotAllowed(f"no passkeys at {self._site.origin}: {self._site.refused}")

    def _new_challenge(self, purpose: str, bound: str) -> bytes:
        challenge, now = secrets.token_bytes(32), self._clock()
        digest = ceremonies.challenge_digest(purpose, bound, challenge)
        with self._database.anyone() as connection:
            credential_rows.add_challenge(connection, digest, now + CHALLENGE_LASTS, now)
        return challenge

    def _use_challenge(self, purpose: str, bound: str, answer: ceremonies.Answer) -> None:
        digest = ceremonies.challenge_digest(purpose, bound, answer.challenge)
        with self._database.anyone() as connection:
            if not credential_rows.use_challenge(connection, digest, self._clock()):
                raise NotAllowed("that took too long, or was answered before; try again")
