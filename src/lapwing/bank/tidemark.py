"""The highest generation that any process of this node knows to be committed: one shared number.

Whoever has committed a change raises it before the caller hears of success, so that no worker of
the node answers that caller from before the change. Reading it costs a look into memory. It may be
too high (another database stood here before), never trusted as a generation that exists.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lapwing.logs import log

BYTES = 8


class Tidemark:
    """Safe to share between threads. Without a file (none can be made) it is this process's own."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: int | None = None
        self._number: NDArray[np.uint64] = np.zeros(1, np.uint64)
        self._lock = threading.Lock()

    def open(self, *, make: bool) -> None:
        """Share the number from now on; does nothing the second time.

        Only a server makes the file: a command may run as another user.
        """
        with self._lock:
            if self._file is not None or self._path is None or not (make or self._path.exists()):
                return
            try:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                made = os.O_CREAT if make else 0
                file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | made, 0o600)
                if os.fstat(file).st_size < BYTES:
                    # Written, not only made long: a mapped hole would need room on a full disk.
                    os.pwrite(file, bytes(BYTES), 0)
                shared = np.frombuffer(mmap.mmap(file, BYTES), np.uint64)
            except (OSError, ValueError) as error:
                log.warning("bank.not_shared", error=type(error).__name__)
                return
            before, self._number, self._file = int(self._number[0]), shared, file
        self._change(lambda now: max(now, before))

    def read(self) -> int:
        return int(self._number[0])

    def raise_to(self, generation: int) -> None:
        self.open(make=False)
        self._change(lambda now: max(now, generation))

    def correct(self, too_high: int, generation: int) -> None:
        """Lower it to `generation`, which the database said when it stood at `too_high` already."""
        self._change(lambda now: generation if now == too_high else now)

    def _change(self, change: Callable[[int], int]) -> None:
        with self._lock:
            if self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                self._number[0] = change(int(self._number[0]))
            finally:
                if self._file is not None:
                    fcntl.flock(self._file, fcntl.LOCK_UN)
