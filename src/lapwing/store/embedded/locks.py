"""Locks on files that the kernel frees when the last process that holds them is gone."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lapwing.model.errors import Unavailable


def try_lock(path: Path) -> int | None:
    """An open file that holds the lock until all its copies are closed; None if it is taken."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


@contextmanager
def locked(path: Path, *, patience: float) -> Iterator[None]:
    """Hold the lock, waiting for whoever has it; Unavailable after `patience` seconds."""
    until = time.monotonic() + patience
    while (handle := try_lock(path)) is None:
        if time.monotonic() > until:
            raise Unavailable(f"another process holds {path}")
        time.sleep(0.02)
    try:
        yield
    finally:
        os.close(handle)
