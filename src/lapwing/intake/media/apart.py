"""Files hashed outside of this process: what FFmpeg or a picture library does to itself there
costs the file and nothing else."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from lapwing.intake.limits import DEFAULT_LIMITS, Limits
from lapwing.intake.media.formats import container_of
from lapwing.intake.media.hashing import HashedPicture, hash_bytes
from lapwing.intake.media.pool import Pool
from lapwing.intake.media.video import EVERY, HashedVideo, hash_video, open_regular, require_av
from lapwing.model.errors import LapwingError, LimitExceeded

Hashed = HashedPicture | HashedVideo
_START = 4096
_STARTING_AND_SUMS = 120.0
"""Seconds beside those of decoding."""


def hash_file(path: Path, limits: Limits = DEFAULT_LIMITS, every: float = EVERY) -> Hashed:
    """A picture or a video, told from its content. Raises as `hash_bytes` and `hash_video` do."""
    with open_regular(path) as file:
        start = file.read(_START)
        if container_of(start) is None:
            data = start + file.read(limits.file_bytes + 1 - len(start))
            if len(data) > limits.file_bytes:
                raise LimitExceeded(f"the file has more than {limits.file_bytes:,} bytes")
            return hash_bytes(data, limits, name=path.name)
    require_av()
    return hash_video(path, limits, every)


def hash_video_apart(
    path: Path, limits: Limits = DEFAULT_LIMITS, every: float = EVERY
) -> HashedVideo:
    """`hash_video` in a process of its own. Raises as it does, and InvalidInput when it dies."""
    require_av()
    seconds = limits.video_work_seconds + _STARTING_AND_SUMS
    with Pool(partial(hash_video, limits=limits, every=every), 1, seconds=seconds) as pool:
        _, outcome = next(pool.map([path]))
    if isinstance(outcome, LapwingError):
        raise outcome
    return outcome
