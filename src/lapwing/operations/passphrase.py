"""A short secret sealed under a passphrase, as an age file (https://age-encryption.org/v1).

By our own hands, because age's library measures the machine first: it refuses to open on a busy or
slow one what was sealed on a quick one, and a backup is opened on a bad day. Only for what fits one
chunk; everything large goes through age itself.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lapwing.model.errors import NotAllowed

WORK = 18
"""log2 of scrypt's N, as age's own command takes: 256 MiB, about a second."""
MOST_WORK = 22
"""More than 4 GiB for one try is not asked of anybody; age's own command has the same limit."""
LONGEST = 1 << 16

_VERSION = b"age-encryption.org/v1\n"
_STANZA = re.compile(rb"-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n([A-Za-z0-9+/]{43})\n")
_END = re.compile(rb"^--- ([A-Za-z0-9+/]{43})\n", re.MULTILINE)
_LAST = bytes(11) + b"\x01"
"""Nonce of the first chunk, which is the last."""


def seal(secret: bytes, passphrase: str, *, work: int = WORK) -> bytes:
    """An age file with `secret` (up to 64 KiB) in it."""
    if len(secret) >= LONGEST:
        raise ValueError("too long for one chunk")
    file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
    wrapped = ChaCha20Poly1305(_stretched(passphrase, salt, work)).encrypt(
        bytes(12), file_key, None
    )
    stanza = b"-> scrypt %s %d\n%s\n" % (_text(salt), work, _text(wrapped))
    header = _VERSION + stanza + b"---"
    payload = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
    sealed = payload.encrypt(_LAST, secret, None)
    return header + b" " + _text(_mac(file_key, header)) + b"\n" + nonce + sealed


def unseal(sealed: bytes, passphrase: str) -> bytes:
    """The secret again. Raises NotAllowed where it does not open."""
    stanza, end = _STANZA.search(sealed), _END.search(sealed)
    if not sealed.startswith(_VERSION) or stanza is None or end is None:
        raise NotAllowed("this is not sealed under a passphrase")
    work = int(stanza[2])
    if work > MOST_WORK:
        raise NotAllowed("opening this would take more memory than anybody should be asked for")
    try:
        key = _stretched(passphrase, _bytes(stanza[1]), work)
        file_key = ChaCha20Poly1305(key).decrypt(bytes(12), _bytes(stanza[3]), None)
        said = _mac(file_key, sealed[: end.start() + 3])
        if not hmac.compare_digest(said, _bytes(end[1])):
            raise NotAllowed("what the passphrase seals was changed")
        nonce, payload = sealed[end.end() : end.end() + 16], sealed[end.end() + 16 :]
        cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
        return cipher.decrypt(_LAST, payload, None)
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise NotAllowed("the passphrase does not open this") from error


def _stretched(passphrase: str, salt: bytes, work: int) -> bytes:
    return hashlib.scrypt(
        passphrase.encode(),
        salt=b"age-encryption.org/v1/scrypt" + salt,
        n=1 << work,
        r=8,
        p=1,
        maxmem=(1 << work) * 1024 + (1 << 26),
        dklen=32,
    )


def _derived(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(key)


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), header, "sha256")


def _text(raw: bytes) -> bytes:
    return base64.b64encode(raw).rstrip(b"=")


def _bytes(text: bytes) -> bytes:
    """Raises ValueError for bits after the last byte: age allows one way to write each value."""
    raw = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    if _text(raw) != text:
        raise ValueError("not written as age writes it")
    return raw
