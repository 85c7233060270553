"""How intake compiles its hot loops: on first use, kept on disk where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile with numba, without the interpreter's lock and with IEEE float order.

    numba keeps the machine code beside the module, else in the user's cache folder, else where
    NUMBA_CACHE_DIR says. Where none of them can be written it compiles anew in each process.
    """
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)
