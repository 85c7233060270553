"""From the bytes of a picture to everything that is known of it."""

from __future__ import annotations

import hashlib
from pathlib import PurePath

from msgspec import Struct

from lapwing.intake.limits import DEFAULT_LIMITS, Limits
from lapwing.intake.media.decode import decode
from lapwing.intake.media.formats import FORMATS
from lapwing.intake.media.pdq import pdq
from lapwing.model.items import PictureHashes


class HashedPicture(Struct, frozen=True, kw_only=True):
    """`width` and `height` are those of the upright picture in pixels, `size` is in bytes."""

    hashes: PictureHashes
    mime: str
    width: int
    height: int
    size: int
    notes: tuple[str, ...] = ()


def hash_bytes(
    data: bytes, limits: Limits = DEFAULT_LIMITS, *, name: str | None = None
) -> HashedPicture:
    """Decode and hash a picture; a `name` that does not fit its content is noted.

    Raises InvalidInput or LimitExceeded as `decode` does. Bytes that are no picture still have
    `digests`.
    """
    decoded = decode(data, limits)
    code, quality = pdq(decoded.rgb)
    exact = digests(data)
    notes = decoded.notes
    if name is not None and (mismatch := _mismatch(name, decoded.mime)):
        notes += (mismatch,)
    return HashedPicture(
        hashes=PictureHashes(
            pdq=code.hex(), quality=quality, md5=exact.md5, sha1=exact.sha1, sha256=exact.sha256
        ),
        mime=decoded.mime,
        width=decoded.width,
        height=decoded.height,
        size=len(data),
        notes=notes,
    )


def digests(data: bytes) -> PictureHashes:
    """The cryptographic hashes of any bytes. MD5 and SHA-1 are what lists carry, not security."""
    return PictureHashes(
        md5=hashlib.md5(data, usedforsecurity=False).hexdigest(),
        sha1=hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _mismatch(name: str, mime: str) -> str | None:
    extension = PurePath(name).suffix.lower()
    for known in FORMATS:
        if known.mime == mime and extension and extension not in known.extensions:
            return f"named {extension} but is {known.name}"
    return None
