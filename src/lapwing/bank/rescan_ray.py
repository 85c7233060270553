"""Finding on a Ray cluster: each worker holds an index over the same codes. Extra `ray`.

Codes and queries leave this machine for the cluster, so it must be the operator's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lapwing.bank.index.hamming import HammingIndex
from lapwing.bank.rescan import Codes, Finder
from lapwing.model.errors import Unavailable

LOCAL = "local"
"""Instead of an address: a cluster of this machine alone, for as long as the rescan takes."""


class _Holder:
    """One worker: an index of its own over the shared codes."""

    def __init__(self, codes: Codes, radius: int) -> None:
        numbers = np.arange(len(codes), dtype=np.int64)
        self._index = HammingIndex.build(codes, numbers, radius=radius, threads=1)
        self._radius = radius

    def rows(self, queries: Codes) -> NDArray[np.int64]:
        query_no, _, _ = self._index.search_rows(queries, self._radius, threads=1)
        return np.unique(query_no)


@contextmanager
def by_ray(codes: Codes, radius: int, address: str = LOCAL) -> Iterator[tuple[Finder, int]]:
    """(a finder over `codes: uint8[n, 32]` within `radius` bits, its workers) on a cluster.

    A cluster that was named stays; one started here ends with it. Raises Unavailable where Ray is
    not installed or the cluster does not answer.
    """
    try:
        import ray
    except ImportError as error:
        raise Unavailable("--ray needs the extra `ray`: pip install 'lapwing[ray]'") from error
    try:
        if address == LOCAL:
            ray.init(address=LOCAL, include_dashboard=False, log_to_driver=False)
        else:
            ray.init(address=address, log_to_driver=False)
    except Exception as error:  # Ray raises bare ones when it does not start
        ray.shutdown()
        raise Unavailable(f"no Ray cluster at {address!r}: {error}") from error
    try:
        workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
        shared = ray.put(np.ascontiguousarray(codes))
        holder: Any = ray.remote(num_cpus=1)(_Holder)
        free: SimpleQueue[Any] = SimpleQueue()
        for _ in range(workers):
            free.put(holder.remote(shared, radius))

        def find(queries: Codes) -> NDArray[np.int64]:
            worker = free.get()
            try:
                found: NDArray[np.int64] = ray.get(worker.rows.remote(queries))
            except ray.exceptions.RayError as error:
                raise Unavailable(f"the Ray cluster failed: {error}") from error
            finally:
                free.put(worker)
            return found

        yield find, workers
    finally:
        ray.shutdown()
