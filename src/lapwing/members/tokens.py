"""Secrets: made here, shown once, stored only as their SHA-256.

A secret is 256 random bits, so a plain hash is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import re
import secrets

KEY_PREFIX = "lw_"
TOKEN_PREFIX = "lw_m_"  # noqa: S105 - what a member's own token begins with

_BODY = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """43 characters of base64url: 256 random bits."""
    return secrets.token_urlsafe(32)


def new_key_secret() -> str:
    """`lw_` and a token, so that a leaked key is recognised for what it is."""
    return KEY_PREFIX + new_token()


def new_member_token() -> str:
    """`lw_m_` and a token: stands for a member, never for a machine."""
    return TOKEN_PREFIX + new_token()


def digest(secret: str) -> bytes:
    """SHA-256 of a secret: the 32 bytes that are stored of it."""
    return hashlib.sha256(secret.encode()).digest()


def token_digest(text: str) -> bytes | None:
    """The digest of a token that someone shows, or None where the text cannot be a token.

    Of a session or a link, or with `lw_m_` before it of a member's token.
    """
    return digest(text) if _BODY.fullmatch(text.removeprefix(TOKEN_PREFIX)) else None


def key_digest(text: str) -> bytes | None:
    """The digest of an API key that someone shows, or None where the text cannot be one."""
    fits = text.startswith(KEY_PREFIX) and _BODY.fullmatch(text, len(KEY_PREFIX))
    return digest(text) if fits else None
