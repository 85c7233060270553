"""Keeps the picture libraries from talking past the refusal.

Pillow warns and logs about files that it was given; libtiff prints to standard error in C. What
there is to say about a file is in its refusal.
"""

from __future__ import annotations

import ctypes
import logging
import warnings
from pathlib import Path

_PILLOW = r"PIL\."
_LOADED = Path("/proc/self/maps")

logging.getLogger("PIL").addHandler(logging.NullHandler())


def keep_pillow_quiet() -> None:
    """Ignore Pillow's warnings. Called at each decoding, because whoever embeds Lapwing, or a
    test, may have reset the filters since."""
    for action, _, category, module, _ in warnings.filters:
        if (action, category) == ("ignore", Warning) and _text(module) == _PILLOW:
            return
    warnings.filterwarnings("ignore", module=_PILLOW)


def _text(pattern: object) -> object:
    return getattr(pattern, "pattern", pattern)


def keep_libtiff_quiet() -> bool:
    """Take away libtiff's default handlers, which print; whether it was found (Linux only).

    The library is the one that Pillow has loaded; nothing new is loaded here.
    """
    try:
        loaded = {line.split(maxsplit=5)[-1] for line in _LOADED.read_text().splitlines()}
    except OSError:
        return False
    paths = [path for path in loaded if Path(path).name.startswith("libtiff")]
    for path in paths:
        library = ctypes.CDLL(path)
        library.TIFFSetErrorHandler(None)
        library.TIFFSetWarningHandler(None)
    return bool(paths)
