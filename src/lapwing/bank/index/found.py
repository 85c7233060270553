"""What a search finds: (query_no int64[k], row or id int64[k], distance int32[k])."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]


def nothing() -> Found:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32)


def joined(parts: Sequence[Found]) -> Found:
    """All of them, one after another."""
    if len(parts) == 1:
        return parts[0]
    return (
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
    )


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only view. Hot loops get nothing else, so that one compiled form serves all."""
    view = array.view()
    view.setflags(write=False)
    return view
