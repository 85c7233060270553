"""From the bytes of a picture to everything that is known of it."""

from __future__ import annotations

import hashlib
from pathlib import PurePath

from msgspec import Struct

from lapwing.intake.limits import DEFAULT_LIMITS, Limits
from lapwing.intake.media.decode import MORE_FRAMES, decode, decode_frames
from lapwing.intake.media.formats import FORMATS
from lapwing.intake.media.pdq import pdq
from lapwing.model.errors import InvalidInput
from lapwing.model.items import PictureHashes
from lapwing.model.videos import Frame


class HashedPicture(Struct, frozen=True, kw_only=True):
    """`width` and `height` are those of the upright picture in pixels, `size` is in bytes."""

    hashes: PictureHashes
    mime: str
    width: int
    height: int
    size: int
    frames: tuple[Frame, ...] = ()
    """Of an animation or a file of several pages, the first one too; empty for a single picture."""
    notes: tuple[str, ...] = ()


def hash_bytes(
    data: bytes, limits: Limits = DEFAULT_LIMITS, *, name: str | None = None
) -> HashedPicture:
    """Decode and hash a picture; a `name` that does not fit its content is noted.

    Raises InvalidInput or LimitExceeded as `decode` does. Bytes that are no picture still have
    `digests`.
    """
    decoded = decode(data, limits)
    whole = (decoded.height, decoded.width) if decoded.scaled > 1 else None
    code, quality = pdq(decoded.rgb, whole=whole)
    exact = digests(data)
    notes = decoded.notes
    frames: tuple[Frame, ...] = ()
    if MORE_FRAMES in notes:
        frames, told = hash_frames(data, decoded.mime, limits)
        notes = (*(note for note in notes if note != MORE_FRAMES), *told)
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
        frames=frames,
        notes=notes,
    )


def hash_frames(
    data: bytes, mime: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[tuple[Frame, ...], tuple[str, ...]]:
    """The frames of an animation up to the limits, and a note on what was left out."""
    found: list[Frame] = []
    at = 0.0
    try:
        for rgb, seconds in decode_frames(data, mime, limits):
            code, quality = pdq(rgb)
            found.append(Frame(len(found), quality, code.hex(), round(at, 3)))
            at += seconds
    except InvalidInput as error:
        return tuple(found), (f"{error.message}: {len(found)} frames were hashed",)
    return tuple(found), ()


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
