"""Pictures and videos from files and folders, hashed by several threads with a bounded look-ahead.

A video is hashed in a process of its own; its bytes are not held, and so never kept.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from lapwing.intake.limits import Limits
from lapwing.intake.lines import printable
from lapwing.intake.media.apart import Hashed, hash_video_apart
from lapwing.intake.media.formats import container_of
from lapwing.intake.media.hashing import hash_bytes
from lapwing.intake.media.video import HashedVideo, open_regular
from lapwing.intake.records import ItemBuilder
from lapwing.model.errors import InvalidInput, LapwingError, LimitExceeded
from lapwing.model.refusals import Refusal, refusal_of
from lapwing.model.submissions import Submission

Entry = Submission | Refusal

_Outcome = tuple[bytes | None, Hashed] | LapwingError

_START = 4096
_LONGEST_ID = 512
_AHEAD_PER_WORKER = 2


def read_picture(stream: BinaryIO, path: Path, builder: ItemBuilder, limits: Limits) -> Entry:
    """One picture from a stream; its id is the last part of its path."""
    data = stream.read(limits.file_bytes + 1)
    try:
        outcome: _Outcome = data, hash_bytes(data, limits, name=path.name)
    except InvalidInput as error:
        outcome = error
    return _entry(path, source_id_of(path.name), outcome, builder)


def read_video(path: Path, source_id: str, builder: ItemBuilder, limits: Limits) -> Iterator[Entry]:
    """A video file; what was not looked at of it is a refusal beside it."""
    try:
        yield from _entries(path, source_id, (None, hash_video_apart(path, limits)), builder)
    except LapwingError as error:
        yield refusal_of(error, file=printable(str(path), 4096), source_id=source_id)


def read_folder(
    folder: Path, builder: ItemBuilder, limits: Limits, workers: int | None = None
) -> Iterator[Entry]:
    """Every file below a folder in the order of its path, which is the item's id.

    A file that is no picture is refused by name. Links are not followed. At most two pictures per
    worker wait in memory.
    """
    count = workers or min(os.cpu_count() or 1, 8)
    with ThreadPoolExecutor(count, thread_name_prefix="lapwing-hash") as pool:
        too_many = False
        ahead: deque[tuple[Path, Future[_Outcome]]] = deque()
        for number, path in enumerate(walk(folder)):
            too_many = number == limits.rows
            if too_many:
                break
            ahead.append((path, pool.submit(_hash, path, limits)))
            if len(ahead) > _AHEAD_PER_WORKER * count:
                yield from _next(ahead, folder, builder)
        while ahead:
            yield from _next(ahead, folder, builder)
        if too_many:
            reason = f"more than {limits.rows:,} files; the rest was not read"
            file = printable(str(folder))
            yield Refusal(reason=reason, file=file, code=LimitExceeded.code)


def is_video(path: Path) -> bool:
    """Whether the file begins as a video. Raises InvalidInput when it cannot be read."""
    with open_regular(path) as file:
        return container_of(file.read(_START)) is not None


def walk(folder: Path) -> Iterator[Path]:
    """Every entry below a folder that is not a folder itself, sorted within each folder."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path))
        else:
            yield Path(entry.path)


def source_id_of(path: str) -> str:
    """A path as an id: bytes that are not UTF-8 are escaped, a very long path keeps its end."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    if len(text) <= _LONGEST_ID:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{digest}/{text[-(_LONGEST_ID - len(digest) - 1) :]}"


def _next(
    ahead: deque[tuple[Path, Future[_Outcome]]], folder: Path, builder: ItemBuilder
) -> Iterator[Entry]:
    path, future = ahead.popleft()
    source_id = source_id_of(path.relative_to(folder).as_posix())
    yield from _entries(path, source_id, future.result(), builder)


def _entries(
    path: Path, source_id: str, outcome: _Outcome, builder: ItemBuilder
) -> Iterator[Entry]:
    yield _entry(path, source_id, outcome, builder)
    if not isinstance(outcome, LapwingError) and isinstance(outcome[1], HashedVideo):
        for note in outcome[1].notes:
            file = printable(str(path), 4096)
            yield Refusal(reason=note, file=file, source_id=source_id, code=LimitExceeded.code)


def _entry(path: Path, source_id: str, outcome: _Outcome, builder: ItemBuilder) -> Entry:
    file = printable(str(path), 4096)
    if isinstance(outcome, LapwingError):
        return refusal_of(outcome, file=file, source_id=source_id)
    data, hashed = outcome
    return Submission(item=builder.picture(source_id, hashed), content=data, mime=hashed.mime)


def _hash(path: Path, limits: Limits) -> _Outcome:
    try:
        if is_video(path):
            return None, hash_video_apart(path, limits)
        data = read_bounded(path, limits.file_bytes)
        return data, hash_bytes(data, limits, name=path.name)
    except LapwingError as error:
        return error


def read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes; raises InvalidInput, LimitExceeded."""
    try:
        # Without O_NONBLOCK opening a named pipe would wait for its writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with open(handle, "rb") as file:
            if not S_ISREG(os.fstat(handle).st_mode):
                raise InvalidInput("not a regular file")
            data = file.read(limit + 1)
    except OSError as error:
        if path.is_symlink():
            raise InvalidInput("a link to another file; links are not followed") from error
        raise InvalidInput(f"cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise LimitExceeded(f"the file has more than {limit:,} bytes")
    return data
