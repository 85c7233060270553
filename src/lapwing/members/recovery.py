"""Recovery codes: for the member whose passkeys are lost. Written on paper, each good for once.

A code is a selector of 40 bits, by which it is found, and a secret of 60 bits of which only an
argon2id hash is kept (RFC 9106). It is the one thing here that a person could try to guess, so a
wrong secret makes the next try on this code wait: 1, 2, 4 … seconds, up to a day. Nothing else
waits with it: running sessions, passkeys and the member's other codes go on.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from uuid import UUID

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from lapwing.members import credential_rows, repository
from lapwing.members.authority import member_actor
from lapwing.members.records import SignedIn, Via
from lapwing.members.session_desk import SessionDesk
from lapwing.model.errors import NotAllowed, TooManyAttempts
from lapwing.model.events import EventKind
from lapwing.model.organisations import Member

CODES = 8
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letters that are taken for others."""
_MISREAD = str.maketrans("OIL", "011")
_SELECTOR, _SECRET, _GROUP = 8, 12, 4
_LONGEST_WAIT = timedelta(days=1)

_MEMORY_KIB, _ITERATIONS, _LANES = 19 * 1024, 2, 1
"""OWASP password storage cheat sheet, first choice for argon2id."""
_AT_ONCE = threading.BoundedSemaphore(2)
"""Hashing is slow on purpose; this many at once leave the machine its work."""
_PATIENCE = 5.0


class Recovery(SessionDesk):
    """Codes are made anew all together; the old ones end."""

    def make_recovery_codes(self, signed: SignedIn) -> tuple[str, ...]:
        """Eight codes, shown this once. Raises StepUpNeeded."""
        member, now = signed.member, self._clock()
        signed.require_step_up(now)
        drawn = {_draw(_SELECTOR): _draw(_SECRET) for _ in range(CODES)}
        hashes = {selector: _hashed(secret) for selector, secret in drawn.items()}
        with self._database.organisation(member.organisation) as connection:
            credential_rows.replace_recovery_codes(connection, member, hashes, now)
            self._note(
                connection,
                member.organisation,
                EventKind.RECOVERY_CODES_MADE,
                member_actor(member),
                str(member.id),
                {"codes": len(drawn)},
            )
        return tuple(_written(selector + secret) for selector, secret in drawn.items())

    def recovery_codes_left(self, organisation: UUID, member_id: UUID) -> int:
        with self._database.organisation(organisation) as connection:
            return credential_rows.recovery_codes_left(connection, member_id)

    def sign_in_with_recovery(self, code: str) -> tuple[Member, str]:
        """The member and the token of a new session. Raises NotAllowed, TooManyAttempts."""
        selector, secret = _parts(code)
        with self._database.anyone() as connection:
            organisation = credential_rows.recovery_holder(connection, selector)
        if organisation is None:
            _fits(secret, _decoy())  # the answer takes as long as that of a code that exists
            raise _refused()
        member = self._use_code(organisation, selector, secret)
        return member, self._open_session(member, Via.RECOVERY, stepped_up=True)

    def step_up_with_recovery(self, signed: SignedIn, code: str) -> None:
        """For a member without a passkey at hand. Raises NotAllowed, TooManyAttempts."""
        selector, secret = _parts(code)
        self._use_code(signed.member.organisation, selector, secret, only=signed.member.id)
        self._step_up(signed, Via.RECOVERY)

    def _use_code(
        self, organisation: UUID, selector: str, secret: str, *, only: UUID | None = None
    ) -> Member:
        now = self._clock()
        with self._database.organisation(organisation) as connection:
            kept = credential_rows.try_recovery_code(connection, selector)
            member = None if kept is None else repository.member(connection, kept[0])
            if kept is None or member is None or only not in (None, member.id):
                raise _refused()
            _, hashed, failures, next_try = kept
            if next_try is not None and next_try > now:
                seconds = int((next_try - now).total_seconds()) + 1
                raise TooManyAttempts(
                    f"this code was wrong before; try again in {seconds} s", retry_after=seconds
                )
            # Counted before it is looked at, so that guesses at the same time count too.
            wait = min(timedelta(seconds=2 ** min(failures, 20)), _LONGEST_WAIT)
            credential_rows.delay_recovery_code(connection, selector, now + wait)
        if not _fits(secret, hashed):
            self._count_failure(organisation, member.id, Via.RECOVERY, "wrong code")
            raise _refused()
        with self._database.organisation(organisation) as connection:
            if not credential_rows.use_recovery_code(connection, selector, now):
                raise _refused()
        return member


def _refused() -> NotAllowed:
    return NotAllowed("this recovery code is unknown, used up or replaced")


def _draw(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _written(code: str) -> str:
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def _parts(code: str) -> tuple[str, str]:
    """Selector and secret, however the code was typed. Raises NotAllowed."""
    bare = code[:100].upper().translate(_MISREAD).replace("-", "").replace(" ", "")
    if len(bare) != _SELECTOR + _SECRET or not set(bare) <= set(_ALPHABET):
        raise _refused()
    return bare[:_SELECTOR], bare[_SELECTOR:]


def _hashed(secret: str) -> str:
    kdf = Argon2id(
        salt=secrets.token_bytes(16),
        length=32,
        iterations=_ITERATIONS,
        lanes=_LANES,
        memory_cost=_MEMORY_KIB,
    )
    with _one_of_few():
        return kdf.derive_phc_encoded(secret.encode())


def _fits(secret: str, hashed: str) -> bool:
    with _one_of_few():
        try:
            Argon2id.verify_phc_encoded(secret.encode(), hashed)
        except InvalidKey:
            return False
    return True


@contextmanager
def _one_of_few() -> Iterator[None]:
    if not _AT_ONCE.acquire(timeout=_PATIENCE):
        raise TooManyAttempts("too many codes are being checked; try again soon", retry_after=5)
    try:
        yield
    finally:
        _AT_ONCE.release()


@cache
def _decoy() -> str:
    return _hashed(_draw(_SECRET))
