"""Account keys: an account is known inside Lapwing only by a keyed hash (DESIGN: account key)."""

from __future__ import annotations

import hashlib
import hmac


def account_key(secret: bytes, version: int, platform: str, account: str) -> str:
    """`<version>:<32 hex>`: HMAC-SHA256(secret, platform ‖ 0x00 ‖ account id), first 128 bits."""
    message = platform.encode() + b"\x00" + account.encode()
    digest = hmac.new(secret, message, hashlib.sha256).digest()[:16]
    return f"{version}:{digest.hex()}"
