"""An epoch that all processes of a node share: what was remembered in an earlier one is void.

It is eight bytes of a file that every process maps, so that asking costs no system call. It says
that something has changed, never what, and it reaches no other node.
"""

from __future__ import annotations

import mmap
import os
import secrets
from pathlib import Path

_BYTES = 8


class Epoch:
    """Safe to share between threads and, with a `path`, between processes.

    Whoever remembers something asks `current` before looking it up, and again before using it.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Without `path` the epoch is this process's own. Raises OSError."""
        if path is None:
            self._mapped = mmap.mmap(-1, _BYTES)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(number).st_size != _BYTES:
                os.ftruncate(number, _BYTES)
            self._mapped = mmap.mmap(number, _BYTES)
        finally:
            os.close(number)

    def current(self) -> bytes:
        return self._mapped[:]

    def end(self) -> None:
        """Begin another epoch, in every process."""
        # Random rather than counted, so that two who end it at once need not agree.
        self._mapped[:] = secrets.token_bytes(_BYTES)
