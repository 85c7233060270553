"""Work spread over a few threads of this process; hot loops run beside each other in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")

_LEAST = 16
"""Queries that are worth a thread."""
_PARTS = 4
"""Parts a thread, as some take longer than others."""


@cache
def default_threads() -> int:
    """2, or 1 where there is one processor: a search shares the machine with other work."""
    return min(2, os.cpu_count() or 1)


def in_threads(tasks: Iterable[Callable[[], T]], threads: int) -> list[T]:
    """The results in order, made by at most so many threads at a time."""
    if threads <= 1:
        return [task() for task in tasks]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda task: task(), tasks))


def in_parts(work: Callable[[int, int], T], count: int, threads: int) -> list[T]:
    """`work(start, end)` for ranges that make up 0..count, in order; one range for a few."""
    threads = min(threads, count // _LEAST)
    if threads <= 1:
        return [work(0, count)]
    cuts = [count * k // (_PARTS * threads) for k in range(_PARTS * threads + 1)]
    return in_threads([partial(work, *ends) for ends in pairwise(cuts)], threads)
