"""An epoch that all processes of a node share: what was remembered in an earlier one is void.

It is eight bytes of a file that every process maps, so that asking costs no system call. It says
that something has changed, never what, and it reaches no other node.
"""

from __future__ import annotations

import mmap
import os
import secrets
from pathlib import Path

from lapwing.logs import log, told

_BYTES = 8


class Epoch:
    """Safe to share between threads and, with a `path`, between processes.

    Whoever remembers something asks `current` before looking it up, and again before using it.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Without `path`, or where it cannot be had, the epoch is this process's own; the latter
        is logged."""
        try:
            self._mapped = mmap.mmap(-1, _BYTES) if path is None else _shared(path)
        except OSError as error:
            log.warning("epoch.not_shared", **told(error))
            self._mapped = mmap.mmap(-1, _BYTES)

    def current(self) -> bytes:
        return self._mapped[:]

    def end(self) -> None:
        """Begin another epoch, in every process."""
        # Random rather than counted, so that two who end it at once need not agree.
        self._mapped[:] = secrets.token_bytes(_BYTES)


def _shared(path: Path) -> mmap.mmap:
    path.parent.mkdir(parents=True, exist_ok=True)
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if os.fstat(number).st_size != _BYTES:
            os.ftruncate(number, _BYTES)
        if os.geteuid() == 0:
            # A command of root's must not shut the server out that runs as the folder's owner.
            owner = path.parent.stat()
            os.fchown(number, owner.st_uid, owner.st_gid)
        return mmap.mmap(number, _BYTES)
    finally:
        os.close(number)
