"""WebAuthn ceremonies: what a browser is asked, and whether its answer holds.

W3C Web Authentication Level 3, §7.1 (registration) and §7.2 (authentication), by way of the
package `webauthn`, which is the extra `passkeys`. The private key never leaves the authenticator;
no attestation is asked for, so that nothing tells which model a member owns. User verification
(PIN, fingerprint) is required: a passkey is both what one has and what one knows or is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import importlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from lapwing.members.records import Passkey
from lapwing.members.site import NAME, Site
from lapwing.model.errors import InvalidInput, NotAllowed, Unavailable

MISSING = "passkeys need the extra package webauthn; pip install 'lapwing[passkeys]' brings it"
SHORTEST_ID = 16
"""Bytes of a credential id: at least 100 bits of it are random (§6.1, credential id)."""
_TIMEOUT = 300_000
_MOST = 64 * 1024
_TRANSPORTS = frozenset({"usb", "nfc", "ble", "smart-card", "hybrid", "internal", "cable"})


class Registered(Struct, frozen=True, kw_only=True):
    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    backed_up: bool


class Asserted(Struct, frozen=True, kw_only=True):
    sign_count: int
    backed_up: bool


class _Response(Struct):
    clientDataJSON: str  # noqa: N815 - the wire's name
    userHandle: str | None = None  # noqa: N815
    transports: list[str] = []


class _Credential(Struct):
    id: str
    response: _Response


class _ClientData(Struct):
    challenge: str


class Answer(Struct, frozen=True, kw_only=True):
    """What a browser sent back, so far as it is needed to find out whose it is."""

    raw: Mapping[str, Any]
    credential_id: bytes
    challenge: bytes
    user_handle: bytes | None
    transports: tuple[str, ...]


def available() -> bool:
    try:
        importlib.import_module("webauthn")
    except ImportError:
        return False
    return True


def read_answer(sent: Mapping[str, Any]) -> Answer:
    """Raises InvalidInput when it is not a credential as browsers serialise it (§5.1.8)."""
    try:
        credential = msgspec.convert(sent, _Credential)
        client = _unpadded(credential.response.clientDataJSON)
        data = msgspec.json.decode(client, type=_ClientData)
        handle = credential.response.userHandle
        return Answer(
            raw=sent,
            credential_id=_unpadded(credential.id),
            challenge=_unpadded(data.challenge),
            user_handle=None if handle is None else _unpadded(handle),
            transports=tuple(t for t in credential.response.transports if t in _TRANSPORTS),
        )
    except (msgspec.MsgspecError, binascii.Error, UnicodeError, ValueError) as error:
        raise InvalidInput("this is not the answer of a passkey", field="credential") from error


def challenge_digest(purpose: str, bound: str, challenge: bytes) -> bytes:
    """What is kept of a challenge: it holds for one purpose and one session only."""
    return hashlib.sha256(f"lapwing {purpose}\0{bound}\0".encode() + challenge).digest()


def registration_options(
    site: Site, challenge: bytes, member: UUID, name: str, known: Sequence[Passkey]
) -> dict[str, Any]:
    """`PublicKeyCredentialCreationOptionsJSON` (§5.1.9)."""
    webauthn, structs = _library()
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=NAME,
        user_id=member.bytes,
        user_name=name,
        user_display_name=name,
        challenge=challenge,
        timeout=_TIMEOUT,
        attestation=structs.AttestationConveyancePreference.NONE,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(structs, known),
    )
    return _plain(webauthn.options_to_json(options))


def authentication_options(
    site: Site, challenge: bytes, known: Sequence[Passkey] = ()
) -> dict[str, Any]:
    """`PublicKeyCredentialRequestOptionsJSON`; without `known`, the browser offers what it has."""
    webauthn, structs = _library()
    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        challenge=challenge,
        timeout=_TIMEOUT,
        allow_credentials=_descriptors(structs, known),
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return _plain(webauthn.options_to_json(options))


def check_registration(site: Site, answer: Answer) -> Registered:
    """The new credential. Raises NotAllowed when the answer does not hold."""
    webauthn, _ = _library()
    try:
        verified = webauthn.verify_registration_response(
            credential=dict(answer.raw),
            expected_challenge=answer.challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except _refusals() as error:
        raise NotAllowed(f"this passkey cannot be used: {error}") from error
    if len(verified.credential_id) < SHORTEST_ID:
        raise NotAllowed("this passkey cannot be used: its id could be guessed")
    return Registered(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=answer.transports,
        backed_up=verified.credential_backed_up,
    )


def check_authentication(site: Site, answer: Answer, passkey: Passkey) -> Asserted:
    """The passkey's counter now; the caller compares it. Raises NotAllowed."""
    webauthn, _ = _library()
    try:
        verified = webauthn.verify_authentication_response(
            credential=dict(answer.raw),
            expected_challenge=answer.challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except _refusals() as error:
        raise NotAllowed("this passkey's answer does not hold; try again") from error
    return Asserted(sign_count=verified.new_sign_count, backed_up=verified.credential_backed_up)


def _library() -> tuple[Any, Any]:
    """Imported on first use: it is an extra, and brings OpenSSL's bindings along."""
    try:
        return (
            importlib.import_module("webauthn"),
            importlib.import_module("webauthn.helpers.structs"),
        )
    except ImportError as error:
        raise Unavailable(MISSING) from error


def _refusals() -> tuple[type[Exception], ...]:
    """The package's own errors, and what it lets through from parsing hostile bytes."""
    exceptions = importlib.import_module("webauthn.helpers.exceptions")
    return (exceptions.WebAuthnException, ValueError, TypeError, LookupError, AttributeError)


def _descriptors(structs: Any, known: Sequence[Passkey]) -> list[Any]:
    return [
        structs.PublicKeyCredentialDescriptor(
            id=one.credential_id,
            transports=[structs.AuthenticatorTransport(name) for name in one.transports],
        )
        for one in known
    ]


def _plain(text: str) -> dict[str, Any]:
    return msgspec.json.decode(text, type=dict[str, Any])


def _unpadded(text: str) -> bytes:
    """base64url without padding (RFC 7515, §2)."""
    if len(text) > _MOST:
        raise ValueError("too long")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
