"""Services wait for PostgreSQL, so they run in threads beside the event loop."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import to_thread

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The call's result, run in a worker thread."""
    return await to_thread.run_sync(partial(call, *args, **kwargs))
